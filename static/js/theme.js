// The switch between light and dark. The system decides until the person does; the choice is stored.

export function currentTheme(root, { matchMedia }) {
  return root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

export function switchTheme(root, { matchMedia, storage }) {
  const theme = currentTheme(root, { matchMedia }) === "dark" ? "light" : "dark";
  root.dataset.theme = theme;
  try {
    storage().setItem("theme", theme);
  } catch {
    // Without storage the choice holds for this page.
  }
  return theme;
}

export function bindThemeSwitch(page, { matchMedia, storage }) {
  const announce = () => page.dispatchEvent(new CustomEvent("themechange"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", announce);
  page.querySelectorAll("[data-theme-toggle]").forEach((button) => {
    button.addEventListener("click", () => {
      switchTheme(page.documentElement, { matchMedia, storage });
      announce();
    });
  });
}

if (globalThis.document) {
  bindThemeSwitch(document, { matchMedia: window.matchMedia.bind(window), storage: () => localStorage });
}
