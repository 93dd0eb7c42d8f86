"""A training is put aside and taken up again by a person who watches it."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import sign_in
from tests.processes import wait_until
from tests.showroom import ENDLESS
from tests.songs import make_ready_dataset
from training.services import runs

pytestmark = [pytest.mark.browser, pytest.mark.worker]


def step_of(run) -> int:
    run.refresh_from_db()
    return run.step


def test_a_person_pauses_a_training_and_resumes_it_where_it_stood(page, platform, user):
    dataset = make_ready_dataset(user)
    run = runs.start_run(owner=user, dataset=dataset, architecture="gru", preset="tiny", overrides=ENDLESS)
    sign_in(page, user)
    page.goto(run.get_absolute_url())
    expect(page.get_by_role("heading", name="Running")).to_be_visible(timeout=60_000)
    wait_until(lambda: step_of(run) > 100, what="a hundred steps")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("heading", name="Paused")).to_be_visible(timeout=60_000)
    stood_at = step_of(run)
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("heading", name="Running")).to_be_visible(timeout=60_000)
    wait_until(lambda: step_of(run) > stood_at, what="further steps")
    page.get_by_text("Attempts").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Cancelled")).to_be_visible(timeout=60_000)
    assert f"Goes on from step {stood_at}." in page.content()
