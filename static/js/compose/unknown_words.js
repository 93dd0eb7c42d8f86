// Words that the model has never read: asked for while a person writes, and underlined where they stand.

const PAUSE = 350; // milliseconds without a key before the server is asked
const NAMED = 6;

// The text cut where unknown words stand: [[words, isUnknown], …]; the server counts characters, not code units.
export function marked(text, words) {
  const characters = [...text];
  const parts = [];
  let place = 0;
  for (const { start, end } of words) {
    if (start > place) parts.push([characters.slice(place, start).join(""), false]);
    parts.push([characters.slice(start, end).join(""), true]);
    place = end;
  }
  if (place < characters.length) parts.push([characters.slice(place).join(""), false]);
  return parts;
}

export function sayUnknown(words) {
  const named = [...new Set(words.map(({ word }) => word))];
  const shown = named.slice(0, NAMED).map((word) => `“${word}”`).join(", ");
  const rest = named.length - NAMED;
  return `The model has never read: ${shown}${rest > 0 ? ` and ${rest} more` : ""}.`;
}

export class UnknownWords {
  constructor(input, { mirror, says, server, model, page, later }) {
    Object.assign(this, { input, mirror, says, server, model, page, later, words: [], controller: null });
    this.cancel = () => {};
    input.addEventListener("input", () => this.askSoon());
    this.askSoon();
  }

  askSoon() {
    this.cancel();
    this.controller?.abort();
    const characters = [...this.input.value];
    // What still stands where it stood stays underlined until the answer comes.
    this.words = this.words.filter(({ word, start, end }) => characters.slice(start, end).join("") === word);
    this.underline();
    if (this.input.value.trim()) this.cancel = this.later(() => this.ask(), PAUSE);
    else this.say("");
  }

  async ask() {
    const text = this.input.value;
    this.controller = new AbortController();
    try {
      const words = await this.server.unknownWords(this.model(), text, this.controller);
      if (text !== this.input.value) return;
      this.words = words;
      this.underline();
      this.say(words.length ? sayUnknown(words) : "The model can read every word of it.");
    } catch (trouble) {
      // This is a courtesy: what stands in its way is said when a person writes.
      if (!trouble.fields && trouble.name !== "AbortError" && !(trouble instanceof TypeError)) throw trouble;
    }
  }

  underline() {
    const parts = marked(this.input.value, this.words).map(([part, isUnknown]) => {
      const element = this.page.createElement(isUnknown ? "mark" : "span");
      element.textContent = part;
      return element;
    });
    this.mirror.replaceChildren(...parts, "\u200b"); // so that an empty last line has its height
  }

  say(sentence) {
    this.says.classList.toggle("unknown-words", this.words.length > 0);
    if (this.says.textContent !== sentence) this.says.textContent = sentence;
  }
}
