"""Pictures of every page at two widths and in both themes, into a folder for a person to look at.

They also prove that no page scrolls sideways and that none breaks on real data.
"""

import os
from pathlib import Path

import pytest
from django.urls import reverse

from tests.browser.conftest import sign_in
from tests.dirty_songs import ALL, dirty_table
from tests.showroom import furnish, repaired_dataset

pytestmark = [pytest.mark.browser, pytest.mark.worker]

FOLDER = Path(os.environ.get("SCREENSHOTS", "var/screenshots"))
WIDTHS = {"wide": 1280, "narrow": 390}


def pages(room) -> dict[str, str]:
    return {
        "home": reverse("home"),
        "account": reverse("account"),
        "datasets": reverse("training:dataset-list"),
        "dataset-add": reverse("training:dataset-create"),
        "dataset": room.dataset.get_absolute_url(),
        "dataset-failed": room.failed_dataset.get_absolute_url(),
        "song": reverse("training:song-detail", args=[room.dataset.pk, room.dataset.songs.first().pk]),
        "train": reverse("training:run-create", args=[room.dataset.pk]),
        "runs": reverse("training:run-list"),
        "run-succeeded": room.succeeded.get_absolute_url(),
        "run-failed": room.failed.get_absolute_url(),
        "run-queued": room.queued.get_absolute_url(),
        "run-paused": room.paused.get_absolute_url(),
        "compare": reverse("training:dataset-compare", args=[room.dataset.pk]),
        "compare-nothing": reverse("training:run-compare"),
        "race-create": reverse("training:race-create", args=[room.dataset.pk]),
        "race": room.race.get_absolute_url(),
        "races": reverse("training:race-list"),
        "side-by-side": f"{reverse('generator:side-by-side')}?model={room.model.pk}&prompt=Oh+my&seed=4&temperature=1",
        "models": reverse("training:model-list"),
        "model": room.model.get_absolute_url(),
        "write": f"{reverse('generator:compose')}?model={room.model.pk}",
        "lyrics": reverse("generator:lyric-list"),
        "lyrics-found": f"{reverse('generator:lyric-list')}?search=lantern",
        "history": f"{reverse('generator:lyric-list')}?history=true",
        "lyric": room.lyric.get_absolute_url(),
        "collections": reverse("generator:collection-list"),
        "collection": room.collection.get_absolute_url(),
        "shared-lyric": room.lyric.get_shared_url(),
        "shared-collection": room.collection.get_shared_url(),
    }


def pages_of_repairing(dataset) -> dict[str, str]:
    def address(name: str) -> str:
        return reverse(f"training:{name}", args=[dataset.pk])

    return {
        "dataset-dirty": dataset.get_absolute_url(),
        "dataset-mapping": address("dataset-mapping"),
        "songs-left-out": f"{address('song-list')}?excluded=left_out",
        "copies": address("duplicate-list"),
        "versions": address("version-list"),
        "versions-compared": f"{address('version-compare')}?older=1&newer=3",
        "combine": f"{reverse('training:dataset-combine')}?from={dataset.pk}",
    }


@pytest.fixture
def room(user, platform):
    return furnish(user)


def take(page, name: str) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for width_name, width in WIDTHS.items():
        for theme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            page.wait_for_timeout(150)  # a chart redraws itself after a change of size
            page.screenshot(path=FOLDER / f"{name}-{width_name}-{theme}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1"), f"{name} at {width}"


def test_every_page_can_be_looked_at(page, room, user):
    for name, address in (("visitor", "/"), ("sign-in", reverse("login")), ("sign-up", reverse("sign-up"))):
        page.goto(address)
        take(page, name)
    sign_in(page, user)
    for name, address in pages(room).items():
        answer = page.goto(address, wait_until="load")
        assert answer.status == 200, name
        take(page, name)


def test_the_operators_page_can_be_looked_at(page, room, staff_user):
    sign_in(page, staff_user)
    assert page.goto(reverse("admin:training_worker_changelist"), wait_until="load").status == 200
    take(page, "operations")


def test_every_page_of_repairing_can_be_looked_at(page, platform, user):
    dataset = repaired_dataset(user)
    sign_in(page, user)
    for name, address in pages_of_repairing(dataset).items():
        answer = page.goto(address, wait_until="load")
        assert answer.status == 200, name
        take(page, name)

    page.goto(reverse("training:dataset-create"))
    table = dirty_table(ALL, encoding="windows-1252")
    page.get_by_label("Song files").set_input_files({"name": "scraped.csv", "mimeType": "text/csv", "buffer": table})
    page.get_by_text("Looks like").wait_for()
    open_folds(page)
    take(page, "dataset-add-preview")

    song = dataset.songs_in_use().get(title="Iron Orchard")
    page.goto(reverse("training:song-detail", args=[dataset.pk, song.pk]))
    open_folds(page)
    take(page, "song-open")


def open_folds(page) -> None:
    page.evaluate("document.querySelectorAll('details:not(.menu)').forEach((fold) => { fold.open = true; })")
