import assert from "node:assert/strict";
import { test } from "node:test";

import { bindKeys, isTyping } from "../../static/js/compose/keys.js";
import { fits } from "../../static/js/compose/offers.js";
import { Past } from "../../static/js/compose/past.js";
import { Seed } from "../../static/js/compose/seed.js";
import { summaryOf } from "../../static/js/compose/summary.js";
import { marked, sayUnknown, UnknownWords } from "../../static/js/compose/unknown_words.js";
import { element } from "./page.mjs";

test("what was before comes back once, the last first", () => {
  const button = {};
  const past = new Past(button);
  assert.equal(button.disabled, true);
  past.push(null);
  past.push({ text: "one" });
  past.push({ text: "two" });
  past.push({ text: "two" });
  assert.equal(button.disabled, false);
  assert.deepEqual(past.back({ text: "three" }), { text: "two" });
  assert.deepEqual(past.back({ text: "two" }), { text: "one" });
  assert.equal(past.back({ text: "one" }), null);
  assert.equal(button.disabled, true);
});

test("what lies on the sheet is not what was before", () => {
  const past = new Past({});
  past.push({ text: "one" });
  past.push({ text: "two" });
  assert.deepEqual(past.back({ text: "two" }), { text: "one" });
});

function seedOf(value) {
  const [input, forget, roll] = [element({ value, focus() {} }), element(), element()];
  return { seed: new Seed(input, { forget, roll, random: () => 0.5 }), input, forget, roll };
}

test("without a seed each writing has a new one, and the field stays empty", () => {
  const { seed, input, forget } = seedOf("");
  assert.equal(seed.next(), 2 ** 30);
  assert.equal(input.value, "");
  assert.equal(forget.hidden, true);
});

test("a rolled seed is kept until it is forgotten or rolled again", () => {
  const { seed, input, forget, roll } = seedOf("7");
  assert.equal(forget.hidden, false);
  roll.dispatchEvent({ type: "click" });
  assert.equal(input.value, 2 ** 30);
  assert.equal(seed.next(), input.value);
  forget.dispatchEvent({ type: "click" });
  assert.equal(input.value, "");
});

test("a model is found by parts of what is said of it", () => {
  assert.ok(fits("Harbour GRU  GRU Harbour songs 1.38", "gru harb"));
  assert.ok(!fits("Harbour GRU", "gru lstm"));
  assert.ok(fits("Harbour GRU", "  "));
});

test("the fold says what is not neutral", () => {
  const control = (label, value, neutral) => ({ label, value, neutral });
  const controls = [control("Top-k", "40", "0"), control("Top-p", "1.0", "1"), control("Min-p", "", "0"), control("Stop before", "[Outro]", "")];
  assert.equal(summaryOf(controls), "top-k 40, stop before [Outro]");
});

test("unknown words are cut out by characters, not by code units", () => {
  assert.deepEqual(marked("🎵 zep sea", [{ start: 2, end: 5 }]), [["🎵 ", false], ["zep", true], [" sea", false]]);
  assert.deepEqual(marked("", []), []);
});

test("unknown words are named once, and not without end", () => {
  const words = (text) => text.split(" ").map((word) => ({ word }));
  assert.equal(sayUnknown(words("zep zep quux")), "The model has never read: “zep”, “quux”.");
  assert.match(sayUnknown(words("a b c d e f g h")), /“f” and 2 more\.$/);
});

function unknownWords(answers) {
  const page = { createElement: () => element() };
  const [input, mirror, says] = [element({ value: "" }), element({ replaceChildren(...parts) { this.parts = parts; } }), element({ classList: { toggle() {} } })];
  const waiting = [];
  const later = (act) => { waiting.push(act); return () => waiting.splice(waiting.indexOf(act), 1); };
  const asked = [];
  const server = { unknownWords: async (model, text) => { asked.push([model, text]); return answers[text]; } };
  new UnknownWords(input, { mirror, says, server, model: () => "m1", page, later });
  const type = (text) => { input.value = text; input.dispatchEvent({ type: "input" }); };
  return { type, says, mirror, waiting, asked };
}

test("words are asked about once a person rests", async () => {
  const { type, says, waiting, asked } = unknownWords({ "my zep": [{ word: "zep", start: 3, end: 6 }] });
  type("my");
  type("my zep");
  assert.equal(waiting.length, 1);
  await waiting[0]();
  assert.deepEqual(asked, [["m1", "my zep"]]);
  assert.match(says.textContent, /never read: “zep”/);
});

test("an underlined word stays so while a person goes on, and goes with its letters", async () => {
  const { type, mirror, waiting } = unknownWords({ "my zep": [{ word: "zep", start: 3, end: 6 }] });
  type("my zep");
  await waiting.pop()();
  type("my zep goes");
  assert.deepEqual(mirror.parts.slice(0, -1).map((part) => part.textContent), ["my ", "zep", " goes"]);
  type("my ze");
  assert.deepEqual(mirror.parts.slice(0, -1).map((part) => part.textContent), ["my ze"]);
});

test("an answer to what is no longer there is not shown", async () => {
  const { type, says, waiting } = unknownWords({ "my zep": [{ word: "zep", start: 3, end: 6 }] });
  type("my zep");
  const asking = waiting.pop()();
  type("");
  await asking;
  assert.equal(says.textContent, "");
});

function keyboard({ isWriting = false } = {}) {
  const did = [];
  const act = (name) => () => did.push(name);
  const [page, open, dialog] = [element(), element(), { open: false, showModal: act("keys") }];
  bindKeys(page, { desk: { isWriting, write: act("write"), again: act("again"), stop: act("stop") }, dialog, open });
  const target = (typing) => ({ matches: () => typing });
  const press = (key, { typing = false, ...more } = {}) => page.dispatchEvent({ type: "keydown", key, target: target(typing), preventDefault() {}, ...more });
  return { did, press, dialog };
}

test("keys write, stop, write another one, and list themselves", () => {
  const { did, press } = keyboard();
  press("Enter", { ctrlKey: true, typing: true });
  press("Enter", { altKey: true, typing: true });
  press("Enter");
  press("Escape");
  press("?");
  press("?", { typing: true });
  assert.deepEqual(did, ["write", "again", "keys"]);
  const writing = keyboard({ isWriting: true });
  writing.press("Escape");
  assert.deepEqual(writing.did, ["stop"]);
});

test("an open list of keys takes every key", () => {
  const { did, press, dialog } = keyboard({ isWriting: true });
  dialog.open = true;
  press("Escape");
  assert.deepEqual(did, []);
});

test("a slider is no place to type", () => {
  const target = (selector) => ({ matches: (asked) => asked.includes(selector) });
  assert.ok(isTyping(target("textarea")));
  assert.ok(!isTyping({ matches: () => false }));
});
