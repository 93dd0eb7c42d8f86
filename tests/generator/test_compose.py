"""The writing page without JavaScript, each with a second person."""

from html import escape

import pytest
from django.urls import reverse

from generator.forms.compose import ComposeForm
from generator.models import Lyric
from generator.recipe import FIELDS, Recipe
from generator.services import writing
from tests.generator.tiny_models import model_bytes, publish
from tests.songs import make_ready_dataset
from tests.training.runs import make_run
from training.models import Sample

COMPOSE = reverse("generator:compose")


@pytest.fixture(autouse=True)
def _own_engine(monkeypatch):
    monkeypatch.setattr(writing, "engine", writing.Engine())


def ask(client, written_by, **values):
    asked = {"model": written_by.pk, "prompt": "The river", "lines": 4, "temperature": 0.85, "top_k": 40, "top_p": 0.95}
    return client.post(COMPOSE, asked | {"seed": ""} | values)


def test_without_a_model_the_page_leads_to_training(signed_in):
    page = signed_in.get(COMPOSE)
    assert page.status_code == 200
    assert reverse("training:dataset-list") in page.content.decode()
    assert "data-compose" not in page.content.decode()


def sample_of(run, text: str, step: int) -> Sample:
    return Sample.objects.create(run=run, sequence=step, step=step, epoch=1, text=text, temperature=0.8, seed=1)


def test_a_model_is_offered_with_all_that_helps_to_choose(signed_in, user, ready_dataset):
    run = make_run(ready_dataset)
    sample_of(run, "[Verse]\nAn early line", 1)
    sample_of(run, "[Verse]\nThe tide goes out & in\nAnd home\nAgain\nA fourth line", 2)
    publish(user, name="Another")
    publish(user, name="Harbour GRU", architecture="gru", dataset=ready_dataset, run=run)
    page = signed_in.get(COMPOSE).content.decode()
    for words in ("Harbour GRU", 'data-cell="gru">GRU', "Small songs", "1.38 nats a character", "1,234 weights"):
        assert words in page, words
    assert "The tide goes out &amp; in" in page
    assert "An early line" not in page
    assert "A fourth line" not in page


def test_only_ones_own_and_shared_models_are_offered(signed_in, user, other_user):
    publish(user, name="Mine")
    publish(other_user, name="Private of Tom")
    publish(other_user, name="Shared by Tom", visibility="shared")
    page = signed_in.get(COMPOSE).content.decode()
    assert "Shared by Tom" in page
    assert "Private of Tom" not in page


def test_a_shared_model_tells_nothing_of_the_private_songs_and_runs_behind_it(signed_in, other_user):
    dataset = make_ready_dataset(other_user, name="Secret songs")
    run = make_run(dataset)
    sample_of(run, "A secret line", 1)
    publish(other_user, name="Shared by Tom", visibility="shared", dataset=dataset, run=run)
    page = signed_in.get(COMPOSE).content.decode()
    assert "Shared by Tom" in page
    assert "ecret" not in page


def test_a_single_model_needs_no_choice_and_many_can_be_searched(signed_in, user):
    publish(user)
    assert "data-offers" not in signed_in.get(COMPOSE).content.decode()
    for number in range(8):
        publish(user, name=f"Model {number}")
    page = signed_in.get(COMPOSE).content.decode()
    assert "9 to choose from" in page
    assert "data-offer-search" in page


def test_the_address_fills_the_form(signed_in, user):
    publish(user)
    chosen = publish(user, name="Chosen")
    page = signed_in.get(COMPOSE, {"model": chosen.pk, "prompt": "Oh my", "seed": 41, "lines": 7})
    assert page.context["form"].chosen_model == chosen
    assert 'value="41"' in page.content.decode()


def test_a_genre_is_asked_for_where_a_model_learnt_from_songs_marked_with_it(signed_in, user, ready_dataset):
    publish(user)
    page = signed_in.get(COMPOSE).content.decode()
    assert 'name="genre"' not in page
    assert 'id="id_title"' not in page
    run = make_run(ready_dataset, facts={"conditions": {"genre": ["Folk & more", "Rock"]}})
    content = model_bytes(reading={"conditions": {"genre": ["Folk & more", "Rock"]}})
    taught = publish(user, content, run=run, config={"condition_on": "genre", "with_title": True})
    page = signed_in.get(COMPOSE).content.decode()
    assert '<option value="Folk &amp; more">' in page
    assert 'name="artist"' not in page
    assert 'id="id_title"' in page
    written = ask(signed_in, taught, seed=41, genre="folk & more")
    assert written.context["generation"].recipe.genre == "folk & more"
    assert written.context["generation"].notes == []
    assert "writes as for any other" in ask(signed_in, taught, seed=41, genre="Ska").content.decode()


def test_a_form_gives_the_whole_lyric(signed_in, user):
    model = publish(user)
    page = ask(signed_in, model, seed=41)
    assert page.status_code == 200
    text, shown = page.context["chosen"]["text"], page.content.decode()
    assert text.startswith("The river")
    assert escape(text) in shown
    assert ask(signed_in, model, seed=41).context["chosen"]["text"] == text


def test_the_last_seed_named_counts(signed_in, user):
    page = ask(signed_in, publish(user), seed=["7", "41"])
    assert page.context["generation"].recipe.seed == 41


