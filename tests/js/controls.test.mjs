import assert from "node:assert/strict";
import { test } from "node:test";

import { bindControls, growToContent, markIdle } from "../../static/js/controls.js";
import { element } from "./page.mjs";

test("a slider says its value in its output", () => {
  const output = element();
  const page = element({ querySelector: (selector) => (selector === 'output[for="daring"]' ? output : null) });
  bindControls(page, { fieldSizing: true });
  page.dispatchEvent({ type: "input", target: element({ id: "daring", value: "0.85", matches: (it) => it.startsWith("input") }) });
  assert.equal(output.value, "0.85");
});

test("a textarea is as high as its text", () => {
  const textarea = element({ scrollHeight: 120 });
  growToContent(textarea);
  assert.equal(textarea.style.height, "120px");
});

test("a form that is sent marks its button busy, and the back button finds it idle", () => {
  const button = element();
  const form = element({ matches: () => true });
  const page = element({ querySelectorAll: () => [button] });
  bindControls(page, { fieldSizing: true });
  page.dispatchEvent({ type: "submit", target: form, submitter: button, defaultPrevented: false });
  assert.equal(button.getAttribute("aria-busy"), "true");
  markIdle(page);
  assert.equal(button.getAttribute("aria-busy"), null);
});

test("a click elsewhere or Escape closes a menu", () => {
  const menu = element({ open: true, contains: (target) => target === "inside" });
  const page = element({ querySelectorAll: () => [menu] });
  bindControls(page, { fieldSizing: true });
  page.dispatchEvent({ type: "click", target: "inside" });
  assert.equal(menu.open, true);
  page.dispatchEvent({ type: "click", target: "elsewhere" });
  assert.equal(menu.open, false);
  menu.open = true;
  page.dispatchEvent({ type: "keydown", key: "Escape", target: element({ closest: () => null }) });
  assert.equal(menu.open, false);
});
