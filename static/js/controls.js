// Small courtesies of controls: a slider says its value, a verse field grows, a sent form says it is busy, a menu closes.

export function sayValue(slider, page) {
  const output = page.querySelector(`output[for="${slider.id}"]`);
  if (output) output.value = slider.value;
}

export function growToContent(textarea) {
  textarea.style.height = "auto";
  textarea.style.height = `${textarea.scrollHeight}px`;
}

export function markBusy(button) {
  button?.setAttribute("aria-busy", "true");
}

export function markIdle(page) {
  page.querySelectorAll('form[data-busy] [aria-busy="true"]').forEach((button) => button.removeAttribute("aria-busy"));
}

export function closeMenus(page, { besides = null } = {}) {
  page.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (!menu.contains(besides)) menu.open = false;
  });
}

export function bindControls(page, { fieldSizing }) {
  page.addEventListener("input", ({ target }) => {
    if (target.matches("input[type=range]")) sayValue(target, page);
    if (!fieldSizing && target.matches("textarea")) growToContent(target);
  });
  page.addEventListener("click", ({ target }) => closeMenus(page, { besides: target }));
  page.addEventListener("keydown", ({ key, target }) => {
    if (key !== "Escape") return;
    target.closest?.("details.menu[open]")?.querySelector("summary").focus();
    closeMenus(page);
  });
  page.addEventListener("submit", ({ target, submitter, defaultPrevented }) => {
    if (!defaultPrevented && target.matches("form[data-busy]")) markBusy(submitter);
  });
}

if (globalThis.document) {
  bindControls(document, { fieldSizing: CSS.supports("field-sizing", "content") });
  // The back button shows the page as it was left, busy button and all.
  window.addEventListener("pageshow", () => markIdle(document));
}
