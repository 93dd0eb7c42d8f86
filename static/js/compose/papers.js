// Where texts stand while they are written: one on the sheet where it will be changed, several side by side.

import { Reveal } from "./reveal.js";
import { linesOf, showText } from "./verse.js";

export class Papers {
  constructor(verse, columns, { say, follow, nextFrame, isStill }) {
    Object.assign(this, { verse, columns, say, follow, nextFrame, isStill, reveals: [] });
  }

  // A text that is gone on with stands below the versions it may come from.
  begin({ seeds, given, lines, isContinuation }) {
    Object.assign(this, { given, lines, isOver: false });
    this.isSingle = seeds.length === 1;
    if (!this.isSingle) this.columns.begin(seeds);
    else if (!isContinuation) this.columns.hide();
    this.verse.hidden = !this.isSingle;
    this.reveals = seeds.map((_, index) => new Reveal((text) => this.show(index, text), this));
    this.reveals.forEach((_, index) => this.paint(index, ""));
  }

  add(index, text) {
    this.reveals[index]?.add(text);
  }

  show(index, text) {
    this.paint(index, text);
    this.say(this.progress, "running");
  }

  get progress() {
    const written = Math.min(...this.reveals.map((reveal) => linesOf(reveal.text.slice(0, reveal.shown))));
    const line = `line ${Math.max(1, written)}${this.lines ? ` of ${this.lines}` : ""}`;
    return this.isSingle ? `Writing ${line}` : `Writing ${this.reveals.length} versions, ${line}`;
  }

  paint(index, text) {
    const options = { given: this.given.length, caret: !this.isOver };
    if (this.isSingle) showText(this.verse, this.given + text, options);
    else this.columns.paint(index, this.given + text, options);
    if (index === 0 && !this.isOver) this.follow.keep((this.isSingle ? this.verse : this.columns.place).querySelector(".caret"));
  }

  // What waits to be shown is left out: the texts end where the eye is.
  cut() {
    this.reveals.forEach((reveal) => reveal.cut());
  }

  // The texts, once the eye has reached their ends.
  async end() {
    await Promise.all(this.reveals.map((reveal) => reveal.end()));
    this.isOver = true;
    const texts = this.reveals.map((reveal) => reveal.text);
    if (this.isSingle) this.verse.hidden = true;
    else texts.forEach((text, index) => this.paint(index, text));
    return texts;
  }
}
