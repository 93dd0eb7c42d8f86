import assert from "node:assert/strict";
import { test } from "node:test";

import { showValues } from "../../static/js/train_form.js";
import { element } from "./page.mjs";

test("a blank setting shows what it stands for", () => {
  const inputs = ["hidden_size", "steps", "unheard_of"].map((setting) => element({ dataset: { setting } }));
  const form = element({ querySelectorAll: () => inputs });
  showValues(form, { hidden_size: 384, steps: null });
  assert.deepEqual(inputs.map((input) => input.placeholder), ["384", "", ""]);
  showValues(form, {});
  assert.equal(inputs[0].placeholder, "");
});
