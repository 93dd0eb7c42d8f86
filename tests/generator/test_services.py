"""What people do with models and lyrics."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from generator.models import Lyric
from generator.recipe import Recipe
from generator.services import lyrics, writing
from tests.generator.endless import endless_model
from tests.generator.tiny_models import model_bytes, publish
from training.errors import Conflict, Invalid, LimitReached
from training.language_model.serving_files import COMPILED_FILE, GRAPH_FILES, MANIFEST_FILE, TOKENIZER_FILE
from training.models import Checkpoint

RECIPE = Recipe(seed=41, max_tokens=40)


@pytest.fixture(autouse=True)
def _own_engine(monkeypatch):
    monkeypatch.setattr(writing, "engine", writing.Engine())
    monkeypatch.setattr(writing, "model_cache", writing.ModelCache(10**9))


@pytest.fixture
def model(user):
    return publish(user)


def spoil(model, content, name):
    if name == "network":
        loaded = writing.load_model(model)
        name = GRAPH_FILES[loaded.precision] if loaded.stepped_by == "onnxruntime" else COMPILED_FILE
        writing.model_cache = writing.ModelCache(10**9)
    file = f"{model.folder}/{name}"
    default_storage.delete(file)
    if content is not None:
        default_storage.save(file, ContentFile(content))


def test_a_generation_says_all_that_made_it(user, model):
    generation = writing.generate(user=user, model=model, prompt="The river", recipe=Recipe(n=3, max_tokens=20))
    assert generation.recipe.seed is not None
    assert [choice.seed - generation.recipe.seed for choice in generation.choices] == [0, 1, 2]
    assert generation.completion_tokens == sum(choice.tokens for choice in generation.choices)
    assert generation.prompt_tokens == len("The river")
    assert {choice.finish_reason for choice in generation.choices} <= {"end", "length"}
    assert all(choice.log_probability < 0 for choice in generation.choices)
    assert writing.engine.open_count == 0


def test_a_wish_that_the_model_cannot_hear_is_noted_and_a_heard_one_is_not(user, model):
    content = model_bytes(reading={"conditions": {"genre": ["Folk"]}})
    taught = publish(user, content)
    wish = Recipe(seed=41, max_tokens=4, genre="Folk")
    assert writing.generate(user=user, model=taught, prompt="Oh", recipe=wish).to_dict()["notes"] == []
    generation = writing.generate(user=user, model=model, prompt="Oh", recipe=wish)
    assert "“Folk” is left out" in generation.to_dict()["notes"][0]
    assert generation.prompt_tokens == 2


def test_the_same_seed_gives_the_same_text_from_a_fresh_start(user, model, monkeypatch):
    first = writing.generate(user=user, model=model, prompt="", recipe=RECIPE)
    monkeypatch.setattr(writing, "engine", writing.Engine())
    monkeypatch.setattr(writing, "model_cache", writing.ModelCache(10**9))
    assert writing.generate(user=user, model=model, prompt="", recipe=RECIPE).choices == first.choices


@pytest.mark.parametrize("content", [b"not what was published", None])
@pytest.mark.parametrize("name", [MANIFEST_FILE, TOKENIZER_FILE, "network"])
def test_a_damaged_model_is_a_conflict_and_others_go_on(user, model, content, name):
    spoil(model, content, name)
    for _ in range(2):
        with pytest.raises(Conflict, match="Tiny LSTM"):
            writing.generate(user=user, model=model, prompt="", recipe=RECIPE)
        model.refresh_from_db()
    assert writing.generate(user=user, model=publish(user), prompt="", recipe=RECIPE).choices[0].tokens


def test_a_model_without_graphs_says_that_it_is_being_made_ready(user):
    model = publish(user, can_write=False)
    with pytest.raises(Conflict, match="being made ready"):
        writing.generate(user=user, model=model, prompt="", recipe=RECIPE)


def test_a_model_that_never_will_write_says_why(user):
    model = publish(user, can_write=False, serving_error="Its weights hold something that is not a number.")
    with pytest.raises(Conflict, match="not a number"):
        writing.generate(user=user, model=model, prompt="", recipe=RECIPE)


def test_a_file_that_is_no_model_is_a_conflict(user):
    with pytest.raises(Conflict):
        writing.generate(user=user, model=publish(user, damaged=True), prompt="", recipe=RECIPE)


def test_a_model_that_is_being_deleted_writes_no_more(user, model):
    model.state = Checkpoint.State.DELETING
    with pytest.raises(Conflict):
        writing.begin(user=user, model=model, prompt="", recipe=RECIPE)


def test_one_person_writes_so_many_at_once_and_another_still_may(user, other_user, model, settings):
    long = Recipe(seed=1, max_tokens=1024, n=8)
    open_ones = [writing.begin(user=user, model=model, prompt="", recipe=long) for _ in range(4)]
    with pytest.raises(LimitReached) as refused:
        writing.begin(user=user, model=model, prompt="", recipe=long)
    assert refused.value.status == 429
    assert writing.generate(user=other_user, model=model, prompt="", recipe=RECIPE).choices
    for generation in open_ones:
        generation.writing.cancel()


def test_a_full_house_asks_to_come_back(user, other_user, model, monkeypatch):
    monkeypatch.setattr(writing, "engine", writing.Engine(slots=1, inbox=0))
    first = writing.begin(user=user, model=model, prompt="", recipe=Recipe(n=8, max_tokens=1024))
    with pytest.raises(writing.Busy) as refused:
        writing.begin(user=other_user, model=model, prompt="", recipe=RECIPE)
    assert (refused.value.status, refused.value.retry_seconds) == (503, 5)
    first.writing.cancel()


def test_the_deadline_ends_every_candidate(user, model, settings):
    settings.GENERATION_SECONDS = 0
    generation = writing.generate(user=user, model=model, prompt="", recipe=Recipe(n=2, max_tokens=1024, min_lines=9))
    assert {choice.finish_reason for choice in generation.choices} == {"time"}


def test_an_abandoned_generation_stops(user, model):
    recipe = Recipe(n=8, max_tokens=1024, seed=1)
    writing.generate(user=user, model=model, prompt="", recipe=recipe, is_abandoned=lambda: True)
    # Its place is free again as soon as the step it was in is made.
    for _ in writing.begin(user=user, model=model, prompt="", recipe=RECIPE).writing:
        pass
    assert writing.engine.open_count == 0


class Counted:
    """A network that tells how often it stepped, and may break at one of its steps."""

    def __init__(self, model, *, breaks_at: int | None = None):
        self.steps, self.breaks_at, self._step = 0, breaks_at, model.network.step

    def step(self, *asked):
        self.steps += 1
        return self._step(*asked) if self.steps != self.breaks_at else 1 / 0


@pytest.fixture
def endless(user, monkeypatch):
    """A function that publishes a model whose steps are counted."""

    def make(**options):
        one = endless_model()
        counted = Counted(one, **options)
        monkeypatch.setattr(one.network, "step", counted.step)
        monkeypatch.setattr(writing, "load_model", lambda _: one)
        return publish(user), counted

    return make


def test_texts_that_were_asked_for_together_are_written_together_to_their_end(user, endless):
    model, counted = endless()
    asked = {"user": user, "model": model, "recipe": Recipe(max_tokens=1024, temperature=0)}
    generations = writing.begin_together(**asked, prompts=["oh", "my", "la"])
    writing.complete(generations)
    assert [generation.choices[0].tokens for generation in generations] == [1024] * 3
    assert [generation.choices[0].finish_reason for generation in generations] == ["length"] * 3
    assert counted.steps < 1100


@pytest.mark.parametrize("slots", [0, 32])
def test_several_abandoned_texts_stop(user, endless, monkeypatch, slots):
    monkeypatch.setattr(writing, "engine", writing.Engine(slots=slots))
    asked = {"user": user, "model": endless()[0], "recipe": Recipe(max_tokens=1024, temperature=0)}
    generations = writing.begin_together(**asked, prompts=["oh", "my", "la"])
    writing.complete(generations, is_abandoned=lambda: True)
    assert writing.engine.open_count == 0
    assert not any(generation.is_over for generation in generations)


def test_an_error_in_several_texts_reaches_who_waits_and_frees_all_places(user, endless):
    model, _ = endless(breaks_at=20)
    asked = {"user": user, "model": model, "recipe": Recipe(max_tokens=1024, temperature=0)}
    with pytest.raises(ZeroDivisionError):
        writing.complete(writing.begin_together(**asked, prompts=["oh", "my", "la"]))
    assert writing.engine.open_count == 0


def test_a_kept_candidate_can_be_written_again_from_its_own_recipe(user, model):
    generation = writing.generate(user=user, model=model, prompt="The river\n", recipe=Recipe(n=3, max_tokens=60))
    lyric = lyrics.keep(user=user, generation=generation, choice=generation.choices[2])
    assert lyric.text.startswith("The river")
    again = writing.generate(user=user, model=lyric.model, prompt=lyric.prompt, recipe=Recipe.from_dict(lyric.recipe))
    assert again.text_of(again.choices[0]).rstrip() == lyric.text == lyric.generated_text.rstrip()
    assert (lyric.model_name, lyric.model_sha256, lyric.seed) == (model.name, model.sha256, lyric.recipe["seed"])


def test_a_lyric_is_kept_also_where_its_model_was_deleted_while_it_wrote(user, model):
    generation = writing.generate(user=user, model=model, prompt="The river\n", recipe=RECIPE)
    Checkpoint.objects.filter(pk=model.pk).delete()
    lyric = Lyric.objects.get(pk=lyrics.keep(user=user, generation=generation).pk)
    assert (lyric.model, lyric.model_name, lyric.model_sha256) == (None, "Tiny LSTM", generation.model.sha256)


def test_a_lyric_outlives_its_model(user, model):
    lyric = lyrics.save_lyric(user=user, text="oh my", model=model)
    model.delete()
    lyric.refresh_from_db()
    assert (lyric.model, lyric.model_name) == (None, "Tiny LSTM")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", ""),
        ("text", " \n "),
        ("text", "x" * 100_001),
        ("text", "a\x00"),
        ("text", "\ud800"),
        ("text", None),
        ("title", "x" * 201),
        ("title", 7),
        ("tags", "sea"),
        ("tags", ["x" * 41]),
        ("tags", [str(number) for number in range(21)]),
        ("tags", [1]),
        ("bookmarked", "yes"),
        ("prompt", "x" * 5000),
    ],
)
def test_what_cannot_be_kept_is_said_at_its_field(user, field, value):
    with pytest.raises(Invalid) as refused:
        lyrics.save_lyric(user=user, **{"text": "oh my", field: value})
    assert list(refused.value.errors) == [field]
    assert not Lyric.objects.exists()


def test_changes_keep_how_it_was_made(user, model):
    lyric = lyrics.save_lyric(user=user, text="oh my", model=model, recipe=RECIPE, generated_text="oh my")
    lyrics.update_lyric(lyric=lyric, text="oh your", title=" A  title ", tags=["sea", "sea ", ""], bookmarked=True)
    lyric.refresh_from_db()
    assert (lyric.text, lyric.title, lyric.tags, lyric.bookmarked) == ("oh your", "A title", ["sea"], True)
    assert (lyric.recipe["seed"], lyric.generated_text, lyric.was_changed) == (41, "oh my", True)


def test_a_bookmark_set_twice_is_set(user):
    lyric = lyrics.save_lyric(user=user, text="oh my")
    for _ in range(2):
        lyrics.set_bookmark(lyric=lyric, bookmarked=True)
    assert Lyric.objects.bookmarked().get() == lyric
