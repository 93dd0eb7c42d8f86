// The lyric on its sheet: words to be changed, what they were made by, and the certificate beside them.

const FIELDS = ["lyric", "model", "prompt", "recipe", "generated_text", "text"];
const EDIT_PAUSE = 1500; // milliseconds: typing on after less belongs to the same change

export class Sheet {
  constructor(form, result, { clock, onEdit, onChange = () => {} }) {
    Object.assign(this, { form, result, clock, onEdit, onChange, facts: null, endsLine: false, lastEdit: -Infinity });
    form.elements.text.addEventListener("beforeinput", () => this.beforeEdit());
  }

  get isEmpty() {
    return !this.form.elements.text.value;
  }

  // All that `show` needs to bring this back; null while nothing is written.
  get state() {
    if (this.isEmpty) return null;
    const values = Object.fromEntries(FIELDS.map((name) => [name, this.form.elements[name].value]));
    return { ...values, facts: this.facts, endsLine: this.endsLine };
  }

  beforeEdit() {
    const now = this.clock();
    if (now - this.lastEdit > EDIT_PAUSE && !this.isEmpty) this.onEdit(this.state);
    this.lastEdit = now;
  }

  show(state) {
    for (const name of FIELDS) this.form.elements[name].value = state[name];
    this.form.elements.text.rows = state.text.split("\n").length + 1;
    this.facts = state.facts;
    this.endsLine = state.endsLine;
    this.lastEdit = -Infinity;
    if (state.facts) this.certify(state.facts);
    this.result.hidden = false;
    this.wake();
    this.onChange();
  }

  // Nothing here can be changed while something is written; a single text is written here, in its place.
  rest({ isWrittenHere }) {
    this.onChange();
    this.result.hidden = !isWrittenHere;
    this.form.elements.text.hidden = true;
    this.setResting(true);
  }

  // What lay here before lies here again.
  unhide() {
    this.result.hidden = this.isEmpty;
    this.wake();
  }

  wake() {
    this.form.elements.text.hidden = false;
    this.setResting(false);
  }

  setResting(isResting) {
    this.result.querySelectorAll("[data-rests]").forEach((part) => (part.inert = isResting));
  }

  // The text as it is gone on with: where all lines were there, a new one begins.
  get opening() {
    const { text, generated_text } = this.form.elements;
    const isAsWritten = text.value.trimEnd() === generated_text.value.trimEnd();
    return this.endsLine && isAsWritten ? `${text.value.trimEnd()}\n` : text.value;
  }

  certify(facts) {
    for (const [name, value] of Object.entries(facts)) {
      const place = this.result.querySelector(`[data-fact=${name}]`);
      if (place) place.textContent = value;
    }
    this.result.querySelector("[data-same-seed]").value = facts.firstSeed;
  }
}
