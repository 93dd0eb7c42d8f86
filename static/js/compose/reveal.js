// Lets words appear at the pace of the eye: each frame shows a share of what waits, whole words only.

import { wordEnd } from "./verse.js";

const FRAMES_BEHIND = 14; // how many frames the eye may lag behind the network

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
