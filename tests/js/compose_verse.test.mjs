import assert from "node:assert/strict";
import { test } from "node:test";

import { Reveal } from "../../static/js/compose/reveal.js";
import { linesOf, sayLines, showText, showVerse, wordEnd } from "../../static/js/compose/verse.js";

test("lines are counted without tags and blank ones", () => {
  assert.equal(linesOf("[Verse]\na\n\n  \nb [x]\n"), 2);
  assert.deepEqual([0, 1, 2].map(sayLines), ["0 lines", "1 line", "2 lines"]);
});

test("a word is shown whole", () => {
  assert.equal(wordEnd("oh my home", 1), 3);
  assert.equal(wordEnd("oh my home", 7), 10);
});

test("what is revealed ends in the whole text, word by word, and only then is over", async () => {
  const frames = [];
  const seen = [];
  const reveal = new Reveal((text) => seen.push(text), { nextFrame: (frame) => frames.push(frame), isStill: () => false });
  reveal.add("oh my letter, ");
  reveal.add("oh my home");
  let isOver = false;
  reveal.end().then(() => (isOver = true));
  await Promise.resolve();
  assert.equal(isOver, false);
  while (frames.length) frames.shift()();
  await Promise.resolve();
  assert.equal(isOver, true);
  assert.equal(seen.at(-1), "oh my letter, oh my home");
  assert.ok(seen.length > 3);
  seen.forEach((text) => assert.ok(/\s$/.test(text) || text === seen.at(-1)));
});

test("a cut ends the text where the eye is", async () => {
  const frames = [];
  const reveal = new Reveal(() => {}, { nextFrame: (frame) => frames.push(frame), isStill: () => false });
  reveal.add("oh my letter, oh my home");
  reveal.cut();
  const ended = reveal.end();
  while (frames.length) frames.shift()();
  await ended;
  assert.equal(reveal.text, "oh my letter, oh my home".slice(0, reveal.shown));
  assert.ok(reveal.shown < 10);
});

test("without motion the text is there at once", () => {
  const seen = [];
  new Reveal((text) => seen.push(text), { nextFrame: assert.fail, isStill: () => true }).add("oh my home");
  assert.deepEqual(seen, ["oh my home"]);
});

class Node {
  constructor(tag) {
    Object.assign(this, { tag, children: [], className: "", textContent: "" });
  }
  append(...nodes) { this.children.push(...nodes); }
  appendChild(node) { this.children.push(node); return node; }
  replaceChildren(...nodes) { this.children = nodes; }
  get lastElementChild() { return this.children.at(-1) ?? null; }
}

test("verse has stanzas, names of sections, what was given, and words that are only words", () => {
  const paper = new Node("div");
  paper.ownerDocument = { createElement: (tag) => new Node(tag) };
  const text = "oh my\n<b>home</b>\n\n[Chorus]\nsea";
  showVerse(paper, text, { given: 5, caret: true });
  const rows = paper.children.map((stanza) => stanza.children.map((row) => [row.className, row.children[0].className, row.children[0].textContent]));
  assert.deepEqual(rows, [
    [["", "given", "oh my"], ["", "", "<b>home</b>"]],
    [["section-name", "", "Chorus"], ["", "", "sea"]],
  ]);
  assert.equal(paper.children[1].children[1].children.at(-1).className, "caret");
});

test("an empty page holds the caret alone", () => {
  const paper = new Node("div");
  paper.ownerDocument = { createElement: (tag) => new Node(tag) };
  showVerse(paper, "", { given: 0, caret: true });
  assert.equal(paper.children[0].children[0].className, "caret");
});

test("of a line that was begun by hand only its beginning is given", () => {
  const paper = new Node("div");
  paper.ownerDocument = { createElement: (tag) => new Node(tag) };
  showVerse(paper, "oh my\nhome is far", { given: 10 });
  const spans = paper.children[0].children.map((row) => row.children.map((span) => [span.className, span.textContent]));
  assert.deepEqual(spans, [[["given", "oh my"]], [["given", "home"], ["", " is far"]]]);
});

test("a text to be changed is written as it is, tags and blank lines too", () => {
  const paper = new Node("div");
  paper.ownerDocument = { createElement: (tag) => new Node(tag) };
  showText(paper, "oh my\n\n[Chorus]\n<b>", { given: 2, caret: true });
  const spans = paper.children.map((span) => [span.className, span.textContent]);
  assert.deepEqual(spans, [["given", "oh"], ["", " my\n\n[Chorus]\n<b>"], ["caret", ""]]);
});
