// Loaded in the head without defer: the chosen theme is set before the first paint.
(function () {
  try {
    const chosen = localStorage.getItem("theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage may be forbidden; then the page follows the system.
  }
})();
