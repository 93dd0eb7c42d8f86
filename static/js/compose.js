// The writing page: asks for a lyric, shows it as it comes, hands it over to be changed and kept.
// Without it the form posts and the page comes back with the whole text.

const SEED_LIMIT = 2 ** 31;
const TOKENS_LIMIT = 1024; // the lines end a lyric
const FRAMES_BEHIND = 14; // how many frames the eye may lag behind the network
const ENDINGS = {
  lines: "when all lines were there",
  end: "where the network ended its song",
  length: "at the longest a text may be",
  stop: "at a stop word",
  time: "when its time was up",
  stopped: "when you stopped it",
  broken: "where the connection broke",
};
const BROKEN = { words: "The connection broke before the end. What was written until then is below.", fields: {} };

// ── what goes out ──────────────────────────────────────────────────────────────────────────────────────────────────

export function requestOf(data, { randomSeed }) {
  const number = (name) => (data.get(name) ? Number(data.get(name)) : undefined);
  // The field comes first, a button that names a seed after it.
  const seed = data.getAll("seed").at(-1);
  return {
    model: data.get("model"),
    prompt: data.get("prompt"),
    lines: number("lines"),
    temperature: number("temperature"),
    top_k: number("top_k"),
    top_p: number("top_p"),
    seed: seed === "" ? randomSeed() : Number(seed),
    genre: data.get("genre") || undefined,
    artist: data.get("artist") || undefined,
    title: data.get("title") || undefined,
    max_tokens: TOKENS_LIMIT,
    stream: true,
  };
}

export function recipeOf({ model, prompt, stream, ...recipe }) {
  return recipe;
}

// ── what comes in ──────────────────────────────────────────────────────────────────────────────────────────────────