@pytest.mark.parametrize(
    ("field", "value"),
    [("lines", 1), ("lines", "x"), ("temperature", "nan"), ("temperature", 9), ("top_k", -1), ("top_p", 0),
     ("seed", 2**70), ("seed", -1), ("prompt", "x" * 5000), ("prompt", "a\x00"), ("model", "nothing"), ("model", "")],
)  # fmt: skip
def test_a_bad_value_is_said_at_its_field(signed_in, user, field, value):
    page = ask(signed_in, publish(user), **{field: value})
    assert page.status_code == 400
    assert page.context["form"].errors[field]


def test_another_persons_model_cannot_be_chosen(signed_in, other_user, user):
    publish(user)
    assert ask(signed_in, publish(other_user)).status_code == 400


def test_a_damaged_model_is_said_and_the_words_stay(signed_in, user):
    page = ask(signed_in, publish(user, damaged=True), prompt="My words")
    assert page.status_code == 409
    assert "damaged" in page.content.decode()
    assert "My words" in page.content.decode()


def test_every_version_comes_back_with_its_seed_and_can_be_saved(signed_in, user):
    model = publish(user)
    page = ask(signed_in, model, seed=41, n=3)
    versions, shown = page.context["versions"], page.content.decode()
    assert [(one["letter"], one["choice"].seed) for one in versions] == [("A", 41), ("B", 42), ("C", 43)]
    assert "Keep C" in shown
    assert escape(versions[2]["recipe"]) in shown
    alone = ask(signed_in, model, seed=42, n=1)
    assert alone.context["versions"][0]["text"] == versions[1]["text"]
    assert "Keep B" not in alone.content.decode()


def test_every_version_is_in_the_history_at_once_and_saving_one_keeps_it(signed_in, user):
    page = ask(signed_in, publish(user), seed=41, n=2)
    noted = [version["lyric"] for version in page.context["versions"]]
    assert [lyric.seed for lyric in noted] == [41, 42]
    assert not Lyric.objects.kept().exists()
    shown = page.content.decode()
    assert f'name="lyric" value="{noted[1].pk}"' in shown
    signed_in.post(reverse("generator:lyric-save"), {"lyric": noted[1].pk, "text": "My words", "title": ""})
    assert Lyric.objects.kept().get() == noted[1]
    assert Lyric.objects.count() == 2


def test_a_text_is_gone_on_with_by_the_button_that_carries_it(signed_in, user):
    model = publish(user)
    text = ask(signed_in, model, seed=41, n=1).context["chosen"]["text"]
    longer = ask(signed_in, model, seed=1, n=1, prompt=["The river", text]).context["chosen"]["text"]
    assert longer.startswith(text)
    assert len(longer) > len(text)


def test_every_sampling_value_of_the_form_reaches_the_recipe(signed_in, user):
    values = {
        "min_p": 0.02, "typical_p": 0.9, "repetition_penalty": 1.2, "no_repeat_ngram": 4, "max_tokens": 60,
        "top_k": 30, "top_p": 0.8, "n": 2, "seed": 7,
    }  # fmt: skip
    page = ask(signed_in, publish(user), **values, stop="[Outro]\n\\n\\n")
    recipe = page.context["generation"].recipe.to_dict()
    assert {name: recipe[name] for name in values} == values
    assert recipe["stop"] == ["[Outro]", "\n\n"]


def test_every_value_of_a_recipe_can_be_asked_for():
    assert set(FIELDS) <= ComposeForm.base_fields.keys()


def test_an_empty_value_is_its_default(signed_in, user):
    page = ask(signed_in, publish(user), seed=7, top_k="", top_p="", n="", stop="")
    assert page.context["generation"].recipe == Recipe(seed=7, lines=4, temperature=0.85, max_tokens=1024)


@pytest.mark.parametrize(
    ("field", "value"),
    [("n", 9), ("n", 0), ("min_p", 2), ("typical_p", 0), ("repetition_penalty", 0.5), ("no_repeat_ngram", 65),
     ("max_tokens", 0), ("max_tokens", 1025), ("stop", "a\nb\nc\nd\ne"), ("stop", "x" * 65)],
)  # fmt: skip
def test_a_bad_value_in_the_fold_opens_it(signed_in, user, field, value):
    page = ask(signed_in, publish(user), **{field: value})
    assert page.status_code == 400
    assert page.context["form"].errors[field]
    assert ('<details class="fold" open>' in page.content.decode()) == (field != "n")


def test_the_fold_says_what_it_holds(signed_in, user):
    publish(user)
    assert signed_in.get(COMPOSE).context["form"].summary == "top-k 40, top-p 0.95"
    page = signed_in.get(COMPOSE, {"top_k": 0, "top_p": 1, "no_repeat_ngram": 3, "stop": ["a\nb", "c"]})
    assert page.context["form"].summary == "no phrase twice 3, stop before a\\nb\nc"


def test_a_stranger_is_asked_to_sign_in(client, db):
    assert client.get(COMPOSE).url.startswith(reverse("login"))


def test_a_model_that_is_still_being_made_ready_is_not_offered(signed_in, user):
    publish(user, name="Ready")
    publish(user, name="Not yet", can_write=False)
    page = signed_in.get(COMPOSE).content.decode()
    assert "Ready" in page
    assert "Not yet" not in page
