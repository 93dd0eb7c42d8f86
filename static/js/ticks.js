// How many of a list are ticked, said in the bar that does something with them; the bar says itself what no tick means.

export function sayTicks(form) {
  const ticked = [...form.elements].filter((control) => control.type === "checkbox" && control.checked).length;
  const said = form.querySelector("[data-said]");
  said.textContent = ticked ? `${ticked} ${form.dataset.ticks}${ticked === 1 ? "" : "s"} ticked` : said.dataset.said;
}

export function bindTicks(page) {
  page.addEventListener("change", ({ target }) => {
    if (target.type === "checkbox" && target.form?.matches("[data-ticks]")) sayTicks(target.form);
  });
  page.querySelectorAll("[data-ticks]").forEach(sayTicks);
}

if (globalThis.document) {
  bindTicks(document);
  // The back button shows the page with its ticks.
  window.addEventListener("pageshow", () => document.querySelectorAll("[data-ticks]").forEach(sayTicks));
}
