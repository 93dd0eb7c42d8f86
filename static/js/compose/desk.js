// The desk: asks for a lyric, shows it as it comes, hands it over to be changed and saved.
// Without it the form posts and the page comes back with the whole text.

import { LOST, sayShort, sayWaiting } from "./events.js";
import { addressOf, headAndTail, kindsOf, recipeOf, requestOf } from "./request.js";
import { linesOf, sayLines } from "./verse.js";

const TRIES = 10; // where the server asks for patience
const ENDINGS = {
  lines: "when all lines were there",
  end: "where the network ended its song",
  length: "at the longest a text may be",
  stop: "at a stop word",
  time: "when its time was up",
  stopped: "when you stopped it",
  broken: "where the connection broke",
};
const BROKEN = { words: "The connection broke before the end. What was written until then is below.", fields: {}, seconds: null };

export class Desk {
  // `parts` are the sheet, the papers, the columns, the past, the seed and the trouble of this page.
  constructor(form, place, { server, clock, history, isStill, follow, ...parts }) {
    Object.assign(this, { form, place, server, clock, history, isStill, follow, ...parts, controller: null, versions: [], lyrics: [] });
    this.part = (name) => place.querySelector(`[data-${name}]`);
    this.writeButton = form.querySelector("[data-write]");
    this.before = ["", "ready"];
  }

  get isWriting() {
    return this.controller !== null;
  }

  // ── what a person does ──────────────────────────────────────────────────────────────────────────────────────────

  write(submitter) {
    return this.run({ asked: this.request(submitter), head: "" });
  }

  // The same again with a new seed; where the last text was a continuation, another one of it.
  again() {
    const { prompt, head, isContinuation } = this.task ?? {};
    const asked = { ...this.request(), seed: this.seed.next() };
    if (!isContinuation) return this.run({ asked, head: "" });
    return this.run({ asked: { ...asked, prompt, n: 1 }, head, prompt, isContinuation });
  }

  // Goes on from the end of the text.
  goOn() {
    const [head, prompt] = headAndTail(this.sheet.opening);
    return this.run({ asked: { ...this.request(), prompt, n: 1 }, head, prompt, isContinuation: true });
  }

  stop() {
    this.controller?.abort();
    this.papers.cut();
  }

  undo() {
    if (this.isWriting) return;
    const state = this.past.back(this.sheet.state);
    if (!state) return;
    if (state.versions !== this.versions) this.columns.restore((this.versions = state.versions));
    this.sheet.show(state);
    this.columns.choose(this.versions.findIndex((version) => version.text === state.text));
    this.say("As it was before", "ready");
  }

  // What lies on the sheet, and the versions beside it, can be had back.
  remember(state = this.sheet.state) {
    if (state) this.past.push({ ...state, versions: this.versions });
  }

  use(index) {
    this.remember();
    this.sheet.show(this.versions[index]);
    this.columns.choose(index);
    this.sheet.result.scrollIntoView({ block: "start", behavior: this.isStill() ? "auto" : "smooth" });
  }

  request(submitter) {
    return requestOf(new FormData(this.form, submitter), kindsOf(this.form), { randomSeed: () => this.seed.next() });
  }

  // ── the writing ─────────────────────────────────────────────────────────────────────────────────────────────────

  async run(task) {
    if (this.isWriting) return;
    this.task = task;
    this.controller = new AbortController();
    this.begin(task);
    const written = await this.writeOut(task);
    this.finish(task, await this.papers.end(), written);
    this.controller = null;
  }

  begin({ asked, head, isContinuation }) {
    this.trouble.clear();
    this.note([]);
    const { textContent, dataset } = this.part("progress");
    this.before = [textContent, dataset.state];
    this.wasHidden = this.place.hidden;
    this.given = (head + asked.prompt).trim();
    this.place.hidden = this.part("stop").hidden = false;
    this.moveFocus(this.sheet.result, this.part("stop"));
    const seeds = Array.from({ length: asked.n ?? 1 }, (_, index) => asked.seed + index);
    this.sheet.rest({ isWrittenHere: seeds.length === 1 });
    this.papers.begin({ seeds, given: this.given, lines: asked.lines, isContinuation });
    this.say(this.papers.progress, "running");
    this.writeButton.classList.remove("button-primary");
    this.setWriting(true);
    this.follow.begin();
    const [place, block] = isContinuation ? [this.part("verse").lastElementChild, "nearest"] : [this.place, "start"];
    place.scrollIntoView({ block, behavior: this.isStill() ? "auto" : "smooth" });
  }

  // One text at a time: until it is there, the button that asks for one rests.
  setWriting(isWriting) {
    for (const name of ["aria-busy", "aria-disabled"]) {
      if (isWriting) this.writeButton.setAttribute(name, "true");
      else this.writeButton.removeAttribute(name);
    }
  }

  // The keyboard goes on from what takes the place of what it was on.
  moveFocus(from, to) {
    const { activeElement } = from.ownerDocument;
    if (from.contains(activeElement)) to.focus({ preventScroll: true });
  }

