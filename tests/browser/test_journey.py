"""First light, by a person: sign up, bring songs, train, watch, write, stop, save, bookmark, find it again."""

import csv
import io
import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import sign_in
from tests.conftest import PASSWORD
from tests.processes import wait_until
from tests.songs import make_ready_dataset, small_songs
from training.models import Worker
from training.services import runs

pytestmark = [pytest.mark.browser, pytest.mark.worker]

BRIEF = {
    "threads": 1,
    "hidden_size": 48,
    "embedding_size": 24,
    "sequence_length": 32,
    "batch_size": 8,
    "steps": 150,
    "evaluations": 3,
}
ENDLESS = {**BRIEF, "steps": 500_000, "epochs": 1000, "patience": 0}
SOON = 60_000  # milliseconds: what should happen soon, on a machine that may be slow


def songs_as_csv() -> bytes:
    """A table with a column order of its own, a copy of its first song and a row without words."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(["Song", "Artist", "Genre", "Lyrics"])
    songs = small_songs()
    for song in [*songs, songs[0]]:
        table.writerow([song["title"], song["artist"], song["genre"], song["text"]])
    table.writerow(["Silence", "Nobody", "folk", ""])
    return out.getvalue().encode("utf-8-sig")


def sign_up(page: Page, name: str) -> None:
    page.goto("/")
    page.get_by_role("link", name="Sign up").first.click()
    page.get_by_label("Username").fill(name)
    page.locator("[name=password1]").fill(PASSWORD)
    page.locator("[name=password2]").fill(PASSWORD)
    page.locator("[name=password2]").press("Enter")
    expect(page.get_by_text("Your next step")).to_be_visible()


def add_songs(page: Page) -> None:
    page.goto("/datasets/add/")
    page.get_by_label("Song file").set_input_files(
        {"name": "harbour.csv", "mimeType": "text/csv", "buffer": songs_as_csv()}
    )
    expect(page.get_by_text("Looks like")).to_be_visible()
    expect(page.locator(".preview-song").first).to_contain_text("I went down to the river in the night")
    page.get_by_label("Name", exact=True).fill("Harbour songs")
    page.get_by_role("button", name="Import these songs").click()
    expect(page.get_by_role("link", name="Train on these")).to_be_visible(timeout=SOON)


def start_brief_run(page: Page) -> None:
    page.get_by_role("link", name="Train on these").click()
    page.locator("[name=architecture][value=gru]").check()
    page.get_by_text("Every setting").click()
    for name, value in BRIEF.items():
        page.locator(f"input[name={name}]").fill(str(value))
    page.get_by_role("button", name="Start training").click()


def test_a_song_file_becomes_a_bookmarked_lyric(page: Page):
    sign_up(page, "newcomer")
    add_songs(page)
    expect(page.locator("main")).to_contain_text("26 records read")

    start_brief_run(page)
    expect(page.get_by_role("link", name="Write with it")).to_be_visible(timeout=2 * SOON)
    expect(page.locator("#h-progress")).to_contain_text("Finished")
    expect(page.locator("main canvas")).to_be_visible()

    page.get_by_role("link", name="Write with it").click()
    page.get_by_label("First line").fill("Oh my lantern")
    page.get_by_role("button", name="Write", exact=False).first.click()
    sheet = page.locator("#sheet-text")
    expect(sheet).to_be_visible(timeout=SOON)
    expect(sheet).to_have_value(re.compile("Oh my lantern"))

    page.locator("#sheet-title").fill("Lantern, first light")
    sheet.fill(sheet.input_value() + "\nAnd one line of my own")
    page.get_by_label("Bookmark it").check()
    page.get_by_role("button", name="Keep this lyric").click()
    expect(page.get_by_text("And one line of my own").first).to_be_visible()

    page.goto("/lyrics/?bookmarked=true")
    expect(page.get_by_role("link", name="Lantern, first light")).to_be_visible()
    page.get_by_role("button", name="Bookmark").click()
    expect(page.get_by_role("button", name="Bookmark")).to_have_attribute("aria-pressed", "false")


def test_a_running_training_shows_itself_and_is_cancelled(page: Page, user):
    run = runs.start_run(
        owner=user, dataset=make_ready_dataset(user), architecture="lstm", preset="tiny", overrides=ENDLESS
    )
    sign_in(page, user)
    page.goto(run.get_absolute_url())
    expect(page.locator("#h-progress")).to_contain_text("Running", timeout=SOON)
    expect(page.locator(".meter-text")).to_contain_text("step", timeout=SOON)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#h-progress")).to_contain_text("Cancelled", timeout=SOON)


def test_a_page_says_that_no_worker_listens(page: Page, platform, user):
    for name in ("training", "imports"):
        platform.stop(name)
    wait_until(lambda: not Worker.objects.alive().exists(), what="the workers' farewell")
    run = runs.start_run(owner=user, dataset=make_ready_dataset(user), architecture="rnn", preset="tiny")
    sign_in(page, user)
    page.goto(run.get_absolute_url())
    expect(page.get_by_text("No worker is listening")).to_be_visible()
    expect(page.get_by_text("celery -A lyricsite worker -Q training")).to_be_visible()
