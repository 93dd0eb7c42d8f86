import assert from "node:assert/strict";
import { test } from "node:test";

import { openStream, RunWatch } from "../../static/js/run_live.js";
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

test("a stream that breaks leaves the page polling, and ends with the run", () => {
  const { watch, clock, later } = watchAt();
  let stream;
  class EventSource {
    constructor(address) { stream = Object.assign(this, element(), { address, closed: false }); }
    close() { this.closed = true; }
  }
  openStream("/runs/x/events/?after=3", watch, { EventSource });
  assert.equal(stream.address, "/runs/x/events/?after=3");
  later(1000);
  stream.dispatchEvent({ type: "metric" });
  assert.equal(clock.fetched, 1);
  stream.dispatchEvent({ type: "error" });
  later(2000);
  assert.equal(clock.fetched, 2);
  later(700);
  stream.dispatchEvent({ type: "end" });
  assert.equal(stream.closed, true);
  assert.equal(clock.fetched, 3);
});
