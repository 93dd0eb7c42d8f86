// What goes out: the form as the API takes it.

export const PROMPT_BYTES = 4096;
const ALTERNATIVES = 5;

const READ = {
  number: (text) => Number(text),
  text: (text) => text,
  // One text a line; \n in one stands for the end of a line.
  texts: (text) => text.split(/\r?\n/).filter(Boolean).map((line) => line.replaceAll("\\n", "\n")),
};
const WRITE = { number: (value) => [value], text: (value) => [value], texts: (values) => values.map((text) => text.replaceAll("\n", "\\n")) };

// What a form asks for: {name: kind} of each sampling value that it has a field for.
export function kindsOf(form) {
  const kinds = {};
  for (const control of form.querySelectorAll("[data-recipe]")) kinds[control.name] = control.dataset.recipe;
  return kinds;
}

export function requestOf(data, kinds, { randomSeed }) {
  const recipe = {};
  for (const [name, kind] of Object.entries(kinds)) {
    const text = data.getAll(name).at(-1); // the field comes first, a button that names a seed after it
    recipe[name] = text === "" || text === undefined || text === null ? undefined : READ[kind](text);
  }
  recipe.seed ??= randomSeed();
  return { model: data.get("model"), prompt: data.get("prompt"), ...recipe, stream: true };
}

export function recipeOf({ model, prompt, stream, alternatives, ...recipe }) {
  return recipe;
}

// The same text once more, with what the network thought of each piece.
export function explainedRequest(asked) {
  return { ...asked, n: 1, stream: false, alternatives: ALTERNATIVES };
}

// The address of a page whose form holds what was asked.
export function addressOf(asked, kinds) {
  const address = new URLSearchParams({ model: asked.model, prompt: asked.prompt });
  for (const [name, value] of Object.entries(recipeOf(asked))) {
    if (value === undefined || !(name in kinds)) continue;
    WRITE[kinds[name]](value).forEach((text) => address.append(name, text));
  }
  return address;
}

// A long text is gone on with from its end: [what stays as it is, the whole lines that are sent].
export function headAndTail(text, { limit = PROMPT_BYTES, encoder = new TextEncoder() } = {}) {
  let start = lineAfter(text, Math.max(0, text.length - limit)); // a character is a byte or more
  while (encoder.encode(text.slice(start)).length > limit) start = lineAfter(text, start + 1);
  return [text.slice(0, start), text.slice(start)];
}

// Where the first line begins that begins at or after `from`; in a text without such a line, a whole character.
function lineAfter(text, from) {
  if (from === 0 || text[from - 1] === "\n") return from;
  const end = text.indexOf("\n", from);
  if (end >= 0 && end < text.length - 1) return end + 1;
  const isHalf = text.charCodeAt(from) >= 0xdc00 && text.charCodeAt(from) <= 0xdfff;
  return isHalf ? from + 1 : from;
}
