// Shows how a song file will be read while a person chooses it, and again after each change.
//
//   <form data-song-preview="URL"> … <div data-preview></div> </form>

const PREVIEW_BYTES = 4 * 1024 * 1024; // the beginning is enough to show, unless the index stands at the end (ZIP)
const NEW_LINE = 0x0a;

// The file's beginning, cut after a whole line so that no letter is cut in two; small files and archives as they are.
export async function beginningOf(file, limit = PREVIEW_BYTES) {
  const head = new Uint8Array(await file.slice(0, 4).arrayBuffer());
  const isZip = head[0] === 0x50 && head[1] === 0x4b;
  const isGzip = head[0] === 0x1f && head[1] === 0x8b;
  const isArchive = isZip || isGzip;
  if (isArchive || file.size <= limit) return file;
  const bytes = new Uint8Array(await file.slice(0, limit).arrayBuffer());
  const end = bytes.lastIndexOf(NEW_LINE);
  return new File([bytes.subarray(0, end > 0 ? end : limit)], file.name);
}

// What to send after `changed`: another file starts afresh, another way to read it keeps no column.
export async function question(form, changed, limit = PREVIEW_BYTES) {
  const fields = new FormData(form);
  const isNewFile = changed?.type === "file";
  const columns = [...fields.keys()].filter((name) => name.startsWith("column_"));
  const reading = ["format", "encoding", "found_encoding", "delimiter", "separator", "title_line"];
  if (isNewFile || reading.includes(changed?.name)) columns.forEach((name) => fields.delete(name));
  if (isNewFile) reading.forEach((name) => fields.delete(name));
  if (changed?.name === "format") ["delimiter", "separator"].forEach((name) => fields.delete(name));
  const files = fields.getAll("file").filter((file) => file instanceof File);
  fields.delete("file");
  for (const file of files) fields.append("file", await beginningOf(file, limit / files.length));
  fields.set("look", "part");
  return fields;
}

export function nameFromFile(fileName) {
  return fileName.replace(/\.gz$/i, "").replace(/\.[^.]+$/, "").replace(/[_-]+/g, " ").trim().slice(0, 120);
}

export function bindPreview(form, { fetch = globalThis.fetch.bind(globalThis), delay = 300 } = {}) {
  const place = form.querySelector("[data-preview]");
  const name = form.elements.namedItem("name");
  const file = form.elements.namedItem("file");
  let asked = null;

  form.querySelector("[data-look-button]")?.remove(); // looking happens by itself here

  async function look(changed) {
    asked?.abort();
    const mine = new AbortController();
    asked = mine;
    const slow = setTimeout(() => place.setAttribute("aria-busy", "true"), delay);
    try {
      const body = await question(form, changed);
      const answer = await fetch(form.dataset.songPreview, { method: "POST", body, signal: mine.signal });
      if (!answer.ok) throw new Error(String(answer.status));
      const fragment = await answer.text();
      if (mine.signal.aborted) return;
      const focused = document.activeElement?.id;
      const open = [...place.querySelectorAll("details[open]")].map((fold) => fold.dataset.fold);
      place.innerHTML = fragment; // the server's own markup, everything in it escaped there
      for (const name of open) place.querySelector(`details[data-fold="${name}"]`)?.setAttribute("open", "");
      if (focused) document.getElementById(focused)?.focus();
    } catch (error) {
      if (error.name !== "AbortError") sayNothingToShow(place);
    } finally {
      clearTimeout(slow);
      if (asked === mine) place.removeAttribute("aria-busy");
    }
  }

  form.addEventListener("change", ({ target }) => {
    const isFile = target === file;
    if (isFile && file.files.length && name && !name.value) name.value = nameFromFile(file.files[0].name);
    if (isFile ? file.files.length : place.contains(target)) look(target);
  });
  if (file?.files.length) look(file); // the browser kept the choice over a reload
}

function sayNothingToShow(place) {
  const words = document.createElement("p");
  words.className = "muted";
  words.setAttribute("role", "status");
  words.textContent = "The preview can't be shown right now. The file can be imported all the same.";
  place.replaceChildren(words);
}

if (globalThis.document) document.querySelectorAll("form[data-song-preview]").forEach((form) => bindPreview(form));
