"""Write with a model. Pages, API and commands all call these."""

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from django.conf import settings

from generator.decoding.cache import ModelCache
from generator.decoding.engine import Engine, InboxFull, TooManyAtOnce, Writing
from generator.decoding.model_file import ModelDamaged, WritingModel
from generator.decoding.writer import Piece, prompt_tokens, wishes_left_out
from generator.models import Lyric
from generator.recipe import Recipe, RecipeError, checked_prompt, seed_of_candidate
from training.database import let_go
from training.errors import Conflict, Damaged, Invalid, LimitReached
from training.language_model.lyric_text import normalise
from training.models import Checkpoint
from training.services.models import read_serving_file, serving_name

# One of each in a process, shared by all its requests.
model_cache = ModelCache(settings.MODEL_CACHE_BYTES)
engine = Engine(per_person=settings.GENERATIONS_PER_USER)


class Busy(LimitReached):
    """Raised when so many people write that one more would wait too long."""

    status = 503
    code = "busy"


@dataclass
class Choice:
    """One candidate's text, which follows the prompt; ``seed`` alone writes it again as a single candidate."""

    index: int
    seed: int
    text: str = ""
    tokens: int = 0
    log_probability: float = 0.0
    finish_reason: str | None = None

    def add(self, piece: Piece) -> None:
        self.text += piece.text
        self.tokens += 1
        self.log_probability += piece.log_probability
        self.finish_reason = piece.finish_reason


@dataclass
class Generation:
    """A text while it is written and after: who wrote what from which prompt, by which recipe.

    ``notes`` are sentences on what was asked for and left out.
    """

    model: Checkpoint
    prompt: str
    recipe: Recipe
    prompt_tokens: int
    choices: list[Choice]
    writing: Writing = field(repr=False)
    notes: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic, repr=False)
    seconds: float = 0.0

    def take(self, pieces: Iterable[Piece]) -> list[tuple[int, str]]:
        """Add one turn's pieces; the new text of each candidate that got some, as (index, text)."""
        texts: dict[int, str] = {}
        for piece in pieces:
            self.choices[piece.index].add(piece)
            if piece.text:
                texts[piece.index] = texts.get(piece.index, "") + piece.text
        return sorted(texts.items())

    def finish(self) -> None:
        """Note how long it took, and which candidates the deadline ended."""
        self.seconds = round(time.monotonic() - self.started, 3)
        for choice in self.choices:
            choice.finish_reason = choice.finish_reason or "time"

    def text_of(self, choice: Choice) -> str:
        """The whole lyric: the prompt as it was given, and what the network wrote after it."""
        return normalise(self.prompt) + choice.text

    @property
    def completion_tokens(self) -> int:
        return sum(choice.tokens for choice in self.choices)

    def to_dict(self, *, lyric: Lyric | None = None) -> dict:
        """The finished generation as every door answers it; ``lyric`` is where it was kept."""
        return {
            "id": lyric.pk if lyric else None,
            "model": self.model.pk,
            "model_sha256": self.model.sha256,
            "prompt": self.prompt,
            "seed": self.recipe.seed,
            "recipe": self.recipe.to_dict(),
            "choices": [asdict(choice) for choice in self.choices],
            "usage": {"prompt_tokens": self.prompt_tokens, "completion_tokens": self.completion_tokens},
            "seconds": self.seconds,
            "notes": self.notes,
        }


def read_recipe(values: dict, prompt) -> tuple[Recipe, str]:
    """Recipe and prompt of a request, checked together. Raises: Invalid naming every field that is wrong."""
    errors, recipe = {}, None
    try:
        recipe = Recipe.from_dict(values)
    except RecipeError as error:
        errors |= error.errors
    try:
        checked_prompt(prompt)
    except RecipeError as error:
        errors |= error.errors
    if errors:
        raise Invalid(errors)
    return recipe, prompt


def load_model(model: Checkpoint) -> WritingModel:
    """The network and tokenizer of ``model``, kept in memory for the next to ask.

    Raises: Conflict when a file of it is gone or damaged, or it is not ready yet, or is being deleted; other models
        go on.
    """
    if model.state != Checkpoint.State.READY:
        raise Conflict(f"{model.name} can't write any more: {model.get_state_display().lower()}.", state=model.state)
    try:
        return model_cache.get(serving_name(model), lambda name: read_serving_file(model, name))
    except (ModelDamaged, Damaged) as error:
        sentence = f"The file of {model.name} is damaged and can't be used. Choose another model or train it again."
        raise Conflict(sentence, state=Checkpoint.State.CORRUPT) from error


def begin(*, user, model: Checkpoint, prompt: str, recipe: Recipe) -> Generation:
    """Start to write, for whoever reads `Generation.writing`, in a thread or on an event loop, and then `finish`es it.

    A recipe without a seed is given one.
    Raises: Conflict for a model that can't write, LimitReached when ``user`` writes too much at once, Busy when
        everyone does.
    """
    recipe = recipe.with_seed()
    writing_model = load_model(model)
    tokenizer = writing_model.tokenizer
    try:
        writing = engine.open(writing_model, prompt, recipe, person=user.pk, seconds=settings.GENERATION_SECONDS)
    except TooManyAtOnce:
        limit = settings.GENERATIONS_PER_USER
        raise LimitReached(f"You have {limit} lyrics being written. Wait for one to end.", retry_seconds=2) from None
    except InboxFull:
        raise Busy("Too many people are writing right now. Try again in a moment.", retry_seconds=5) from None
    return Generation(
        model=model,
        prompt=prompt,
        recipe=recipe,
        # The marks before the opening are not the person's.
        prompt_tokens=len(prompt_tokens(tokenizer, prompt)) - len(prompt_tokens(tokenizer, "")),
        choices=[Choice(index, seed_of_candidate(recipe.seed, index)) for index in range(recipe.n)],
        writing=writing,
        notes=wishes_left_out(tokenizer, recipe),
    )


def generate(*, user, model: Checkpoint, prompt: str, recipe: Recipe, is_abandoned=lambda: False) -> Generation:
    """The finished generation. ``is_abandoned`` is asked at each turn; once it is true the work stops.

    Raises: as `begin`.
    """
    generation = begin(user=user, model=model, prompt=prompt, recipe=recipe)
    let_go()  # the network needs no database; a connection held for a minute would be missed by everyone else
    for pieces in generation.writing:
        generation.take(pieces)
        if is_abandoned():
            break
    generation.finish()
    return generation
