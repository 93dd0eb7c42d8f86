import assert from "node:assert/strict";
import { test } from "node:test";

import { copyText } from "../../static/js/copy.js";
import { element } from "./page.mjs";

function pageWith(source) {
  let selected = null;
  return {
    getElementById: () => source,
    getSelection: () => ({ selectAllChildren: (node) => { selected = node; } }),
    get selected() { return selected; },
  };
}

function buttonWith(label) {
  return element({ dataset: { copy: "token" }, querySelector: () => label });
}

test("the text is copied, and the button says so for a moment", async () => {
  const label = element({ textContent: "Copy" });
  const copied = [];
  const said = [];
  await copyText(buttonWith(label), {
    page: pageWith(element({ textContent: "secret" })),
    clipboard: { writeText: async (text) => { copied.push(text); } },
    wait: async () => { said.push(label.textContent); },
  });
  assert.deepEqual(copied, ["secret"]);
  assert.deepEqual(said, ["Copied"]);
  assert.equal(label.textContent, "Copy");
});

test("where the clipboard is closed the text is selected for the keyboard", async () => {
  const source = element({ textContent: "secret" });
  const page = pageWith(source);
  await copyText(buttonWith(element()), { page, clipboard: undefined, wait: async () => {} });
  assert.equal(page.selected, source);
});
