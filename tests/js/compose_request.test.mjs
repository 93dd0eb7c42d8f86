import assert from "node:assert/strict";
import { test } from "node:test";

import { addressOf, explainedRequest, headAndTail, kindsOf, recipeOf, requestOf } from "../../static/js/compose/request.js";

const KINDS = { lines: "number", temperature: "number", top_k: "number", top_p: "number", seed: "number", n: "number", stop: "texts", genre: "text", artist: "text" };
const ASKED = [["prompt", "Oh my\n"], ["model", "m1"], ["genre", "Folk"], ["artist", ""], ["lines", "12"], ["temperature", "0"], ["top_k", ""], ["top_p", "0.95"], ["n", "3"], ["stop", "[Outro]\r\n\\n\\n\n"]];
const SEED = { randomSeed: () => 41 };

function formData(entries) {
  const data = new FormData();
  for (const [name, value] of entries) data.append(name, value);
  return data;
}

const requestWith = (...more) => requestOf(formData([...ASKED, ...more]), KINDS, SEED);

test("the form says which values there are and how each is read", () => {
  const controls = Object.entries(KINDS).map(([name, recipe]) => ({ name, dataset: { recipe } }));
  assert.deepEqual(kindsOf({ querySelectorAll: () => controls }), KINDS);
});

test("a request holds numbers and texts, leaves out what is empty and always has a seed", () => {
  const request = requestWith(["seed", ""]);
  assert.deepEqual(JSON.parse(JSON.stringify(request)), {
    model: "m1", prompt: "Oh my\n", lines: 12, temperature: 0, top_p: 0.95, seed: 41, n: 3, stop: ["[Outro]", "\n\n"], genre: "Folk", stream: true,
  });
  assert.ok(!("prompt" in recipeOf(request)) && !("stream" in recipeOf(request)));
});

test("a button that names a seed counts more than the field before it", () => {
  const seedOf = (...seeds) => requestWith(...seeds.map((seed) => ["seed", seed])).seed;
  assert.deepEqual([seedOf("7", "42"), seedOf("7", ""), seedOf("7"), seedOf("0")], [42, 41, 7, 0]);
});

test("a text is explained alone, at once, with the likeliest pieces", () => {
  const { n, seed, stream, alternatives } = explainedRequest(requestWith(["seed", "7"]));
  assert.deepEqual({ n, seed, stream, alternatives }, { n: 1, seed: 7, stream: false, alternatives: 5 });
});

test("the address fills the same form again", () => {
  const address = addressOf(requestWith(["seed", "7"]), KINDS);
  assert.deepEqual(address.getAll("stop"), ["[Outro]", "\\n\\n"]);
  assert.equal(address.get("seed"), "7");
  assert.equal(address.get("prompt"), "Oh my\n");
  assert.ok(!address.has("top_k") && !address.has("stream"));
});

test("a short text is gone on with as a whole", () => {
  assert.deepEqual(headAndTail("one\ntwo\n", { limit: 20 }), ["", "one\ntwo\n"]);
});

test("of a long text as many whole lines go out as there is room for, counted in bytes", () => {
  assert.deepEqual(headAndTail("one\ntwo\nthree\n", { limit: 9 }), ["one\ntwo\n", "three\n"]);
  assert.deepEqual(headAndTail("ää\nöö\nüü", { limit: 9 }), ["ää\n", "öö\nüü"]);
  const [head, tail] = headAndTail("song\n".repeat(5000));
  assert.equal(head + tail, "song\n".repeat(5000));
  assert.ok(tail.length <= 4096 && tail.length > 4080);
});

test("a line that is too long is cut between characters", () => {
  const [head, tail] = headAndTail("🎵".repeat(100), { limit: 21 });
  assert.equal(head + tail, "🎵".repeat(100));
  assert.equal(tail, "🎵".repeat(5));
});
