import assert from "node:assert/strict";
import { test } from "node:test";

import { bindThemeSwitch, currentTheme, switchTheme } from "../../static/js/theme.js";
import { element } from "./page.mjs";

const system = (isDark) => () => element({ matches: isDark });

test("the system decides until a person does", () => {
  assert.equal(currentTheme(element(), { matchMedia: system(true) }), "dark");
  assert.equal(currentTheme(element({ dataset: { theme: "light" } }), { matchMedia: system(true) }), "light");
});

test("a choice is shown and stored", () => {
  const root = element();
  const stored = new Map();
  switchTheme(root, { matchMedia: system(false), storage: () => ({ setItem: (key, value) => stored.set(key, value) }) });
  assert.equal(root.dataset.theme, "dark");
  assert.equal(stored.get("theme"), "dark");
});

test("where storage is forbidden the choice still holds for this page", () => {
  const root = element({ dataset: { theme: "dark" } });
  const storage = () => { throw new Error("forbidden"); };
  assert.equal(switchTheme(root, { matchMedia: system(false), storage }), "light");
});

test("the page is told of a change, so that charts can draw themselves anew", () => {
  const button = element();
  const page = element({ documentElement: element(), querySelectorAll: () => [button] });
  let changes = 0;
  page.addEventListener("themechange", () => { changes += 1; });
  bindThemeSwitch(page, { matchMedia: system(false), storage: () => ({ setItem() {} }) });
  button.dispatchEvent({ type: "click" });
  assert.equal(changes, 1);
});
