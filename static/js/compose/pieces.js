// What the network thought of each piece that it wrote, in numbers and words.

const STEPS = [0.5, 0.1, 0.01, 0.001]; // at least so likely; what is rarer than all of them is the last step

export function stepOf(probability) {
  const step = STEPS.findIndex((atLeast) => probability >= atLeast);
  return step < 0 ? STEPS.length : step;
}

export function sayPercent(probability) {
  if (probability >= 0.1) return `${Math.round(100 * probability)} %`;
  if (probability >= 0.001) return `${(100 * probability).toFixed(1)} %`;
  return "under 0.1 %";
}

// How a piece is called where it is not seen.
export function nameOf(text) {
  if (text.includes("\ufffd")) return "a word it does not know";
  if (text.trim()) return text.trim();
  if (text.includes("\n\n")) return "a new stanza";
  if (text.includes("\n")) return "a new line";
  return text ? "a blank" : "the end";
}

// The lines of a text: what was given, and after it the pieces; a piece without text is a break that shows later.
export function linesOfPieces(given, pieces) {
  const lines = given.split("\n").map((text) => (text ? [{ text, index: null }] : []));
  inReadingOrder(pieces).forEach(({ text, index }) => {
    text.split("\n").forEach((part, turn) => {
      if (turn > 0) lines.push([]);
      if (part || text === "") lines.at(-1).push({ text: part, index });
    });
  });
  return lines;
}

// Where lines are written from their end, a line comes whole with the break behind it: then its pieces as one reads them.
export function inReadingOrder(pieces) {
  const parts = [];
  let waiting = [];
  pieces.forEach((piece, index) => {
    if (waits(piece)) return waiting.unshift({ token: piece.token, index });
    parts.push(...partsOfLine(piece.text, waiting, index));
    waiting = [];
  });
  return parts;
}

function waits({ text, token }) {
  return text === "" && Boolean(token) && !token.includes("\n");
}

// A line cut where its pieces stand, with what is left for the break behind it; uncut where a piece is not found.
function partsOfLine(text, pieces, behind) {
  const parts = [];
  let place = 0;
  for (const { token, index } of pieces) {
    const end = endOf(token, text, place);
    if (end < 0) return [{ text, index: behind }];
    parts.push({ text: text.slice(place, end), index });
    place = end;
  }
  return [...parts, { text: text.slice(place), index: behind }];
}

// Where `token` ends that stands in `text` at `from`, but for blanks before it; -1 if it does not.
function endOf(token, text, from) {
  const letters = token.trim();
  if (!letters) return /\s/.test(text.charAt(from)) ? from + 1 : -1;
  const begin = from + text.slice(from).search(/\S/);
  const end = begin + letters.length;
  return text.slice(begin, end).toLowerCase() === letters.toLowerCase() ? end : -1;
}

// The likeliest pieces in one place, the one that was written among them: [{text, probability, isWritten}, …].
// `token` is a piece by itself: a break has no text until something follows.
export function alternativesOf({ token, log_probability, alternatives }) {
  const found = alternatives.map((one) => ({ text: one.text, probability: Math.exp(one.log_probability), isWritten: false }));
  const likeness = (one) => Math.abs(one.probability - Math.exp(log_probability));
  // Two pieces may read the same (two kinds of break): the one of this probability is the one that was written.
  const same = found.filter((one) => one.text === token && likeness(one) < 1e-4);
  if (same.length) same[0].isWritten = true;
  else found.push({ text: token, probability: Math.exp(log_probability), isWritten: true });
  return found.sort((one, other) => other.probability - one.probability);
}

// The geometric mean: what the network gave each piece, taken over all of them.
export function meanProbability(pieces) {
  const sum = pieces.reduce((total, { log_probability }) => total + log_probability, 0);
  return pieces.length ? Math.exp(sum / pieces.length) : 1;
}

// Most pieces show nothing by themselves where lines are written from their end.
export function isWrittenBackwards(pieces) {
  return pieces.filter(waits).length > pieces.length / 2;
}
