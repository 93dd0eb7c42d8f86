"""A lyric is written again by its own recipe, compared byte for byte, and what changed is named."""

import pytest

from generator.models import Lyric
from generator.recipe import Recipe
from generator.services import history, lyrics, writing
from generator.services.reproducing import reproduce
from tests.generator.tiny_models import model_bytes, publish
from training.models import Checkpoint

CONTENT = model_bytes()


@pytest.fixture(autouse=True)
def _own_engine(monkeypatch):
    monkeypatch.setattr(writing, "engine", writing.Engine())


@pytest.fixture
def model(user):
    return publish(user, CONTENT)


@pytest.fixture
def lyric(user, model):
    recipe = Recipe(seed=41, max_tokens=80, n=3, top_k=20)
    generation = writing.generate(user=user, model=model, prompt="The river\n", recipe=recipe)
    return history.note(user=user, generation=generation)[1]


def test_a_lyric_comes_out_the_same(user, lyric):
    again = reproduce(user=user, lyric=lyric)
    assert (again.identical, again.text, again.differences) == (True, lyric.generated_text, [])


def test_a_change_by_hand_is_no_difference(user, lyric):
    lyrics.update_lyric(lyric=lyric, text="All mine")
    assert reproduce(user=user, lyric=lyric).identical


def test_the_first_line_that_differs_is_named(user, lyric):
    lyric.generated_text = "The river\nruns dry\n" + "x" * 100
    again = reproduce(user=user, lyric=lyric)
    assert not again.identical
    assert again.differences == [again.differences[0]]
    assert "Line 2 is the first that differs: it was “runs dry”, and is “" in again.differences[0]


def test_a_line_too_many_is_named(user, lyric):
    lyric.generated_text += "\nmore"
    assert "it was “more”, and is not there" in reproduce(user=user, lyric=lyric).differences[-1]


@pytest.mark.parametrize(
    ("fact", "sentence"),
    [
        ("processor", "Another processor: it was Z80, and is "),
        ("onnxruntime", "Another onnxruntime: it was Z80, and is "),
        ("stepped_by", "Another way of computing a step: it was Z80, and is "),
    ],
)
def test_other_surroundings_are_named_also_where_they_matter_not(user, lyric, fact, sentence):
    lyric.made_with[fact] = "Z80"
    again = reproduce(user=user, lyric=lyric)
    assert again.identical
    assert len(again.differences) == 1
    assert again.differences[0].startswith(sentence)


def test_another_precision_is_named_where_it_changed(user, lyric):
    now = writing.load_model(lyric.model).precision
    lyric.made_with["precision"] = "bfloat16"
    assert reproduce(user=user, lyric=lyric).differences == [f"Another precision: it was bfloat16, and is {now}."]


def test_an_ending_by_the_clock_is_named(user, lyric, settings):
    lyric.made_with["ending"] = "time"
    settings.GENERATION_SECONDS = 0
    sentences = reproduce(user=user, lyric=lyric).differences
    assert "The first time it was cut off by its time limit, which no recipe repeats." in sentences
    assert "This time it was cut off by its time limit." in sentences


def test_a_text_that_was_stopped_is_the_beginning_of_what_comes_out(user, lyric):
    lyric.made_with["ending"] = "stopped"
    lyric.generated_text = lyric.generated_text[:-3]
    again = reproduce(user=user, lyric=lyric)
    assert not again.identical
    assert again.differences == [
        "The first time it was stopped, which no recipe repeats.",
        "It begins with the same, byte for byte, and goes on.",
    ]


def test_without_its_model_nothing_is_written_and_that_is_said(user, lyric):
    Checkpoint.objects.all().delete()
    lyric.refresh_from_db()
    again = reproduce(user=user, lyric=lyric)
    assert (again.identical, again.text) == (False, "")
    assert again.differences == ["The model Tiny LSTM is no longer here, or no longer shared with you."]


def test_another_copy_of_the_same_file_writes_the_same(user, lyric):
    Checkpoint.objects.all().delete()
    lyric.refresh_from_db()
    publish(user, CONTENT, name="Imported again")
    assert reproduce(user=user, lyric=lyric).identical


def test_a_copy_writes_for_a_model_that_is_known_to_be_damaged(user, model, lyric):
    Checkpoint.objects.filter(pk=model.pk).update(state=Checkpoint.State.CORRUPT)
    assert "can't write any more" in reproduce(user=user, lyric=lyric).differences[0]
    publish(user, CONTENT, name="Imported again")
    assert reproduce(user=user, lyric=lyric).identical


def test_another_persons_copy_is_not_used(user, other_user, lyric):
    Checkpoint.objects.all().delete()
    lyric.refresh_from_db()
    publish(other_user, CONTENT)
    assert reproduce(user=user, lyric=lyric).text == ""


def test_another_file_of_the_model_is_named(user, lyric):
    other = publish(user, model_bytes(seed=9))
    lyric.model = other
    again = reproduce(user=user, lyric=lyric)
    assert not again.identical
    assert again.differences[0].startswith("The file of Tiny LSTM is another: its sha256 was ")


def test_a_damaged_model_is_said(user, lyric):
    lyric.model = publish(user, damaged=True)
    again = reproduce(user=user, lyric=lyric)
    assert (again.identical, again.text) == (False, "")
    assert "damaged" in again.differences[0]


def test_what_a_hand_wrote_cannot_be_written_again(user):
    again = reproduce(user=user, lyric=lyrics.save_lyric(user=user, text="All mine"))
    assert (again.identical, again.text) == (False, "")
    assert len(again.differences) == 1


@pytest.mark.parametrize(("temperature", "is_written"), [(0.8, False), (0, True)])
def test_without_a_seed_only_the_likeliest_text_can_be_written_again(user, lyric, temperature, is_written):
    lyric.recipe |= {"seed": None, "temperature": temperature}
    again = reproduce(user=user, lyric=lyric)
    assert bool(again.text) == is_written
    assert ("Its seed is not known, so nothing can write the same again." in again.differences) != is_written


def test_a_recipe_that_is_unknown_now_is_said(user, lyric):
    lyric.recipe["sorcery"] = 1
    assert "sorcery" in reproduce(user=user, lyric=lyric).differences[0]


def test_one_that_nobody_waits_for_is_not_compared(user, lyric):
    again = reproduce(user=user, lyric=lyric, is_abandoned=lambda: True)
    assert (again.identical, again.text) == (False, "")
    assert again.differences == ["It was stopped before its end."]
    assert writing.engine.open_count == 0


def test_the_api_answers_with_text_and_differences(api, other_api, lyric):
    address = f"/api/v1/lyrics/{lyric.pk}/reproduce/"
    assert api.post(address).json() == {"identical": True, "text": lyric.generated_text, "differences": []}
    assert other_api.post(address).status_code == 404
    assert api.get(address).status_code == 405


def test_what_the_compose_page_kept_can_be_reproduced_too(user, model):
    recipe = Recipe(seed=41, max_tokens=80)
    generation = writing.generate(user=user, model=model, prompt="The river\n", recipe=recipe)
    text = generation.text_of(generation.choices[0])
    lyric = lyrics.save_lyric(
        user=user,
        text=text,
        generated_text=text.replace("\n", "\r\n"),  # as a browser sends a text area
        prompt="The river\r\n",
        model=model,
        recipe=recipe,
    )
    assert reproduce(user=user, lyric=Lyric.objects.get(pk=lyric.pk)).identical
