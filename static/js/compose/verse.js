// How verse is shown: stanzas, names of sections, what was given, a caret where it goes on.

const SECTION = /^\[([^[\]]+)\]$/;

// The end of the word that `text` holds at or after `from`.
export function wordEnd(text, from) {
  const found = /\s/.exec(text.slice(from));
  return found ? from + found.index + 1 : text.length;
}

export function linesOf(text) {
  return text.split("\n").filter((line) => line.trim() && !SECTION.test(line.trim())).length;
}

export function sayLines(count) {
  return `${count} line${count === 1 ? "" : "s"}`;
}

// Lines of anything, as stanzas: `isBlank` parts two, `sectionOf` names one.
export function stanzasOf(lines, { isBlank, sectionOf }) {
  const stanzas = [[]];
  for (const line of lines) {
    const section = sectionOf(line);
    if (isBlank(line) || (section && stanzas.at(-1).length)) stanzas.push([]);
    if (!isBlank(line)) stanzas.at(-1).push({ line, section });
  }
  return stanzas.filter((stanza) => stanza.length);
}

export function sectionIn(line) {
  return SECTION.exec(line.trim())?.[1] ?? null;
}

// Rebuilds the verse: a few dozen short lines, so simpler than keeping track, and quick enough for each frame.
export function showVerse(paper, text, { given = 0, caret = false } = {}) {
  const page = paper.ownerDocument;
  let place = 0;
  const lines = text.split("\n").map((words) => {
    const line = { words, given: Math.max(0, given - place) };
    place += words.length + 1;
    return line;
  });
  const stanzas = stanzasOf(lines, { isBlank: ({ words }) => !words.trim(), sectionOf: ({ words }) => sectionIn(words) });
  const blocks = stanzas.map((rows) => {
    const stanza = page.createElement("div");
    stanza.className = "stanza";
    stanza.append(...rows.map(({ line, section }) => rowOf(page, line, section)));
    return stanza;
  });
  if (caret) addCaret(page, blocks);
  paper.replaceChildren(...blocks);
}

// The words as an editor holds them, to be written on in the same place.
export function showText(paper, text, { given = 0, caret = false } = {}) {
  const page = paper.ownerDocument;
  paper.replaceChildren(...spansOf(page, text, given));
  if (caret) paper.append(caretOf(page));
}

function rowOf(page, { words, given }, section) {
  const row = Object.assign(page.createElement("p"), { dir: "auto" });
  if (section) row.className = "section-name";
  row.append(...(section ? spansOf(page, section, 0) : spansOf(page, words, given)));
  return row;
}

// What was given of a text, and what follows it.
function spansOf(page, text, given) {
  const parts = [[text.slice(0, given), "given"], [text.slice(given), ""]].filter(([words]) => words);
  return parts.map(([words, className]) => Object.assign(page.createElement("span"), { textContent: words, className }));
}

function addCaret(page, blocks) {
  if (!blocks.length) blocks.push(page.createElement("p"));
  (blocks.at(-1).lastElementChild ?? blocks.at(-1)).append(caretOf(page));
}

function caretOf(page) {
  return Object.assign(page.createElement("span"), { className: "caret" });
}
