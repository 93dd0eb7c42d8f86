"""Everything that was written is there at once; what nobody kept goes when there is more."""

import pytest

from generator.models import Lyric
from generator.recipe import Recipe
from generator.search import search
from generator.services import collections, history, lyrics, sharing, writing
from tests.generator.tiny_models import publish

WISH = Recipe(seed=41, max_tokens=12, n=3)


@pytest.fixture
def model(user):
    return publish(user)


def write(user, model, recipe=WISH, prompt="The river\n"):
    return writing.generate(user=user, model=model, prompt=prompt, recipe=recipe)


def texts_of(user) -> list[str]:
    return list(Lyric.objects.owned_by(user).order_by("created_at").values_list("text", flat=True))


def test_every_candidate_is_noted_with_all_that_made_it(user, model):
    generation = write(user, model)
    noted = history.note(user=user, generation=generation)
    assert [lyric.generated_text for lyric in noted] == [generation.text_of(one) for one in generation.choices]
    lyric = Lyric.objects.get(pk=noted[2].pk)
    assert (lyric.model, lyric.model_sha256, lyric.seed, lyric.prompt) == (model, model.sha256, 43, "The river\n")
    assert Recipe.from_dict(lyric.recipe) == generation.recipe.for_candidate(2)
    assert {"processor", "onnxruntime", "numpy", "ending"} <= lyric.made_with.keys()
    assert lyric.made_with["processor"]
    assert not lyric.is_kept


def test_history_is_found_by_its_words_and_is_not_among_the_kept(user, other_user, model):
    noted = history.note(user=user, generation=write(user, model))
    assert not Lyric.objects.kept().exists()
    assert search(Lyric.objects.all(), "river", owner=user).count() == len(noted)
    assert not search(Lyric.objects.all(), "river", owner=other_user).exists()


def test_a_model_deleted_while_it_wrote_is_named_all_the_same(user, model):
    generation = write(user, model)
    model.__class__.objects.filter(pk=model.pk).delete()
    lyric = history.note(user=user, generation=generation)[0]
    assert (lyric.model_id, lyric.model_name, lyric.model_sha256) == (None, model.name, model.sha256)


def test_the_oldest_that_nobody_kept_goes_first(user, other_user, settings):
    settings.HISTORY_LIMIT = 3
    for number in range(5):
        Lyric.objects.create(owner=user, text=f"line {number}", kept_at=None)
    Lyric.objects.create(owner=other_user, text="of Tom", kept_at=None)
    assert history.forget_oldest(user=user) == 2
    assert texts_of(user) == ["line 2", "line 3", "line 4"]
    assert texts_of(other_user) == ["of Tom"]


def test_noting_trims(user, model, settings):
    settings.HISTORY_LIMIT = 4
    first, second = (history.note(user=user, generation=write(user, model)) for _ in range(2))
    left = set(Lyric.objects.values_list("pk", flat=True))
    assert left == {first[2].pk, *(lyric.pk for lyric in second)}
    assert search(Lyric.objects.all(), "river", owner=user).count() == 4


# ── Kept from the page that shows a text, before or after the history has it ─────────────────────────────────────


@pytest.fixture
def stopped(user, model):
    """A text whose reader left in the middle of it."""
    generation = write(user, model, Recipe(seed=41, max_tokens=12))
    generation.choices[0].finish_reason = "stopped"
    return generation


def keep_from_page(user, lyric_id, **values):
    shown = {"text": "The river\nand I", "title": "", "bookmarked": False, "generated_text": ""} | values
    return history.keep_written(user=user, lyric_id=lyric_id, **shown)


def test_a_stopped_text_that_is_kept_is_one_lyric(user, stopped):
    (lyric_id,) = history.new_ids(1)
    history.note(user=user, generation=stopped, ids=[lyric_id])
    whole = stopped.text_of(stopped.choices[0])
    seen = whole[:-3].rstrip()
    keep_from_page(user, lyric_id, text=seen, generated_text=seen.replace("\n", "\r\n"))
    lyric = Lyric.objects.get()
    assert (lyric.pk, lyric.is_kept, lyric.text) == (lyric_id, True, seen)
    assert lyric.made_with["ending"] == "stopped"
    assert not lyric.was_changed  # the network was ahead of the eye; no hand took those letters away
    assert lyric.seed == 41


