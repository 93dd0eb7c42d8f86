"""A race by a person: choose the cells, start it, watch it end, read what each writes."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.browser.test_journey import SOON
from tests.songs import make_ready_dataset
from training.models import Race

pytestmark = [pytest.mark.browser, pytest.mark.worker]


def start_a_small_race(page: Page) -> None:
    page.get_by_role("link", name="Start a race").click()
    page.locator("[name=architectures][value=lstm]").uncheck()
    page.get_by_label("How much", exact=True).fill("12,000")
    page.locator("[name=seeds][value='1']").check()
    page.get_by_text("More settings").click()
    page.get_by_label("Hidden size", exact=True).fill("48")
    page.get_by_role("button", name="Start the race").click()


def test_a_race_from_the_form_shows_its_runs_its_curves_and_what_each_writes(page: Page, user):
    dataset = make_ready_dataset(user)
    sign_in(page, user)
    page.goto(dataset.get_absolute_url())
    start_a_small_race(page)

    expect(page.get_by_role("heading", name="RNN and GRU on Small songs", exact=True)).to_be_visible()
    for run in Race.objects.get().runs.all():
        expect(page.get_by_role("link", name=run.name)).to_be_visible()
    expect(page.locator("#race-now")).to_contain_text("Finished", timeout=2 * SOON)
    expect(page.get_by_role("region", name="Curves").locator(".plot path.curve")).to_have_count(2)
    expect(page.locator("#comparison")).to_contain_text("Nats per character")
    expect(page.locator("#comparison dl").last).to_contain_text(re.compile(r"same order\s+yes"))

    page.get_by_role("link", name="Time", exact=True).click()
    expect(page.get_by_role("region", name="Curves").locator(".axis-name")).to_contain_text("by time")
    assert page.url.endswith("?by=seconds")

    page.get_by_role("textbox", name="First line").fill("Oh my lantern")
    page.get_by_role("button", name="Have each write on").click()
    verses = page.locator("#verses .candidate")
    expect(verses).to_have_count(2)
    expect(verses.first).to_contain_text("Oh my lantern")
