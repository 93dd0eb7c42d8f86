import assert from "node:assert/strict";
import { test } from "node:test";

import { showPresetValues } from "../../static/js/train_form.js";
import { element } from "./page.mjs";

test("a blank setting shows what the chosen preset and tokenizer would put there", () => {
  const inputs = ["hidden_size", "steps", "unheard_of"].map((setting) => element({ dataset: { setting } }));
  const chosen = { preset: "coffee", tokenizer: "char" };
  const form = element({
    querySelectorAll: () => inputs,
    querySelector: (selector) => ({ value: chosen[selector.match(/name="(\w+)"/)[1]] }),
  });
  const presets = { coffee: { char: { hidden_size: 384, steps: null } } };
  showPresetValues(form, presets);
  assert.deepEqual(inputs.map((input) => input.placeholder), ["384", "", ""]);
  chosen.preset = "banquet";
  showPresetValues(form, presets);
  assert.equal(inputs[0].placeholder, "");
});
