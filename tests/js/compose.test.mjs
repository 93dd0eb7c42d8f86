import assert from "node:assert/strict";
import { test } from "node:test";

import { eventsOf, linesOf, recipeOf, requestOf, Reveal, showVerse, troubleOf, wordEnd } from "../../static/js/compose.js";

function formData(entries) {
  const data = new FormData();
  for (const [name, value] of entries) data.append(name, value);
  return data;
}

const ASKED = [["prompt", "Oh my\n"], ["model", "m1"], ["genre", "Folk"], ["artist", ""], ["lines", "12"], ["temperature", "0"], ["top_k", ""], ["top_p", "0.95"]];

test("a request holds numbers, leaves out what is empty and always has a seed", () => {
  const request = requestOf(formData([...ASKED, ["seed", ""]]), { randomSeed: () => 41 });
  assert.deepEqual(
    { ...request, top_k: "left out" in request ? 1 : undefined },
    { model: "m1", prompt: "Oh my\n", lines: 12, temperature: 0, top_k: undefined, top_p: 0.95, seed: 41, genre: "Folk", artist: undefined, title: undefined, max_tokens: 1024, stream: true },
  );
  assert.ok(!("top_k" in JSON.parse(JSON.stringify(request))));
  assert.ok(!("prompt" in recipeOf(request)) && !("stream" in recipeOf(request)));
});

test("a button that names a seed counts more than the field before it", () => {
  const seedOf = (...seeds) => requestOf(formData([...ASKED, ...seeds.map((seed) => ["seed", seed])]), { randomSeed: () => 1 }).seed;
  assert.equal(seedOf("7", "41"), 41);
  assert.equal(seedOf("7", ""), 1);
  assert.equal(seedOf("7"), 7);
});

function bodyOf(...chunks) {
  const bytes = chunks.map((chunk) => (typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk));
  return new ReadableStream({
    start(controller) {
      bytes.forEach((chunk) => controller.enqueue(chunk));
      controller.close();
    },
  });
}

test("events are whole however the network cuts them, and pings are no events", async () => {
  const stream = new TextEncoder().encode('event: token\ndata: {"text": "é"}\n\n: ping\n\nevent: done\ndata: {}\n\n');
  for (let cut = 1; cut < stream.length; cut += 1) {
    const found = [];
    for await (const event of eventsOf(bodyOf(stream.slice(0, cut), stream.slice(cut)))) found.push(event);
    assert.deepEqual(found, [{ name: "token", data: '{"text": "é"}' }, { name: "done", data: "{}" }]);
  }
});

test("a refusal is a sentence or names its fields", () => {
  assert.deepEqual(troubleOf(429, { detail: "Wait." }), { words: "Wait.", fields: {} });
  assert.deepEqual(troubleOf(400, { seed: ["Too large."] }), { words: "", fields: { seed: ["Too large."] } });
  assert.match(troubleOf(502).words, /Nothing you typed is lost/);
});

test("lines are counted without tags and blank ones", () => {
  assert.equal(linesOf("[Verse]\na\n\n  \nb [x]\n"), 2);
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