  // What came of it: {answer, seconds, wasStopped}. Where the server asks for patience, it is asked again.
  async writeOut({ asked }) {
    const { signal } = this.controller;
    const started = this.clock();
    let answer = null;
    for (let tries = 1; tries <= TRIES; tries += 1) {
      try {
        answer = await this.listen(asked, signal);
        break;
      } catch (trouble) {
        if (signal.aborted) break;
        this.trouble.show(this.meaningOf(trouble));
        if (!trouble.seconds) break;
        this.say("Waiting for a place", "queued");
        const again = await this.trouble.wait(trouble.seconds, { signal });
        this.trouble.clear();
        if (!again) break;
        this.say(this.papers.progress, "running");
      }
    }
    return { answer, seconds: answer?.seconds ?? (this.clock() - started) / 1000, wasStopped: signal.aborted };
  }

  async listen(asked, signal) {
    this.lyrics = [];
    for await (const { name, data } of this.server.written(asked, { signal })) {
      if (signal.aborted) break;
      if (name === "history") this.lyrics = data.lyrics;
      if (name === "waiting") this.say(sayWaiting(data.position), "queued");
      if (name === "token") this.papers.add(data.index, data.text);
      if (name === "done") return data;
    }
    if (!signal.aborted) throw BROKEN;
    return null;
  }

  meaningOf(trouble) {
    if (trouble.fields) return trouble;
    return this.papers.reveals.some(({ text }) => text) ? BROKEN : { words: LOST, fields: {} };
  }

  finish(task, texts, { answer, seconds, wasStopped }) {
    this.setWriting(false);
    this.note(answer?.notes ?? []);
    const whole = wasStopped ? null : answer;
    const written = texts.map((text, index) => this.version(task, { text, index, seconds, wasStopped, answer: whole }));
    const first = texts.findIndex(Boolean);
    if (first < 0) this.putBack(task, { wasStopped, answer: whole });
    else {
      this.say(this.sentence(texts, { answer: whole, seconds, wasStopped }), whole ? "ready" : "cancelled");
      this.remember();
      this.sheet.show(written[first]);
      this.showVersions(task, written, texts, first);
      this.sheet.form.elements.bookmarked.checked = false;
      this.keepAddress(task);
    }
    this.moveFocus(this.part("stop"), this.sheet.isEmpty ? this.writeButton : this.part("again"));
    this.part("stop").hidden = true;
    this.writeButton.classList.toggle("button-primary", this.sheet.isEmpty);
  }

  // The versions stand side by side, and stay while one of them is gone on with.
  showVersions({ isContinuation }, written, texts, chosen) {
    if (!isContinuation) {
      this.versions = written;
      this.columns.end(texts);
    }
    this.columns.choose(isContinuation ? -1 : chosen);
  }

  // Nothing was written: what lay there before still does.
  putBack({ isContinuation }, { wasStopped, answer }) {
    if (!isContinuation) {
      this.columns.hide();
      this.versions = [];
    }
    if (wasStopped) this.say("Stopped before the first word", "cancelled");
    else if (answer) this.say("The network ended its song at once. Try another.", "cancelled");
    else {
      this.say(...this.before);
      this.place.hidden = this.wasHidden && this.trouble.note.hidden;
    }
    this.sheet.unhide();
  }

  sentence(texts, { answer, seconds, wasStopped }) {
    const counts = texts.map(linesOf);
    const versions = counts.length > 1 ? `${counts.length} versions, ` : "";
    const lines = sayLines(counts.reduce((sum, count) => sum + count, 0));
    if (answer) return `${versions}${lines} written in ${sayShort(seconds)}`;
    return wasStopped ? `Stopped after ${versions}${lines}` : `Broke off after ${versions}${lines}`;
  }

  // A version as the sheet takes it.
  version({ asked, head }, { text, index, seconds, wasStopped, answer }) {
    const choice = answer?.choices[index];
    const seed = choice?.seed ?? asked.seed + index;
    const recipe = { ...(answer?.recipe ?? recipeOf(asked)), n: 1, seed };
    const reason = choice?.finish_reason ?? (wasStopped ? "stopped" : "broken");
    const model = this.form.querySelector(`[data-model-facts="${asked.model}"]`).dataset;
    const whole = this.given + text;
    const facts = {
      model: model.name,
      seed,
      temperature: asked.temperature,
      filters: `${asked.top_k ?? 0}, ${asked.top_p ?? 1}`,
      tokens: choice ? `${choice.tokens} ${model.unit}` : "–",
      seconds: sayShort(seconds),
      ending: ENDINGS[reason],
      firstSeed: asked.seed,
    };
    return {
      lyric: this.lyrics[index] ?? "", // where the history has it, or will have it in a moment
      model: asked.model,
      prompt: asked.prompt,
      recipe: JSON.stringify(recipe),
      generated_text: head ? whole.slice(head.trim().length).trim() : whole,
      text: whole,
      given: this.given.length,
      written: text,
      facts,
      endsLine: ["lines", "end"].includes(reason),
    };
  }

  // The address holds the recipe: a reload or the way back brings the same form, and its seed the same text.
  keepAddress({ asked, isContinuation }) {
    if (!isContinuation) this.history.replaceState(null, "", `?${addressOf(asked, kindsOf(this.form))}`);
  }

  // ── what is said ────────────────────────────────────────────────────────────────────────────────────────────────

  say(words, state) {
    const progress = this.part("progress");
    progress.dataset.state = state;
    if (progress.textContent !== words) progress.textContent = words;
  }

  // What was asked for and left out.
  note(sentences) {
    this.part("notes").hidden = sentences.length === 0;
    this.part("notes").textContent = sentences.join(" ");
  }
}