export async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      const parts = text.split("\n\n");
      text = parts.pop();
      for (const part of parts) {
        const event = readEvent(part);
        if (event.data) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

export function readEvent(part) {
  const event = { name: "message", data: "" };
  for (const line of part.split("\n")) {
    if (line.startsWith("event: ")) event.name = line.slice(7);
    if (line.startsWith("data: ")) event.data += line.slice(6);
  }
  return event;
}

export function troubleOf(status, body) {
  if (body?.detail) return { words: String(body.detail), fields: {} };
  if (status === 400 && body && typeof body === "object") return { words: "", fields: body };
  return { words: "The server could not write just now. Nothing you typed is lost; try again.", fields: {} };
}

// ── how verse is shown ─────────────────────────────────────────────────────────────────────────────────────────────

// The end of the word that `text` holds at or after `from`.
export function wordEnd(text, from) {
  const found = /\s/.exec(text.slice(from));
  return found ? from + found.index + 1 : text.length;
}

export function linesOf(text) {
  return text.split("\n").filter((line) => line.trim() && !/^\[[^[\]]+\]$/.test(line.trim())).length;
}

export function sayShort(seconds) {
  return seconds < 0.1 ? "under 0.1 s" : `${seconds.toFixed(1)} s`;
}

// Rebuilds the verse: a few dozen short lines, so simpler than keeping track, and quick enough for each frame.
export function showVerse(paper, text, { given, caret }) {
  const stanzas = [[]];
  let place = 0;
  for (const line of text.split("\n")) {
    const mark = /^\[([^[\]]+)\]$/.exec(line.trim());
    if (!line.trim() || (mark && stanzas.at(-1).length)) stanzas.push([]);
    if (line.trim()) stanzas.at(-1).push({ words: mark ? mark[1] : line, isMark: Boolean(mark), isGiven: place < given });
    place += line.length + 1;
  }
  const page = paper.ownerDocument;
  const blocks = stanzas.filter((lines) => lines.length).map((lines) => {
    const stanza = page.createElement("div");
    stanza.className = "stanza";
    for (const { words, isMark, isGiven } of lines) {
      const row = page.createElement("p");
      if (isMark) row.className = "section-name";
      const span = row.appendChild(page.createElement("span"));
      if (isGiven && !isMark) span.className = "given";
      span.textContent = words;
      stanza.append(row);
    }
    return stanza;
  });
  if (caret) {
    const mark = page.createElement("span");
    mark.className = "caret";
    if (!blocks.length) blocks.push(page.createElement("p"));
    (blocks.at(-1).lastElementChild ?? blocks.at(-1)).append(mark);
  }
  paper.replaceChildren(...blocks);
}

// Lets words appear at the pace of the eye: each frame shows a share of what waits, whole words only.
export class Reveal {
  constructor(show, { nextFrame, isStill }) {
    Object.assign(this, { show, nextFrame, isStill, text: "", shown: 0, isOver: false, isRunning: false });
    this.ended = new Promise((resolve) => (this.resolve = resolve));
  }

  add(text) {
    this.text += text;
    this.run();
  }

  // What waits is not shown any more: the text ends where the eye is.
  cut() {
    this.text = this.text.slice(0, this.shown);
  }

  end() {
    this.isOver = true;
    this.run();
    return this.ended;
  }

  run() {
    if (this.isRunning) return;
    this.isRunning = true;
    this.step();
  }

  step() {
    const behind = this.text.length - this.shown;
    if (behind > 0) {
      const share = this.isStill() ? behind : Math.max(1, Math.ceil(behind / FRAMES_BEHIND));
      this.shown = wordEnd(this.text, this.shown + share);
      this.show(this.text.slice(0, this.shown));
    }
    if (this.shown < this.text.length) this.nextFrame(() => this.step());
    else {
      this.isRunning = false;
      if (this.isOver) this.resolve();
    }
  }
}

// ── the page ───────────────────────────────────────────────────────────────────────────────────────────────────────

export class Desk {
  constructor(form, desk, { fetch, page, clock, nextFrame, isStill, randomSeed, history }) {
    Object.assign(this, { form, desk, fetch, page, clock, nextFrame, isStill, randomSeed, history, controller: null });
    this.part = (name) => desk.querySelector(`[data-${name}]`);
    this.sheet = this.part("sheet");
  }

  get isWriting() {
    return this.controller !== null;
  }

  stop() {
    this.controller?.abort();
    this.reveal?.cut();
  }

  async write(submitter) {
    if (this.isWriting) return;
    const asked = requestOf(new FormData(this.form, submitter), this);
    const controller = (this.controller = new AbortController());
    this.begin(asked);
    const started = this.clock();
    let answer = null;
    try {
      const response = await this.fetch(this.form.dataset.generateUrl, {
        method: "POST",
        signal: controller.signal,
        headers: {
          "Content-Type": "application/json",
          Accept: "text/event-stream",
          "X-CSRFToken": this.form.elements.csrfmiddlewaretoken.value,
        },
        body: JSON.stringify(asked),
      });
      if (!response.ok) throw await response.json().then((body) => troubleOf(response.status, body), () => troubleOf(response.status));
      for await (const { name, data } of eventsOf(response.body)) {
        if (controller.signal.aborted) break;
        if (name === "token") this.reveal.add(JSON.parse(data).text);
        if (name === "done") answer = JSON.parse(data);
      }
      if (!answer) throw BROKEN;
    } catch (trouble) {
      const said = trouble.fields ? trouble : this.reveal.text ? BROKEN : troubleOf(0);
      if (!controller.signal.aborted) this.complain(said);
    }
    const seconds = answer?.seconds ?? (this.clock() - started) / 1000;
    await this.reveal.end();
    this.controller = null;
    this.finish(asked, { answer, seconds, wasStopped: controller.signal.aborted });
  }

  begin(asked) {
    this.clearTrouble();
    this.note([]);
    const { textContent, dataset } = this.part("progress");
    this.before = [textContent, dataset.state];
    this.given = asked.prompt.trim();
    this.verse = this.part("verse");
    const paint = (text) => {
      showVerse(this.verse, this.given + text, { given: this.given.length, caret: true });
      this.say(`Writing line ${Math.max(1, linesOf(text))} of ${asked.lines}`, "running");
    };
    this.reveal = new Reveal(paint, this);
    this.desk.hidden = this.verse.hidden = this.part("stop").hidden = false;
    this.sheet.hidden = true;
    this.setPrimary(false);
    paint("");
    this.verse.scrollIntoView({ block: "nearest", behavior: this.isStill() ? "auto" : "smooth" });
    const write = this.form.querySelector("[data-write]");
    write.setAttribute("aria-busy", "true");
  }

  finish(asked, { answer, seconds, wasStopped }) {
    this.form.querySelector("[data-write]").removeAttribute("aria-busy");
    this.part("stop").hidden = true;
    this.verse.hidden = true;
    const choice = wasStopped ? undefined : answer?.choices[0];
    this.note(answer?.notes ?? []);
    const text = this.given + this.reveal.text;
    const lines = linesOf(this.reveal.text);
    if (!this.reveal.text) {
      if (wasStopped) this.say("Stopped before the first word.", "cancelled");
      else if (choice) this.say("The network ended its song at once. Try another.", "cancelled");
      else this.say(...this.before); // it was refused: what lay there before still does
      this.sheet.hidden = this.part("certificate").hidden = !this.sheet.elements.text.value;
      this.setPrimary(!this.sheet.hidden);
      return;
    }
    const counted = `${lines} line${lines === 1 ? "" : "s"}`;
    const isWhole = Boolean(choice);
    const brief = wasStopped ? `Stopped after ${counted}` : `Broke off after ${counted}`;
    this.say(isWhole ? `${counted} written in ${sayShort(seconds)}` : brief, isWhole ? "ready" : "cancelled");
    const values = { model: asked.model, prompt: asked.prompt, recipe: JSON.stringify(answer?.recipe ?? recipeOf(asked)), generated_text: text, text };
    for (const [name, value] of Object.entries(values)) this.sheet.elements[name].value = value;
    this.sheet.elements.text.rows = text.split("\n").length + 1;
    this.sheet.elements.bookmarked.checked = false;
    this.sheet.hidden = this.part("certificate").hidden = false;
    this.setPrimary(true);
    this.certify(asked, { tokens: choice?.tokens, seconds, ending: ENDINGS[choice?.finish_reason ?? (wasStopped ? "stopped" : "broken")] });
  }

  certify(asked, { tokens, seconds, ending }) {
    const model = [...this.form.querySelectorAll("[data-model-facts]")].find((facts) => facts.dataset.modelFacts === asked.model).dataset;
    const facts = {
      model: model.name,
      seed: asked.seed,
      temperature: asked.temperature,
      filters: `${asked.top_k ?? 0}, ${asked.top_p ?? 1}`,
      tokens: tokens === undefined ? "–" : `${tokens} ${model.unit}`,
      seconds: sayShort(seconds),
      ending,
    };
    for (const [name, value] of Object.entries(facts)) this.desk.querySelector(`[data-fact=${name}]`).textContent = value;
    this.part("same-seed").value = asked.seed;
    // The address holds the recipe: a reload or the way back brings the same form, and its seed the same text.
    const address = new URLSearchParams(Object.entries({ ...recipeOf(asked), model: asked.model, prompt: asked.prompt }).filter(([name, value]) => value !== undefined && name !== "max_tokens"));
    this.history.replaceState(null, "", `?${address}`);
  }

  // Saving is the next step once there is something to save; until then it is writing.
  setPrimary(canSave) {
    this.form.querySelector("[data-write]").classList.toggle("button-primary", !canSave);
  }

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

  complain({ words, fields }) {
    const rest = [words].filter(Boolean);
    for (const [name, found] of Object.entries(fields)) {
      const control = this.form.elements[name];
      const sentence = [found].flat().join(" ");
      if (!control?.closest) rest.push(`${name}: ${sentence}`);
      else {
        const error = this.page.createElement("p");
        error.className = "error";
        error.dataset.fresh = "";
        error.textContent = sentence;
        control.setAttribute("aria-invalid", "true");
        control.after(error);
        control.closest("details")?.setAttribute("open", "");
        control.focus();
      }
    }
    this.part("trouble").hidden = rest.length === 0;
    this.part("trouble-words").textContent = rest.join(" ");
  }

  clearTrouble() {
    this.part("trouble").hidden = true;
    this.form.querySelectorAll(".error[data-fresh]").forEach((error) => error.remove());
    this.form.querySelectorAll("[aria-invalid]").forEach((control) => control.removeAttribute("aria-invalid"));
  }
}

function describeForm(form) {
  const { model, top_k, top_p } = form.elements;
  const seed = form.querySelector("input[name=seed]"); // the buttons beside the lyric carry the same name
  form.querySelectorAll("[data-model-facts]").forEach((facts) => (facts.hidden = facts.dataset.modelFacts !== model.value));
  const fate = seed.value ? `seed ${seed.value}` : "a new seed each time";
  form.querySelector("[data-compose-summary]").textContent = `top-k ${top_k.value || 0}, top-p ${top_p.value || 1}, ${fate}`;
}

export function bindCompose(form, page, surroundings) {
  const desk = new Desk(form, page.querySelector("[data-desk]"), { page, ...surroundings });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    desk.write(event.submitter);
  });
  form.addEventListener("input", () => describeForm(form));
  page.querySelector("[data-stop]").addEventListener("click", () => desk.stop());
  page.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && desk.isWriting) desk.stop();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !desk.isWriting) {
      event.preventDefault();
      form.requestSubmit(form.querySelector("[data-write]"));
    }
  });
  describeForm(form);
  return desk;
}

if (globalThis.document) {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  bindCompose(document.querySelector("[data-compose]"), document, {
    fetch: window.fetch.bind(window),
    clock: () => performance.now(),
    nextFrame: window.requestAnimationFrame.bind(window),
    // A page in the background gets no frames, and must not wait for them.
    isStill: () => still.matches || document.hidden,
    randomSeed: () => Math.floor(Math.random() * SEED_LIMIT),
    history: window.history,
  });
}
