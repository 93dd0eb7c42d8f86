"""Whoever goes through a page by the keyboard sees where they are: a ring, or the line under a title, whole."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from generator.services import collections, lyrics, sharing
from tests.browser.conftest import sign_in
from tests.generator.tiny_models import publish
from tests.processes import running_platform

pytestmark = pytest.mark.browser

MOST_STOPS = 120

# What has the focus, and what is wrong with how it shows that. A control that is unseen itself shows it on its label.
WHERE_AM_I = """() => {
  const control = document.activeElement;
  if (!control || control === document.body) return null;
  const ringOf = (element) => {
    const { outlineStyle, outlineWidth, outlineOffset } = getComputedStyle(element);
    return outlineStyle === "none" ? 0 : parseFloat(outlineWidth) + parseFloat(outlineOffset);
  };
  const isUnseen = getComputedStyle(control).opacity === "0";
  const holder = isUnseen || !ringOf(control) ? control.closest("label") ?? control : control;
  const ring = ringOf(holder);
  const troubles = [];
  const isPlain = (element) => getComputedStyle(element).outlineStyle === "none";
  if (isPlain(holder) && getComputedStyle(control).boxShadow === "none") troubles.push("no ring");
  const { left, right, top, bottom } = holder.getBoundingClientRect();
  const isCutBy = (box) => left - ring < box.left - 0.5 || right + ring > box.right + 0.5;
  if (isCutBy({ left: 0, right: document.documentElement.clientWidth })) troubles.push("cut by the window");
  for (let around = holder.parentElement; around !== document.body; around = around.parentElement) {
    if (getComputedStyle(around).overflowX === "visible") continue;
    const box = around.getBoundingClientRect();
    const isTooHigh = top - ring < box.top - 0.5 || bottom + ring > box.bottom + 0.5;
    if (isCutBy(box) || isTooHigh) troubles.push(`cut by ${around.className}`);
  }
  return { name: control.getAttribute("aria-label") ?? control.textContent.trim() ?? control.name, troubles };
}"""


@pytest.fixture
def platform(browser, transactional_db, tmp_path_factory):
    with running_platform(tmp_path_factory.mktemp("p"), workers=False) as platform:
        yield platform


def go_through(page: Page) -> dict[str, list[str]]:
    """What is wrong with how the controls of a page show that they have the focus, by their names."""
    page.evaluate("document.querySelectorAll('details:not(.menu)').forEach((fold) => { fold.open = true; })")
    page.evaluate("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')")
    found, stops = {}, 0
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        page.wait_for_timeout(30)  # a ring is drawn in the next frame
        here = page.evaluate(WHERE_AM_I)
        if here is None:
            break
        stops += 1
        if here["troubles"]:
            found[here["name"]] = here["troubles"]
    assert stops > 10
    return found


@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_for_writing_shows_what_has_the_focus(page: Page, user, width):
    publish(user)
    publish(user, name="Harbour GRU", architecture="gru")
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(reduced_motion="reduce")
    sign_in(page, user)
    page.goto(f"{reverse('generator:compose')}?prompt=Oh+my&lines=2&n=3&seed=41")
    page.get_by_role("button", name="Write").click()
    expect(page.locator("#sheet-text")).to_be_visible()
    assert go_through(page) == {}


@pytest.mark.parametrize("width", [1440, 390])
def test_the_pages_of_lyrics_show_what_has_the_focus(page: Page, user, width):
    kept = lyrics.save_lyric(user=user, text="Oh my letter\nOh my home", title="Home", tags=["slow"])
    user.lyrics.create(text="A draft", kept_at=None)
    folder = collections.create_collection(user=user, name="Sea songs")
    collections.add_lyric(collection=folder, lyric=kept)
    sharing.share(kept)
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(reduced_motion="reduce")
    sign_in(page, user)
    shelf = reverse("generator:lyric-list")
    for address in (
        f"{shelf}?export=true",
        f"{shelf}?history=true",
        kept.get_absolute_url(),
        reverse("generator:collection-list"),
        folder.get_absolute_url(),
    ):
        page.goto(address)
        assert go_through(page) == {}, address