def test_a_stopped_text_that_is_kept_before_the_history_has_it_is_one_lyric_too(user, stopped):
    (lyric_id,) = history.new_ids(1)
    keep_from_page(user, lyric_id, text="The river sings", title="Mine")
    history.note(user=user, generation=stopped, ids=[lyric_id])
    lyric = Lyric.objects.get()
    assert (lyric.pk, lyric.is_kept, lyric.text, lyric.title) == (lyric_id, True, "The river sings", "Mine")
    assert lyric.made_with["ending"] == "stopped"
    assert search(Lyric.objects.all(), "sings", owner=user).get() == lyric


def test_a_stopped_text_that_the_history_takes_in_while_it_is_kept_is_one_lyric_too(user, stopped, monkeypatch):
    (lyric_id,) = history.new_ids(1)

    def save_a_moment_too_late(**values):
        history.note(user=user, generation=stopped, ids=[lyric_id])
        return lyrics.save_lyric(**values)

    monkeypatch.setattr(history, "save_lyric", save_a_moment_too_late)
    kept = keep_from_page(user, lyric_id, text="The river sings")
    lyric = Lyric.objects.get()
    assert (lyric, lyric.text, lyric.is_kept) == (kept, "The river sings", True)
    assert search(Lyric.objects.all(), "sings", owner=user).get() == lyric


def test_of_several_only_the_one_that_was_kept_is_there_already(user, model):
    ids = history.new_ids(3)
    keep_from_page(user, ids[1])
    history.note(user=user, generation=write(user, model), ids=ids)
    assert set(Lyric.objects.values_list("pk", flat=True)) == set(ids)
    assert Lyric.objects.kept().get().pk == ids[1]
    assert search(Lyric.objects.all(), "river", owner=user).count() == 3


def test_a_finished_text_keeps_what_the_network_wrote(user, model):
    (lyric_id,) = history.new_ids(1)
    history.note(user=user, generation=write(user, model, Recipe(seed=41, max_tokens=12)), ids=[lyric_id])
    keep_from_page(user, lyric_id, text="The river", generated_text="The river")
    lyric = Lyric.objects.get()
    assert lyric.was_changed
    assert len(lyric.generated_text) > len("The river")


def test_the_id_of_another_persons_lyric_is_not_taken(user, other_user):
    theirs = Lyric.objects.create(owner=other_user, text="of Tom", kept_at=None)
    mine = keep_from_page(user, theirs.pk, text="of Mara")
    assert mine.pk != theirs.pk
    assert (texts_of(user), texts_of(other_user)) == (["of Mara"], ["of Tom"])
    theirs.refresh_from_db()
    assert not theirs.is_kept


@pytest.mark.parametrize("made_up", ["", "short", "x" * 13, "ABCDEFGHJKMN", "1" * 12, "ä" * 12, "a\0" * 6])
def test_an_id_that_was_never_given_out_is_not_used(user, made_up):
    assert keep_from_page(user, made_up).pk != made_up


def bookmark(lyric):
    lyrics.set_bookmark(lyric=lyric, bookmarked=True)


def bookmark_and_take_back(lyric):
    bookmark(lyric)
    lyrics.set_bookmark(lyric=lyric, bookmarked=False)


def collect(lyric):
    collection = collections.create_collection(user=lyric.owner, name="Sea songs")
    collections.add_lyric(collection=collection, lyric=lyric)


def change(lyric):
    lyrics.update_lyric(lyric=lyric, title="Mine")


def keep(lyric):
    lyrics.keep_lyric(lyric=lyric)


@pytest.mark.parametrize("hold_dear", [keep, bookmark, bookmark_and_take_back, collect, change, sharing.share])
def test_what_a_person_held_on_to_never_goes(user, settings, hold_dear):
    settings.HISTORY_LIMIT = 0
    lyric = Lyric.objects.create(owner=user, text="dear", kept_at=None)
    Lyric.objects.create(owner=user, text="not so", kept_at=None)
    hold_dear(lyric)
    history.forget_oldest(user=user)
    assert texts_of(user) == ["dear"]
    lyric.refresh_from_db()
    assert lyric.is_kept


def test_a_letter_that_no_database_stores_is_replaced(user, model):
    generation = write(user, model)
    generation.choices[0].text = "a\x00b\ud800c"
    assert history.note(user=user, generation=generation)[0].text.endswith("a\ufffdb\ufffdc")
    assert lyrics.keep(user=user, generation=generation).text.endswith("a\ufffdb\ufffdc")
