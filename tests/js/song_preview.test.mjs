import assert from "node:assert/strict";
import { test } from "node:test";

import { beginningOf, nameFromFile, question } from "../../static/js/song_preview.js";

const lines = "one,two\nthree,four\nfive,six\n";

async function textOf(file) {
  return Buffer.from(await file.arrayBuffer()).toString();
}

test("a small file is shown as it is", async () => {
  const file = new File([lines], "a.csv");
  assert.equal(await beginningOf(file, 1000), file);
});

test("a large file is cut after a whole line", async () => {
  const beginning = await beginningOf(new File([lines], "a.csv"), 22);
  assert.equal(await textOf(beginning), "one,two\nthree,four");
  assert.equal(beginning.name, "a.csv");
});

test("a line longer than the beginning is cut where it must be", async () => {
  assert.equal(await textOf(await beginningOf(new File(["x".repeat(50)], "a.txt"), 20)), "x".repeat(20));
});

test("an archive is sent whole, as its list of names stands at its end", async () => {
  const archive = new File([`PK\u0003\u0004${lines}`], "a.zip");
  assert.equal(await beginningOf(archive, 10), archive);
});

test("a gzipped file is sent whole, as half of one cannot be read", async () => {
  const wrapped = new File([new Uint8Array([0x1f, 0x8b, 8, 0]), lines], "a.csv.gz");
  assert.equal(await beginningOf(wrapped, 10), wrapped);
});

test("a file's name becomes a dataset's name", () => {
  assert.equal(nameFromFile("harbour_songs-1890.csv"), "harbour songs 1890");
  assert.equal(nameFromFile("harbour_songs.jsonl.gz"), "harbour songs");
  assert.equal(nameFromFile(`${"x".repeat(200)}.txt`).length, 120);
});

// What is sent after a change: FormData is built from a real form in the browser, from these pairs here.
async function sentAfter(changed, pairs) {
  const real = globalThis.FormData;
  globalThis.FormData = class extends real {
    constructor(form) {
      super();
      if (form) form.forEach(([name, value]) => this.append(name, value));
    }
  };
  try {
    return Object.fromEntries(await question(pairs, changed));
  } finally {
    globalThis.FormData = real;
  }
}

const chosen = [["name", "x"], ["encoding", "utf-8"], ["delimiter", "comma"], ["column_lyrics", "text"]];

test("another column keeps all that was chosen", async () => {
  const sent = await sentAfter({ name: "column_title", type: "select-one" }, chosen);
  assert.deepEqual(sent, { ...Object.fromEntries(chosen), look: "part" });
});

test("another switch of cleaning keeps all that was chosen", async () => {
  const sent = await sentAfter({ name: "clean_spacing", type: "checkbox" }, chosen);
  assert.deepEqual(sent, { ...Object.fromEntries(chosen), look: "part" });
});

test("another way to read the file keeps no column, as they may be others now", async () => {
  const sent = await sentAfter({ name: "delimiter", type: "select-one" }, chosen);
  assert.deepEqual(sent, { name: "x", encoding: "utf-8", delimiter: "comma", look: "part" });
});

test("another file starts afresh", async () => {
  assert.deepEqual(await sentAfter({ name: "file", type: "file" }, chosen), { name: "x", look: "part" });
});

test("of several files the beginnings are sent, sharing the room", async () => {
  const real = globalThis.FormData;
  globalThis.FormData = class extends real {
    constructor(form) {
      super();
      if (form) form.forEach(([name, value]) => this.append(name, value));
    }
  };
  try {
    const files = ["a.csv", "b.csv"].map((name) => ["file", new File([lines], name)]);
    const sent = (await question(files, { name: "file", type: "file" }, 44)).getAll("file");
    assert.deepEqual(sent.map((file) => file.name), ["a.csv", "b.csv"]);
    assert.equal(await textOf(sent[1]), "one,two\nthree,four");
  } finally {
    globalThis.FormData = real;
  }
});
