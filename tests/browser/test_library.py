"""What a songwriter does with what was written: keep, collect, order, share, take back, write again."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from generator.models import Lyric
from generator.recipe import Recipe
from generator.services import collections, history, lyrics, sharing, writing
from tests.browser.conftest import sign_in
from tests.browser.test_screenshots import open_folds, take
from tests.generator.tiny_models import publish
from tests.processes import running_platform
from training.language_model.serving_files import MANIFEST_FILE
from training.models import Checkpoint

pytestmark = pytest.mark.browser

LYRICS = reverse("generator:lyric-list")
SONGS = [
    ("Folding Its Light", "The last ferry is folding its light\nI left my name on the ticket rail\n"
     "You said the tide would be home by night\nAnd all I got was the smell of the gale\n\n"
     "[Chorus]\nFold it small, fold it slow\nNothing that shines has far to go", ["sea", "slow"]),
    ("Paper Lantern Weather", "Every street was a kettle of steam\nWe carried the dark like a borrowed chair",
     ["for June"]),
    ("What the Bees Kept", "They kept the door, they kept the year\nThey kept the sound the orchard made", ["slow"]),
    ("A Very Long Title That Somebody Gave to a Song About a Very Short Street in the Rain",
     "Number four has the radio on\nNumber six has the cat in the sill",
     ["unfinished", "a-tag-as-long-as-a-tag-may-be-in-any-wa"]),
    ("", "Words" + "without" * 30 + "end\nHigh at seven, low at one", []),
]  # fmt: skip


@pytest.fixture
def platform(browser, transactional_db, tmp_path_factory):
    """A web server on the test's database; nothing here needs a worker."""
    with running_platform(tmp_path_factory.mktemp("p"), workers=False) as platform:
        yield platform


@pytest.fixture
def model(user):
    return publish(user, name="Harbour LSTM")


def written(user, model, **values) -> list[Lyric]:
    recipe = Recipe(**{"seed": 41, "max_tokens": 60, "n": 2} | values)
    generation = writing.generate(user=user, model=model, prompt="The river\n", recipe=recipe)
    return history.note(user=user, generation=generation)


def kept(user, model) -> list[Lyric]:
    made = []
    for number, (title, text, tags) in enumerate(SONGS):
        lyric = lyrics.save_lyric(user=user, title=title, text=text, tags=tags, model=model, bookmarked=number == 0)
        made.append(lyric)
    return made


def test_a_draft_is_kept_collected_ordered_and_shared(page, context, browser, user, model):
    first, second = written(user, model)
    sign_in(page, user)
    page.goto(f"{LYRICS}?history=true")
    page.get_by_role("button", name="Keep").first.click()
    expect(page.get_by_text("is kept.")).to_be_visible()

    page.goto(first.get_absolute_url())
    for name in ("June’s record", ""):  # the second time it is there to choose
        page.get_by_text("Add to a collection").click()
        page.get_by_label("Name of a new one").fill(name)
        if not name:
            page.get_by_label("Collection", exact=True).select_option(label="June’s record")
        page.get_by_role("button", name="Add").click()
    page.goto(second.get_absolute_url())
    page.get_by_text("Add to a collection").click()
    page.get_by_label("Collection", exact=True).select_option(label="June’s record")
    page.get_by_role("button", name="Add").click()
    page.get_by_role("link", name="June’s record").click()

    entries = page.locator(".collection-entry")
    expect(entries).to_have_count(3)
    last = entries.nth(2).get_attribute("id")
    entries.nth(2).get_by_role("button", name="up").click()
    expect(entries.nth(1)).to_have_id(last)
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("Whoever has this link reads it").input_value()

    stranger = browser.new_context().new_page()
    stranger.goto(link)
    expect(stranger.get_by_role("heading", name="June’s record")).to_be_visible()
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("shows nothing any more").first).to_be_visible()
    assert stranger.goto(link).status == 404
    stranger.context.close()


def test_a_lyric_is_written_again_and_compared(page, user, model):
    lyric, _ = written(user, model)
    sign_in(page, user)
    page.goto(lyric.get_absolute_url())
    page.get_by_role("button", name="Reproduce").click()
    expect(page.get_by_text("The same, letter for letter.")).to_be_visible()


def test_what_is_ticked_is_taken_along_as_a_file(page, user, model):
    kept(user, model)
    sign_in(page, user)
    page.goto(f"{LYRICS}?tag=slow")
    page.get_by_role("link", name="Export").click()
    expect(page.get_by_text("All 2 lyrics here, or those you tick")).to_be_visible()
    page.get_by_label("Take What the Bees Kept along").check()
    expect(page.get_by_text("1 lyric ticked")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Text").click()
    assert download.value.path().read_text().startswith("What the Bees Kept\n\nThey kept the door")
    page.goto(Lyric.objects.get(title="Folding Its Light").get_absolute_url())
    page.get_by_text("Export").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="JSON").click()
    assert download.value.suggested_filename == "folding-its-light.json"
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="JSON")).to_be_hidden()


def models_that_cannot_write(user) -> list[Checkpoint]:
    """One that waits for a worker, and one that never will write."""
    waiting, refused = publish(user, name="Brought from the harbour"), publish(user, name="Too loud for this place")
    for model in (waiting, refused):
        model.manifest["files"].pop(MANIFEST_FILE)
        model.save(update_fields=["manifest"])
    refused.serving_error = "Its weights hold a value that is not a number."
    refused.save(update_fields=["serving_error"])
    return [waiting, refused]


def test_every_page_of_keeping_can_be_looked_at(page, user, model):
    collection = collections.create_collection(user=user, name="June’s record", description="Eleven songs and a hum.")
    collections.create_collection(user=user, name="Wordswithout" * 9)
    for lyric in kept(user, model):
        collections.add_lyric(collection=collection, lyric=lyric)
    written(user, model)
    draft = written(user, model, seed=7)[0]
    altered = written(user, model, seed=9)[0]
    Lyric.objects.filter(pk=altered.pk).update(generated_text="The river\nruns dry", made_with={"processor": "Z80"})
    own = Lyric.objects.get(title="Folding Its Light")
    for thing in (own, collection):
        sharing.share(thing)
    waiting, refused = models_that_cannot_write(user)
    sign_in(page, user)
    pages = {
        "models-waiting": reverse("training:model-list"),
        "model-waiting": waiting.get_absolute_url(),
        "model-refused": refused.get_absolute_url(),
        "library-kept": LYRICS,
        "library-history": f"{LYRICS}?history=true",
        "library-tag": f"{LYRICS}?tag=slow&order=title",
        "library-found": f"{LYRICS}?search=nothing",
        "library-export": f"{LYRICS}?export=true",
        "library-nothing": f"{LYRICS}?search=nobody",
        "library-lyric": own.get_absolute_url(),
        "library-draft": draft.get_absolute_url(),
        "library-long": Lyric.objects.kept().get(title="").get_absolute_url(),
        "collections": reverse("generator:collection-list"),
        "collection": collection.get_absolute_url(),
        "shared-lyric": own.get_shared_url(),
        "shared-collection": collection.get_shared_url(),
    }
    for name, address in pages.items():
        assert page.goto(address, wait_until="load").status == 200, name
        open_folds(page)
        take(page, name)
    for name, lyric in (("library-same", draft), ("library-differs", altered)):
        page.goto(lyric.get_absolute_url())
        page.get_by_role("button", name="Reproduce").click()
        page.locator("#again").wait_for()
        take(page, name)
