// <button data-copy="id"> copies the text of the element with that id and says so.

const SAID_FOR_MILLISECONDS = 2000;

export async function copyText(button, { page, clipboard, wait }) {
  const source = page.getElementById(button.dataset.copy);
  const label = button.querySelector("span") ?? button;
  const words = label.textContent;
  try {
    await clipboard.writeText(source.value ?? source.textContent);
    label.textContent = "Copied";
  } catch {
    // Over plain http the clipboard is closed: select it, so that the keyboard can copy it.
    page.getSelection().selectAllChildren(source);
    label.textContent = "Selected, press Ctrl+C";
  }
  await wait(SAID_FOR_MILLISECONDS);
  label.textContent = words;
}

if (globalThis.document) {
  const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copyText(button, { page: document, clipboard: navigator.clipboard, wait });
  });
}
