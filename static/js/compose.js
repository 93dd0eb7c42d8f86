// The writing page: binds what the modules in `compose/` do to what stands on it.

import { Columns } from "./compose/columns.js";
import { Desk } from "./compose/desk.js";
import { Follow } from "./compose/follow.js";
import { bindKeys } from "./compose/keys.js";
import { Offers } from "./compose/offers.js";
import { Papers } from "./compose/papers.js";
import { Past } from "./compose/past.js";
import { Probability } from "./compose/probability.js";
import { Seed } from "./compose/seed.js";
import { Server } from "./compose/server.js";
import { Sheet } from "./compose/sheet.js";
import { sayFold } from "./compose/summary.js";
import { Trouble } from "./compose/trouble.js";
import { UnknownWords } from "./compose/unknown_words.js";

function bindCompose(page, surroundings) {
  const find = (name) => page.querySelector(`[data-${name}]`);
  const form = find("compose");
  const { generateUrl, unknownWordsUrl } = form.dataset;
  const csrfToken = () => form.elements.csrfmiddlewaretoken.value;
  const server = new Server({ fetch: surroundings.fetch, generateUrl, unknownWordsUrl, csrfToken });
  const desk = bindDesk(form, find, { page, server, ...surroundings });

  const list = find("offers");
  if (list) new Offers(form, { list, chosen: find("chosen-offer"), search: find("offer-search"), none: find("offer-none"), page });
  const model = () => form.elements.model.value;
  const words = new UnknownWords(form.querySelector("[name=prompt]"), { mirror: find("mirror"), says: find("unknown-words"), server, model, page, later: surroundings.later });
  form.addEventListener("change", ({ target }) => target.name === "model" && words.askSoon());
  form.addEventListener("input", () => sayFold(form, find("compose-summary")));
  bindKeys(page, { desk, dialog: find("keys"), open: find("keys-open") });
}

function bindDesk(form, find, { page, server, ...surroundings }) {
  const past = new Past(find("undo"));
  const seed = new Seed(form.querySelector("[name=seed]"), { forget: find("forget-seed"), roll: find("roll") });
  const columns = new Columns(find("candidates"), find("candidate-template"), { onUse: (index) => desk.use(index) });
  const follow = new Follow(page, surroundings);
  const papers = new Papers(find("verse"), columns, { say: (...words) => desk.say(...words), follow, ...surroundings });
  const trouble = new Trouble(find("trouble"), form, { page, ...surroundings });
  const sheet = new Sheet(find("sheet"), find("result"), {
    clock: surroundings.clock,
    onEdit: (state) => desk.remember(state),
    onChange: () => probability.hide(),
  });
  const probability = new Probability(find("colour"), {
    sheet,
    coloured: find("coloured"),
    panel: find("probability"),
    server,
    page,
    onTrouble: (found) => trouble.show(desk.meaningOf(found)),
  });
  const desk = new Desk(form, find("desk"), { server, past, seed, columns, papers, follow, trouble, sheet, ...surroundings });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.submitter?.matches("[data-continue]")) desk.goOn();
    else if (event.submitter?.matches("[data-again]")) desk.again();
    else desk.write(event.submitter);
  });
  find("stop").addEventListener("click", () => desk.stop());
  find("undo").addEventListener("click", () => desk.undo());
  return desk;
}

const still = matchMedia("(prefers-reduced-motion: reduce)");
bindCompose(document, {
  fetch: window.fetch.bind(window),
  clock: () => performance.now(),
  nextFrame: window.requestAnimationFrame.bind(window),
  // A page in the background gets no frames, and must not wait for them.
  isStill: () => still.matches || document.hidden,
  history: window.history,
  later: (act, milliseconds) => {
    const timer = setTimeout(act, milliseconds);
    return () => clearTimeout(timer);
  },
  everySecond: (act) => {
    const timer = setInterval(act, 1000);
    return () => clearInterval(timer);
  },
});
