// Shows in every blank setting what the chosen preset and tokenizer would put there.

export function valueWords(value) {
  return value === null || value === undefined || value === "" ? "" : String(value);
}

export function showPresetValues(form, presets) {
  const chosen = (name) => form.querySelector(`input[name="${name}"]:checked`)?.value;
  const values = presets[chosen("preset")]?.[chosen("tokenizer")] ?? {};
  form.querySelectorAll("[data-setting]").forEach((input) => {
    input.placeholder = valueWords(values[input.dataset.setting]);
  });
}

if (globalThis.document) {
  const form = document.querySelector("[data-train-form]");
  const presets = JSON.parse(document.getElementById("preset-values")?.textContent ?? "{}");
  if (form) {
    showPresetValues(form, presets);
    form.addEventListener("change", () => showPresetValues(form, presets));
  }
}
