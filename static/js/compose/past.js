// What the sheet held before: a short memory of this page, so that nothing is lost by writing on.

const MOST_KEPT = 100;

export class Past {
  constructor(button) {
    this.button = button;
    this.kept = [];
    this.show();
  }

  // Keep a state of the sheet; the same text twice in a row is one.
  push(state) {
    if (!state || this.kept.at(-1)?.text === state.text) return;
    this.kept.push(state);
    if (this.kept.length > MOST_KEPT) this.kept.shift();
    this.show();
  }

  // The last state that differs from `present`; null when there is none.
  back(present) {
    let state = this.kept.pop() ?? null;
    while (state && state.text === present?.text) state = this.kept.pop() ?? null;
    this.show();
    return state;
  }

  show() {
    this.button.disabled = this.kept.length === 0;
  }
}
