import assert from "node:assert/strict";
import { test } from "node:test";

import { sayMoments, sayWhen } from "../../static/js/when.js";
import { element } from "./page.mjs";

const now = new Date(2026, 2, 18, 9, 40); // a Wednesday, in the reader's own time zone

for (const [moment, words] of [
  [new Date(2026, 2, 18, 8, 5), "today, 8:05"],
  [new Date(2026, 2, 17, 23, 40), "yesterday, 23:40"],
  [new Date(2026, 2, 15, 9, 40), "Sunday"],
  [new Date(2026, 2, 11, 9, 40), "11 March"],
  [new Date(2025, 11, 18, 9, 40), "18 December 2025"],
  [new Date(2026, 2, 19, 9, 40), "19 March"],
]) {
  test(`a moment is said as people say it: ${words}`, () => assert.equal(sayWhen(moment, now), words));
}

test("each moment of a page is said again, and one that cannot be read keeps the server's words", () => {
  const read = element({ dateTime: new Date(2026, 2, 18, 8, 5).toISOString(), textContent: "server" });
  const unread = element({ dateTime: "–", textContent: "server" });
  sayMoments(element({ querySelectorAll: () => [read, unread] }), { now });
  assert.equal(read.textContent, "today, 8:05");
  assert.match(read.title, /18 March 2026/);
  assert.equal(unread.textContent, "server");
});
