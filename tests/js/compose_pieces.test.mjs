import assert from "node:assert/strict";
import { test } from "node:test";

import { alternativesOf, isWrittenBackwards, linesOfPieces, meanProbability, nameOf, sayPercent, stepOf } from "../../static/js/compose/pieces.js";

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

// As a model tells a song whose lines it writes from their end: [what shows, the piece by itself].
const piecesOf = (...told) => told.map(([text, token]) => ({ text, token }));
const BACKWARDS = piecesOf(
  ["[Verse]", "[Verse]"], ["", "down"], ["", ","], ["", "went"], ["", "I"], ["\nI went, down", "\n"],
  ["", "!"], ["", "home"], ["", "oh"], ["\nOh home!\n\n[Chorus]", "[Chorus]"], ["", "e"], ["", "m"], ["", " "], ["", "o"], ["\no me", ""],
);

test("lines that are written from their end are shown in the order in which one reads", () => {
  const words = linesOfPieces("", BACKWARDS).map((line) => line.map(({ text, index }) => [text, index]));
  assert.deepEqual(words, [
    [["[Verse]", 0]],
    [["I", 4], [" went", 3], [",", 2], [" down", 1], ["", 5]],
    [["Oh", 8], [" home", 7], ["!", 6]],
    [],
    [["[Chorus]", 9]],
    [["o", 13], [" ", 12], ["m", 11], ["e", 10], ["", 14]],
  ]);
  assert.equal(isWrittenBackwards(BACKWARDS), true);
});

test("a line whose pieces are not found in it stays whole, and an unfinished one is not shown", () => {
  const pieces = piecesOf(["", "x"], ["", "a"], ["a b", "\n"], ["", "c"]);
  assert.deepEqual(linesOfPieces("", pieces), [[{ text: "a b", index: 2 }]]);
});

test("who writes forwards only leaves out breaks", () => {
  assert.equal(isWrittenBackwards(piecesOf(["a", "a"], ["", "\n"], ["\nb", "b"])), false);
});

test("what is not seen has a name", () => {
  assert.equal(nameOf(" \ufffd"), "a word it does not know");
  assert.deepEqual([" sea", "\n", "\n\n", " ", ""].map(nameOf), ["sea", "a new line", "a new stanza", "a blank", "the end"]);
});
