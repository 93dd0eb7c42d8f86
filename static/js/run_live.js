// Keeps a run's page current. The stream of events is a doorbell: at each event, and when it has been quiet for a
// while, htmx fetches what changed since the page's sequence number. Without a stream that happens every two seconds.

const POLL_MILLISECONDS = 2000; // without a stream
const QUIET_MILLISECONDS = 4000; // with one: place in line and workers change without an event of this run
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

export function openStream(address, watch, { EventSource }) {
  const stream = new EventSource(address);
  for (const name of NAMES) stream.addEventListener(name, () => watch.heard());
  stream.addEventListener("end", () => stream.close());
  // The browser reconnects by itself with Last-Event-ID; until then, and where it gives up, the page polls.
  stream.addEventListener("error", () => watch.lost());
  return stream;
}

if (globalThis.document) {
  const section = () => document.getElementById("run-live");
  const watch = new RunWatch({ fetchNews: () => globalThis.htmx.trigger(section(), "news") });
  const address = section()?.dataset.events;
  if (address) {
    const stream = openStream(address, watch, { EventSource });
    setInterval(() => document.hidden || watch.tick(), 250);
    document.addEventListener("visibilitychange", () => document.hidden || watch.heard());
    addEventListener("pagehide", () => stream.close());
  }
}
