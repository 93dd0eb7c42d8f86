"""A text that is stopped while a network writes it: what stays of it, and where."""

import re

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from generator.models import Lyric
from generator.services import writing
from tests.browser.conftest import sign_in
from tests.generator.live_site import live_site
from tests.generator.singing import singing_model
from tests.generator.tiny_models import publish
from tests.processes import Platform, wait_until

pytestmark = pytest.mark.browser

WRITE = reverse("generator:compose")


@pytest.fixture
def platform(browser, transactional_db, tmp_path, monkeypatch):
    """The site in this process, whose networks sing slowly."""
    monkeypatch.setattr(writing, "engine", writing.Engine())
    singing = singing_model()
    monkeypatch.setattr(writing, "load_model", lambda _: singing)
    with live_site() as address:
        yield Platform(tmp_path, address, environment={})


def begin_to_write(page: Page, user, **values) -> None:
    publish(user)
    sign_in(page, user)
    query = "&".join(f"{name}={value}" for name, value in {"prompt": "Oh+my", "lines": 40, "n": 1, **values}.items())
    page.goto(f"{WRITE}?{query}")
    page.get_by_role("button", name="Write").click()
    expect(page.locator("[data-progress]")).to_have_text(re.compile(r"line ([2-9]|\d\d) of"))


def stop(page: Page) -> str:
    page.get_by_role("button", name="Stop").click()
    sheet = page.locator("#sheet-text")
    expect(sheet).to_be_visible()
    return sheet.input_value()


def test_a_stopped_text_stands_in_the_history_and_is_one_lyric_when_it_is_kept(page: Page, user):
    begin_to_write(page, user)
    seen = stop(page)
    lyric = wait_until(Lyric.objects.first, what="the stopped text in the history")
    page.goto(f"{reverse('generator:lyric-list')}?history=true")
    card = page.locator(".lyric-card")
    expect(card).to_have_count(1)
    expect(card).to_contain_text("stopped")
    expect(card).to_contain_text(seen.splitlines()[0])

    page.go_back()
    expect(page.locator("[name=prompt]").first).to_have_value("Oh my")
    page.goto(lyric.get_absolute_url())
    expect(page.get_by_text("when you stopped it")).to_be_visible()
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("is kept.")).to_be_visible()
    assert Lyric.objects.get().is_kept


def test_keeping_a_stopped_text_on_its_page_makes_no_second_lyric(page: Page, user):
    begin_to_write(page, user)
    seen = stop(page)
    page.get_by_role("button", name="Keep this lyric").click()
    expect(page).to_have_url(re.compile(r"/lyrics/\w{12}/"))
    expect(page.get_by_text("nothing changed")).to_be_visible()
    wait_until(lambda: writing.engine.open_count == 0, what="the end of the work")
    lyric = wait_until(lambda: Lyric.objects.exclude(made_with={}).get(), what="its certificate")
    assert (lyric.is_kept, lyric.text, lyric.made_with["ending"]) == (True, seen.rstrip(), "stopped")
    assert page.url.endswith(lyric.get_absolute_url())


def test_of_versions_that_were_stopped_the_one_that_is_used_is_kept(page: Page, user):
    begin_to_write(page, user, n=3)
    stop(page)
    page.get_by_role("button", name="Use B").click()
    seen = page.locator("#sheet-text").input_value()
    page.get_by_label("Bookmark it").check()
    page.get_by_role("button", name="Keep this lyric").click()
    expect(page).to_have_url(re.compile(r"/lyrics/\w{12}/"))
    wait_until(lambda: Lyric.objects.count() == 3, what="the others in the history")
    kept = Lyric.objects.kept().get()
    assert (kept.text, kept.bookmarked) == (seen.rstrip(), True)


def test_the_page_comes_to_what_is_written_and_follows_it(page: Page, user):
    page.set_viewport_size({"width": 1280, "height": 600})
    begin_to_write(page, user)
    expect(page.locator("[data-progress]")).to_have_text(re.compile(r"line (1[5-9]|[23]\d) of"), timeout=30_000)
    expect(page.locator("[data-verse] .caret")).to_be_in_viewport()
    expect(page.get_by_role("button", name="Stop")).to_be_in_viewport()

    page.mouse.wheel(0, -300)  # who looks elsewhere is left there
    page.wait_for_timeout(300)
    place = page.evaluate("scrollY")
    line = page.locator("[data-progress]").text_content()
    expect(page.locator("[data-progress]")).not_to_have_text(line)
    assert page.evaluate("scrollY") == place


def test_a_single_text_is_written_where_it_will_be_changed(page: Page, user):
    begin_to_write(page, user)
    place = page.locator("[data-verse]").bounding_box()
    assert page.locator("[data-again]").evaluate("button => button.closest('[inert]') !== null")
    expect(page.get_by_label("The lyric, to be changed as you like")).to_be_hidden()
    expect(page.locator("[data-write]")).to_have_attribute("aria-disabled", "true")
    stop(page)
    sheet = page.locator("#sheet-text").bounding_box()
    scrolled = page.evaluate("scrollY")
    assert (sheet["x"], sheet["width"]) == (place["x"], place["width"])
    assert page.locator("[data-again]").evaluate("button => button.closest('[inert]') === null")
    expect(page.locator("[data-write]")).not_to_have_attribute("aria-disabled", "true")
    assert scrolled > 0
