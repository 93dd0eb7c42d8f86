import assert from "node:assert/strict";
import { test } from "node:test";

import { alternativesOf, isReadable, linesOfPieces, meanProbability, nameOf, sayPercent, stepOf } from "../../static/js/compose/pieces.js";

test("the rarer a piece, the stronger its colour", () => {
  assert.deepEqual([1, 0.5, 0.49, 0.1, 0.05, 0.01, 0.001, 0].map(stepOf), [0, 0, 1, 1, 2, 2, 3, 4]);
});

test("percentages keep the digits that matter", () => {
  assert.deepEqual([1, 0.236, 0.024, 0.0001].map(sayPercent), ["100 %", "24 %", "2.4 %", "under 0.1 %"]);
});

test("pieces stand on the lines that they are written on, behind what was given", () => {
  const lines = linesOfPieces("one\ntwo", [{ text: " three" }, { text: "" }, { text: "\n\nfour" }]);
  assert.deepEqual(lines, [
    [{ text: "one", index: null }],
    [{ text: "two", index: null }, { text: " three", index: 0 }, { text: "", index: 1 }],
    [],
    [{ text: "four", index: 2 }],
  ]);
});

test("without an opening the first line begins with the first piece", () => {
  assert.deepEqual(linesOfPieces("", [{ text: "Oh" }]), [[{ text: "Oh", index: 0 }]]);
});

const likely = (text, probability) => ({ text, log_probability: Math.log(probability) });

test("what was written is marked among what might have been", () => {
  const piece = { token: " sea", ...likely(" sea", 0.25), alternatives: [likely(" home", 0.5), likely(" sea", 0.25)] };
  assert.deepEqual(alternativesOf(piece).map(({ text, isWritten }) => [text, isWritten]), [[" home", false], [" sea", true]]);
});

test("what was written stands among them though it is not one of the likeliest", () => {
  const piece = { token: " sea", ...likely(" sea", 0.01), alternatives: [likely(" home", 0.5)] };
  assert.deepEqual(alternativesOf(piece).map(({ text, isWritten }) => [text, isWritten]), [[" home", false], [" sea", true]]);
});

test("of two pieces that read the same only one was written", () => {
  const piece = { token: "\n", ...likely("", 0.2), alternatives: [likely("\n", 0.6), likely("\n", 0.2)] };
  assert.deepEqual(alternativesOf(piece).map(({ isWritten }) => isWritten), [false, true]);
});

test("the mean is the geometric one", () => {
  assert.ok(Math.abs(meanProbability([likely("a", 0.1), likely("b", 0.4)]) - 0.2) < 1e-9);
  assert.equal(meanProbability([]), 1);
});

test("a text whose lines are written from their end can't be read piece by piece", () => {
  assert.equal(isReadable([{ text: "" }, { text: "" }, { text: "\na whole line" }]), false);
  assert.equal(isReadable([{ text: "a" }, { text: "" }]), true);
});

test("what is not seen has a name", () => {
  assert.equal(nameOf(" \ufffd"), "a word it does not know");
  assert.deepEqual([" sea", "\n", "\n\n", " ", ""].map(nameOf), ["sea", "a new line", "a new stanza", "a blank", "the end"]);
});
