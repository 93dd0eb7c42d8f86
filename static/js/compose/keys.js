// What the keyboard does, and the list of it.

export function bindKeys(page, { desk, dialog, open }) {
  const showKeys = () => dialog.open || dialog.showModal();
  open.addEventListener("click", showKeys);
  page.addEventListener("keydown", (event) => {
    if (dialog.open) return; // its own Escape closes it
    const wantsOther = event.altKey && !event.ctrlKey && !event.metaKey;
    if (event.key === "Escape" && desk.isWriting) desk.stop();
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) take(event, () => desk.write());
    else if (event.key === "Enter" && wantsOther) take(event, () => desk.again());
    else if (event.key === "?" && !isTyping(event.target)) take(event, showKeys);
  });
}

function take(event, act) {
  event.preventDefault();
  act();
}

export function isTyping(target) {
  return target.matches("textarea, input:not([type=range], [type=radio], [type=checkbox]), select, [contenteditable]");
}
