// Says the moments on a page in the reader's own time zone, in the words of the `when` filter.

const DAY = 86_400_000;

// Whole days between two local dates; noon keeps a change of the clock from counting as a day.
function daysBetween(earlier, later) {
  const noon = (moment) => new Date(moment.getFullYear(), moment.getMonth(), moment.getDate(), 12).getTime();
  return Math.round((noon(later) - noon(earlier)) / DAY);
}

export function sayWhen(moment, now) {
  const daysAgo = daysBetween(moment, now);
  const clock = `${moment.getHours()}:${String(moment.getMinutes()).padStart(2, "0")}`;
  if (daysAgo === 0 || daysAgo === 1) return `${daysAgo ? "yesterday" : "today"}, ${clock}`;
  if (daysAgo > 1 && daysAgo < 7) return moment.toLocaleDateString("en-GB", { weekday: "long" });
  const day = `${moment.getDate()} ${moment.toLocaleDateString("en-GB", { month: "long" })}`;
  return moment.getFullYear() === now.getFullYear() ? day : `${day} ${moment.getFullYear()}`;
}

export function sayMoments(part, { now = new Date() } = {}) {
  part.querySelectorAll("time[data-when]").forEach((element) => {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) return;
    element.textContent = sayWhen(moment, now);
    element.title = moment.toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
  });
}

if (globalThis.document) {
  sayMoments(document);
  // Fragments that htmx brings in carry the server's words until they are said again here.
  document.addEventListener("htmx:load", () => sayMoments(document));
}
