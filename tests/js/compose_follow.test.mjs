import assert from "node:assert/strict";
import { test } from "node:test";

import { Follow } from "../../static/js/compose/follow.js";
import { element } from "./page.mjs";

function followed() {
  const place = { page: element(), now: 0, seen: 0 };
  place.follow = new Follow(place.page, { clock: () => place.now });
  place.caret = { scrollIntoView: () => (place.seen += 1) };
  return place;
}

test("the end of a text stays in sight, once the page has come to it", () => {
  const place = followed();
  place.follow.keep(place.caret);
  assert.equal(place.seen, 0);
  place.follow.begin();
  place.follow.keep(place.caret);
  assert.equal(place.seen, 0);
  place.now = 1000;
  place.follow.keep(place.caret);
  place.follow.keep(null);
  assert.equal(place.seen, 1);
});

test("who looks elsewhere is left alone until the next text", () => {
  for (const type of ["wheel", "touchmove", "keydown"]) {
    const place = followed();
    place.follow.begin();
    place.now = 2000;
    place.page.dispatchEvent({ type });
    place.follow.keep(place.caret);
    assert.equal(place.seen, 0);
    place.follow.begin();
    place.now = 4000;
    place.follow.keep(place.caret);
    assert.equal(place.seen, 1);
  }
});
