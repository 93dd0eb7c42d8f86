// Keeps the place where a text goes on in sight, until the person looks elsewhere.

const LOOKING = ["wheel", "touchmove", "keydown"];
const PAUSE = 1000; // milliseconds in which the page comes to the text

export class Follow {
  constructor(page, { clock }) {
    Object.assign(this, { clock, isOn: false, from: 0 });
    LOOKING.forEach((name) => page.addEventListener(name, () => (this.isOn = false), { capture: true, passive: true }));
  }

  begin() {
    this.isOn = true;
    this.from = this.clock() + PAUSE;
  }

  keep(caret) {
    if (this.isOn && this.clock() >= this.from) caret?.scrollIntoView({ block: "nearest" });
  }
}
