import assert from "node:assert/strict";
import { test } from "node:test";

import { RunWatch, Stream } from "../../static/js/run_live.js";
import { element } from "./page.mjs";

function watchAt() {
  const clock = { now: 0, fetched: 0 };
  const watch = new RunWatch({ fetchNews: () => { clock.fetched += 1; }, now: () => clock.now });
  const later = (milliseconds) => { clock.now += milliseconds; watch.tick(); };
  return { watch, clock, later };
}

test("without a stream the page asks every two seconds", () => {
  const { clock, later } = watchAt();
  later(1900);
  assert.equal(clock.fetched, 0);
  later(100);
  later(2000);
  assert.equal(clock.fetched, 2);
});

test("an event is fetched at once, many events together", () => {
  const { watch, clock, later } = watchAt();
  later(1000);
  watch.heard();
  assert.equal(clock.fetched, 1);
  watch.heard();
  watch.heard();
  assert.equal(clock.fetched, 1);
  later(700);
  assert.equal(clock.fetched, 2);
  later(700);
  assert.equal(clock.fetched, 2);
});

test("with a quiet stream the page still asks, within the five seconds in which it must see a missing worker", () => {
  const { watch, clock, later } = watchAt();
  later(1000);
  watch.heard();
  later(3900);
  assert.equal(clock.fetched, 1);
  later(200);
  assert.equal(clock.fetched, 2);
});

function streamAt(address) {
  const { watch, clock, later } = watchAt();
  const opened = [];
  const waiting = [];
  class EventSource {
    static CLOSED = 2;
    constructor(from) { opened.push(Object.assign(this, element(), { from, readyState: 1 })); }
    close() { this.readyState = 2; }
  }
  const stream = new Stream(address, watch, { EventSource, later: (work, after) => waiting.push({ work, after }), random: () => 0.5 });
  stream.open();
  return { stream, watch, clock, later, opened, waiting };
}

test("a stream that breaks leaves the page polling, and ends with the run", () => {
  const { clock, later, opened: [source], waiting } = streamAt(() => "/runs/x/events/?after=3");
  assert.equal(source.from, "/runs/x/events/?after=3");
  later(1000);
  source.dispatchEvent({ type: "metric" });
  assert.equal(clock.fetched, 1);
  source.readyState = 0; // the browser reconnects
  source.dispatchEvent({ type: "error" });
  later(2000);
  assert.equal(clock.fetched, 2);
  assert.equal(waiting.length, 0);
  later(700);
  source.dispatchEvent({ type: "end" });
  assert.equal(source.readyState, 2);
  assert.equal(clock.fetched, 3);
});

test("a stream that was refused leaves the page polling, and is asked for again from where the page is by then", () => {
  let after = 3;
  const { clock, later, opened, waiting } = streamAt(() => `?after=${after}`);
  opened[0].readyState = 2;
  opened[0].dispatchEvent({ type: "error" });
  later(2000);
  later(2000);
  assert.equal(clock.fetched, 2);
  after = 9;
  assert.equal(waiting[0].after, 30000);
  waiting[0].work();
  assert.equal(opened[1].from, "?after=9");
});

test("a run that is over meanwhile has no stream to ask for", () => {
  let address = "?after=3";
  const { opened, waiting } = streamAt(() => address);
  opened[0].readyState = 2;
  opened[0].dispatchEvent({ type: "error" });
  address = undefined;
  waiting[0].work();
  assert.equal(opened.length, 1);
});
