import assert from "node:assert/strict";
import { test } from "node:test";

import { eventsOf, refusalOf, sayShort, sayWaiting, troubleOf } from "../../static/js/compose/events.js";

function bodyOf(...chunks) {
  return new ReadableStream({
    start(controller) {
      chunks.forEach((chunk) => controller.enqueue(chunk));
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
  assert.deepEqual(troubleOf(409, { detail: "Damaged." }), { words: "Damaged.", fields: {}, seconds: null });
  assert.deepEqual(troubleOf(400, { seed: ["Too large."] }), { words: "", fields: { seed: ["Too large."] }, seconds: null });
  assert.match(troubleOf(502).words, /Nothing you typed is lost/);
});

test("only where patience helps does a refusal say when to try again", () => {
  assert.equal(troubleOf(429, { detail: "Wait." }, "2").seconds, 2);
  assert.equal(troubleOf(503, { detail: "Busy." }, "4.2").seconds, 5);
  assert.equal(troubleOf(503, { detail: "Busy." }, null).seconds, null);
  assert.equal(troubleOf(503, { detail: "Busy." }, "Wed, 21 Oct").seconds, null);
  assert.equal(troubleOf(409, { detail: "Damaged." }, "2").seconds, null);
});

test("an answer that is no JSON is a refusal too", async () => {
  const response = new Response("<h1>Bad gateway</h1>", { status: 503, headers: { "Retry-After": "7" } });
  const { words, seconds } = await refusalOf(response);
  assert.match(words, /could not write/);
  assert.equal(seconds, 7);
});

test("the place in the line is said as people say it", () => {
  assert.deepEqual([1, 2, 3].map(sayWaiting), ["You are next", "1 person is before you", "2 people are before you"]);
});

test("short times are not said more exactly than they matter", () => {
  assert.deepEqual([0.04, 1.26].map(sayShort), ["under 0.1 s", "1.3 s"]);
});
