// Says beside the fold what it holds that is not neutral, as the server does.

export function summaryOf(controls) {
  return controls
    .filter(({ value, neutral }) => value !== "" && value !== neutral && Number(value) !== Number(neutral || NaN))
    .map(({ label, value }) => `${label.toLowerCase()} ${value}`)
    .join(", ");
}

export function sayFold(form, place) {
  const controls = [...form.querySelectorAll("[data-neutral]")].map((control) => ({
    label: control.labels[0].textContent,
    value: control.value,
    neutral: control.dataset.neutral,
  }));
  place.textContent = summaryOf(controls);
}
