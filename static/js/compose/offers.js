// Models to choose from: the list answers to what is typed, and the one that is chosen shows itself on top.

// Whether every word that was typed is somewhere in `text`.
export function fits(text, typed) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const where = text.toLowerCase();
  return words.every((word) => where.includes(word));
}

export class Offers {
  constructor(form, { list, chosen, search, none, page }) {
    Object.assign(this, { form, list, chosen, none, page });
    this.choices = [...list.querySelectorAll("[data-offer]")];
    list.addEventListener("change", ({ target }) => target.name === "model" && this.show());
    // A click by hand closes the list; the arrow keys, which click too, go on through it.
    list.addEventListener("click", (event) => this.close(event));
    search?.addEventListener("input", () => this.filter(search.value));
    search?.addEventListener("keydown", (event) => this.takeFirst(event));
    this.show();
  }

  get radio() {
    return this.form.querySelector("input[name=model]:checked");
  }

  show() {
    if (!this.radio) return;
    const offer = this.radio.closest("[data-offer]").querySelector(".offer");
    this.chosen.replaceChildren(...offer.cloneNode(true).childNodes);
    const about = this.page.createElement("a");
    Object.assign(about, { href: this.radio.dataset.about, title: "About this model", textContent: this.radio.dataset.name });
    this.chosen.querySelector("[data-offer-name]").replaceChildren(about);
  }

  close({ target, detail }) {
    if (detail === 0 || !target.closest("[data-offer]")) return;
    this.list.open = false;
    this.list.querySelector("summary").focus();
  }

  filter(typed) {
    let found = 0;
    for (const choice of this.choices) {
      choice.hidden = !fits(choice.textContent, typed);
      found += !choice.hidden;
    }
    this.none.hidden = found > 0;
  }

  // Enter takes the first that is left.
  takeFirst(event) {
    if (event.key !== "Enter" || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const radio = this.choices.find((choice) => !choice.hidden)?.querySelector("input");
    if (!radio) return;
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
    radio.focus();
  }
}
