// The slider over what a run wrote: one sample at a time, the newest until the person chooses an older one.

export function showSample(region, number) {
  region.querySelectorAll("[data-sample]").forEach((sample) => {
    const isChosen = sample.dataset.sample === String(number);
    sample.toggleAttribute("data-older", !isChosen);
    if (!isChosen) return;
    const { moment } = sample.dataset;
    const told = region.querySelector("[data-sample-moment]");
    if (told) told.textContent = moment;
    region.querySelector("[data-sample-slider]")?.setAttribute("aria-valuetext", moment);
  });
}

export class ChosenSample {
  constructor() {
    this.number = null; // null: the newest, also when newer ones come
  }

  choose(slider, region) {
    this.number = slider.value === slider.max ? null : slider.value;
    showSample(region, slider.value);
  }

  // A fresh region shows its newest sample; a person who looked at an older one keeps it.
  restore(region) {
    const slider = region.querySelector("[data-sample-slider]");
    if (!slider) return;
    if (this.number !== null) slider.value = this.number;
    showSample(region, slider.value);
  }
}

if (globalThis.document) {
  const chosen = new ChosenSample();
  document.addEventListener("input", ({ target }) => {
    if (target.matches("[data-sample-slider]")) chosen.choose(target, target.closest("[data-samples]"));
  });
  const restore = () => document.querySelectorAll("[data-samples]").forEach((region) => chosen.restore(region));
  restore();
  document.addEventListener("htmx:oobAfterSwap", restore);
}
