// Colours a text by the probability of its pieces, on demand, and shows what else might have stood at any of them.

import { alternativesOf, isWrittenBackwards, linesOfPieces, meanProbability, nameOf, sayPercent, stepOf } from "./pieces.js";
import { stanzasOf } from "./verse.js";

const SIGN_OF_BREAK = "↵";

export class Probability {
  constructor(button, { sheet, coloured, panel, server, page, onTrouble }) {
    Object.assign(this, { button, sheet, coloured, panel, server, page, onTrouble, controller: null });
    this.part = (name) => panel.querySelector(`[data-${name}]`);
    button.addEventListener("click", () => (this.isShown ? this.hide() : this.ask()));
    coloured.addEventListener("focusin", ({ target }) => this.choose(target.closest("[data-piece]")));
    coloured.addEventListener("click", ({ target }) => target.closest("[data-piece]")?.focus());
    coloured.addEventListener("keydown", (event) => this.move(event));
    this.part("alternatives-close").addEventListener("click", () => this.close());
  }

  get isShown() {
    return this.button.getAttribute("aria-pressed") === "true";
  }

  // Asks for the same seed, recipe and opening once more: they write the same text.
  async ask() {
    const { model, prompt, recipe, generated_text } = this.sheet.state;
    this.controller?.abort();
    this.controller = new AbortController();
    this.button.setAttribute("aria-busy", "true");
    try {
      const answer = await this.server.explained({ ...JSON.parse(recipe), model, prompt }, this.controller);
      this.show(answer.choices[0], generated_text);
    } catch (trouble) {
      if (trouble.name === "AbortError") return;
      this.onTrouble(trouble);
    } finally {
      this.button.removeAttribute("aria-busy");
    }
  }

  show({ text, pieces }, generatedText) {
    const given = generatedText.endsWith(text) ? generatedText.slice(0, generatedText.length - text.length) : "";
    const isSame = given + text === generatedText;
    this.pieces = pieces;
    const lines = linesOfPieces(isSame ? given : "", pieces);
    const stanzas = stanzasOf(lines, { isBlank: (line) => line.length === 0, sectionOf: () => null });
    this.coloured.replaceChildren(...stanzas.map((stanza) => this.stanza(stanza)));
    this.coloured.querySelector("[data-piece]")?.setAttribute("tabindex", "0");
    this.part("probability-says").textContent = this.sentence(pieces, isSame);
    this.part("alternatives").hidden = true;
    this.toggle(true);
  }

  sentence(pieces, isSame) {
    const mean = `The network gave its pieces ${sayPercent(meanProbability(pieces))} on average.`;
    const order = isWrittenBackwards(pieces) ? "It wrote each line from its last word to its first. " : "";
    const how = `${order}The stronger the colour, the less it expected the piece; choose one to see what else it might have been.`;
    return isSame ? `${mean} ${how}` : `It wrote something else this time. ${mean} ${how}`;
  }

  stanza(lines) {
    const stanza = this.page.createElement("div");
    stanza.className = "stanza";
    for (const { line } of lines) {
      // Each line reads in its own direction. Pieces are not isolated: that would part letters which join.
      const row = stanza.appendChild(Object.assign(this.page.createElement("p"), { dir: "auto" }));
      if (/^\[[^[\]]+\]$/.test(line.map(({ text }) => text).join("").trim())) row.className = "section-name";
      row.append(...line.map((part) => this.span(part)));
    }
    return stanza;
  }

  span({ text, index }) {
    const span = this.page.createElement("span");
    span.textContent = text || SIGN_OF_BREAK;
    if (index === null) span.className = "given";
    else {
      const probability = Math.exp(this.pieces[index].log_probability);
      span.className = text ? "piece" : "piece piece-break";
      Object.assign(span.dataset, { piece: index, step: stepOf(probability) });
      for (const [name, value] of Object.entries({ role: "button", tabindex: "-1", "aria-pressed": "false" })) span.setAttribute(name, value);
      span.setAttribute("aria-label", `${nameOf(this.pieces[index].token)}, ${sayPercent(probability)}`);
      span.title = sayPercent(probability);
    }
    return span;
  }

  choose(span) {
    if (!span) return;
    this.coloured.querySelectorAll('[aria-pressed="true"]').forEach((other) => other.setAttribute("aria-pressed", "false"));
    this.coloured.querySelectorAll('[tabindex="0"]').forEach((other) => other.setAttribute("tabindex", "-1"));
    span.setAttribute("aria-pressed", "true");
    span.setAttribute("tabindex", "0");
    const piece = this.pieces[span.dataset.piece];
    this.part("piece-shown").textContent = nameOf(piece.token);
    this.part("alternative-list").replaceChildren(...alternativesOf(piece).map((one) => this.alternative(one)));
    this.part("alternatives").hidden = false;
    span.scrollIntoView({ block: "nearest" });
  }

  alternative({ text, probability, isWritten }) {
    const row = this.page.createElement("li");
    if (isWritten) row.setAttribute("aria-current", "true");
    const [word, bar, percent] = ["span", "progress", "b"].map((tag) => row.appendChild(this.page.createElement(tag)));
    word.textContent = nameOf(text);
    bar.className = "progress";
    bar.value = probability;
    bar.setAttribute("aria-hidden", "true");
    percent.textContent = sayPercent(probability);
    return row;
  }

  close() {
    this.part("alternatives").hidden = true;
    const piece = this.coloured.querySelector('[aria-pressed="true"]');
    piece?.setAttribute("aria-pressed", "false");
    return piece;
  }

  move(event) {
    const isLeftwards = this.page.defaultView.getComputedStyle(event.target).direction === "rtl";
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key] * (isLeftwards ? -1 : 1);
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
    const spans = [...this.coloured.querySelectorAll("[data-piece]")];
    const next = spans[spans.indexOf(event.target) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  hide() {
    this.controller?.abort();
    this.toggle(false);
  }

  toggle(isShown) {
    this.button.setAttribute("aria-pressed", String(isShown));
    this.coloured.hidden = this.panel.hidden = !isShown;
    this.sheet.form.elements.text.hidden = isShown;
  }
}
