// Keeps a run's page current. The stream of events is a doorbell: at each event, and when it has been quiet for a
// while, htmx fetches what changed since the page's sequence number. Without a stream that happens every two seconds:
// while the browser reconnects, and where the server had no room for one more; for that one it asks again later.

const POLL_MILLISECONDS = 2000; // without a stream
const QUIET_MILLISECONDS = 4000; // with one: place in line and workers change without an event of this run
const AGAIN_MILLISECONDS = 20000; // from a refusal to the next try, and up to twice that: not all pages at once
const PAUSE_MILLISECONDS = 700; // between two fetches, however many events arrive
const NAMES = ["progress", "metric", "sample", "state", "end"];

export class RunWatch {
  constructor({ fetchNews, now = () => Date.now() }) {
    this.fetchNews = fetchNews;
    this.now = now;
    this.streams = false;
    this.isOwed = false;
    this.fetchedAt = now();
  }

  heard() {
    this.streams = true;
    this.isOwed = true;
    this.tick();
  }

  lost() {
    this.streams = false;
  }

  // Called often; fetches when news is owed or it has been quiet for long enough.
  tick() {
    const age = this.now() - this.fetchedAt;
    const patience = this.streams ? QUIET_MILLISECONDS : POLL_MILLISECONDS;
    if ((this.isOwed && age >= PAUSE_MILLISECONDS) || age >= patience) {
      this.isOwed = false;
      this.fetchedAt = this.now();
      this.fetchNews();
    }
  }
}

// `address` is a function: the number to go on from moves, and a run that is over has none any more.
export class Stream {
  constructor(address, watch, { EventSource, later = setTimeout, random = Math.random }) {
    Object.assign(this, { address, watch, EventSource, later, random, source: null });
  }

  open() {
    const address = this.address();
    if (!address) return;
    const source = (this.source = new this.EventSource(address));
    for (const name of NAMES) source.addEventListener(name, () => this.watch.heard());
    source.addEventListener("end", () => this.close());
    source.addEventListener("error", () => this.broke(source));
  }

  // The browser reconnects by itself with Last-Event-ID, but takes a refusal as final.
  broke(source) {
    this.watch.lost();
    if (source !== this.source || source.readyState !== this.EventSource.CLOSED) return;
    this.source = null;
    this.later(() => this.source ?? this.open(), AGAIN_MILLISECONDS * (1 + this.random()));
  }

  close() {
    this.source?.close();
    this.source = null;
  }
}

if (globalThis.document) {
  const section = () => document.getElementById("run-live");
  const watch = new RunWatch({ fetchNews: () => globalThis.htmx.trigger(section(), "news") });
  const address = () => section()?.dataset.events;
  if (address()) {
    const stream = new Stream(address, watch, { EventSource });
    stream.open();
    setInterval(() => document.hidden || watch.tick(), 250);
    document.addEventListener("visibilitychange", () => document.hidden || watch.heard());
    addEventListener("pagehide", () => stream.close());
    addEventListener("pageshow", ({ persisted }) => persisted && stream.open()); // the way back brings the page alive
  }
}
