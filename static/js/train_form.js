// Shows in every blank setting what it stands for: what the server says a run of this form would have.

export function valueWords(value) {
  return value === null || value === undefined || value === "" ? "" : String(value);
}

export function showValues(form, values) {
  form.querySelectorAll("[data-setting]").forEach((input) => {
    input.placeholder = valueWords(values[input.dataset.setting]);
  });
}

if (globalThis.document) {
  document.addEventListener("htmx:afterSwap", ({ target }) => {
    const values = target.querySelector("#run-values");
    if (values) showValues(document.querySelector("[data-train-form]"), JSON.parse(values.textContent));
  });
}
