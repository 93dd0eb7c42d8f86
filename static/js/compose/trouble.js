// What went wrong, said where it can be put right; and the wait where the server asks for one.

import { saySoon } from "./events.js";

export class Trouble {
  constructor(note, form, { page, everySecond }) {
    Object.assign(this, { note, form, page, everySecond });
    this.part = (name) => note.querySelector(`[data-trouble-${name}]`);
  }

  show({ words, fields, seconds = null }) {
    const [tone, icon] = seconds ? ["warn", "warn"] : ["error", "cross"]; // patience is no error
    this.note.dataset.tone = tone;
    this.note.querySelector("use").setAttribute("href", `#i-${icon}`);
    const rest = [words].filter(Boolean);
    for (const [name, found] of Object.entries(fields)) {
      // Not by `form.elements`: buttons beside the lyric carry the same names.
      const control = /^\w+$/.test(name) ? this.form.querySelector(`[name=${name}]`) : null;
      const sentence = [found].flat().join(" ");
      if (control && !["hidden", "radio"].includes(control.type)) this.showAt(control, sentence);
      else rest.push(`${name}: ${sentence}`);
    }
    this.note.hidden = rest.length === 0;
    this.part("words").textContent = rest.join(" ");
  }

  showAt(control, sentence) {
    const error = this.page.createElement("p");
    error.className = "error";
    error.dataset.fresh = "";
    error.textContent = sentence;
    control.setAttribute("aria-invalid", "true");
    (control.closest(".prompt-paper, .seed-row") ?? control).after(error);
    control.closest("details")?.setAttribute("open", "");
    control.focus();
  }

  clear() {
    this.note.hidden = true;
    this.showWait(null);
    this.form.querySelectorAll(".error[data-fresh]").forEach((error) => error.remove());
    this.form.querySelectorAll("[aria-invalid]").forEach((control) => control.removeAttribute("aria-invalid"));
  }

  // Counts the seconds down; whether to try again then, or at once, or not at all.
  wait(seconds, { signal }) {
    return new Promise((resolve) => {
      let left = seconds;
      const end = (again) => {
        stopCounting();
        this.showWait(null);
        resolve(again);
      };
      this.showWait(left);
      const stopCounting = this.everySecond(() => {
        left -= 1;
        if (left > 0) this.showWait(left);
        else end(true);
      });
      this.part("again").onclick = () => end(true);
      this.part("leave").onclick = () => end(false);
      signal.addEventListener("abort", () => end(false), { once: true });
    });
  }

  showWait(seconds) {
    for (const name of ["wait", "again", "leave"]) this.part(name).hidden = seconds === null;
    this.part("wait").textContent = seconds === null ? "" : saySoon(seconds);
  }
}
