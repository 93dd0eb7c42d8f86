// The versions as columns, A to H: each is written in its own, and any of them can be taken into the editor.

import { linesOf, sayLines, showVerse } from "./verse.js";

const LETTERS = "ABCDEFGH";

export class Columns {
  constructor(place, template, { onUse }) {
    Object.assign(this, { place, template, onUse, columns: [], texts: [] });
  }

  begin(seeds) {
    this.columns = seeds.map((seed, index) => this.column(seed, index));
    this.place.replaceChildren(...this.columns);
    this.place.setAttribute("aria-label", `${seeds.length} versions`);
    this.place.hidden = false;
  }

  // Versions that were written before stand here again.
  restore(versions) {
    if (versions.length < 2) return this.hide();
    this.begin(versions.map(({ facts }) => facts.seed));
    versions.forEach(({ text, given }, index) => this.paint(index, text, { given }));
    this.end(versions.map(({ written }) => written));
  }

  hide() {
    this.columns = [];
    this.place.replaceChildren();
    this.place.hidden = true;
  }

  column(seed, index) {
    const column = this.template.content.firstElementChild.cloneNode(true);
    const use = column.querySelector("[data-use]");
    column.querySelector("[data-letter]").textContent = LETTERS[index];
    column.querySelector("[data-seed]").textContent = `seed ${seed}`;
    use.textContent = `Use ${LETTERS[index]}`;
    use.addEventListener("click", () => this.onUse(index));
    return column;
  }

  paint(index, text, options) {
    showVerse(this.columns[index].querySelector("[data-words]"), text, options);
  }

  end(texts) {
    this.texts = texts;
  }

  // Says which version lies in the editor, -1 for none, and offers the others that have words.
  choose(chosen) {
    this.columns.forEach((column, index) => {
      const isChosen = index === chosen;
      if (isChosen) column.setAttribute("aria-current", "true");
      else column.removeAttribute("aria-current");
      column.querySelector("[data-letter]").textContent = LETTERS[index] + (isChosen ? ", in the editor" : "");
      column.querySelector("[data-says]").textContent = this.texts[index] ? sayLines(linesOf(this.texts[index])) : "nothing written";
      column.querySelector("[data-use]").hidden = isChosen || !this.texts[index];
    });
  }
}
