import assert from "node:assert/strict";
import { test } from "node:test";

import { ChosenSample, showSample } from "../../static/js/run_samples.js";
import { element } from "./page.mjs";

function regionOf(count) {
  const samples = Array.from({ length: count }, (_, index) => {
    const sample = element({ dataset: { sample: String(count - index), moment: `epoch ${2 * (count - index)}, 1.38 nats per character` }, isOlder: true });
    return Object.assign(sample, { toggleAttribute: (_, isSet) => { sample.isOlder = isSet; } });
  });
  const slider = element({ value: String(count), max: String(count) });
  const moment = element();
  const region = element({
    querySelectorAll: () => samples,
    querySelector: (selector) => (selector === "[data-sample-slider]" ? slider : moment),
  });
  const shown = () => samples.filter((sample) => !sample.isOlder).map((sample) => sample.dataset.sample);
  return { region, slider, moment, shown };
}

test("one sample is shown, and its moment said", () => {
  const { region, moment, slider, shown } = regionOf(3);
  showSample(region, 2);
  assert.deepEqual(shown(), ["2"]);
  assert.equal(moment.textContent, "epoch 4, 1.38 nats per character");
  assert.equal(slider.getAttribute("aria-valuetext"), "epoch 4, 1.38 nats per character");
});

test("who reads an older sample keeps it when a new one comes", () => {
  const chosen = new ChosenSample();
  const before = regionOf(3);
  before.slider.value = "1";
  chosen.choose(before.slider, before.region);
  const after = regionOf(4);
  chosen.restore(after.region);
  assert.deepEqual(after.shown(), ["1"]);
  assert.equal(after.slider.value, "1");
});

test("who reads the newest sample gets the newer one", () => {
  const chosen = new ChosenSample();
  const before = regionOf(3);
  chosen.choose(before.slider, before.region);
  const after = regionOf(4);
  chosen.restore(after.region);
  assert.deepEqual(after.shown(), ["4"]);
});
