import assert from "node:assert/strict";
import { test } from "node:test";

import { sayTicks } from "../../static/js/ticks.js";

const form = (...ticks) => {
  const said = { textContent: "", dataset: { said: "All 8 lyrics here, or those you tick" } };
  const elements = ticks.map((checked) => ({ type: "checkbox", checked }));
  return { dataset: { ticks: "lyric" }, elements: [{ type: "submit" }, ...elements], querySelector: () => said, said };
};

for (const [ticks, words] of [
  [[false, false], "All 8 lyrics here, or those you tick"],
  [[true, false], "1 lyric ticked"],
  [[true, true], "2 lyrics ticked"],
]) {
  test(`${ticks.filter(Boolean).length} ticks are said in words`, () => {
    const bar = form(...ticks);
    sayTicks(bar);
    assert.equal(bar.said.textContent, words);
  });
}
