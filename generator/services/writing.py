"""Write with a model. Pages, API and commands all call these."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import QuerySet

from generator.decoding.cache import ModelCache
from generator.decoding.engine import Engine, InboxFull, TooManyAtOnce
from generator.decoding.model_file import ModelDamaged, WritingModel
from generator.decoding.turns import Writing
from generator.decoding.writer import Piece, prompt_tokens, wishes_left_out
from generator.recipe import Recipe, RecipeError, checked_prompt, seed_of_candidate
from generator.services.interleaving import interleaved
from training.asked_often import AskedOften
from training.database import let_go
from training.errors import Conflict, Damaged, Invalid, LimitReached
from training.language_model.lyric_text import normalise
from training.language_model.tokenizers import TextStream, Tokenizer
from training.models import Checkpoint
from training.services.models import read_serving_file, serving_name

LOOK_SECONDS = 0.25  # between two looks whether anyone still waits for several texts

# One of each in a process, shared by all its requests.
model_cache = ModelCache(settings.MODEL_CACHE_BYTES)
engine = Engine(per_person=settings.GENERATIONS_PER_USER)


class Busy(LimitReached):
    """Raised when so many people write that one more would wait too long."""

    status = 503
    code = "busy"


class Spelling:
    """Tells each token of a candidate as text, with what else the network thought likely there."""

    def __init__(self, tokenizer: Tokenizer, tokens: Iterable[int]):
        """``tokens`` are those that stand before the first piece."""
        self._stream = TextStream(tokenizer)
        for token in tokens:
            self._stream.push(token)

    def tell(self, piece: Piece) -> dict:
        """A piece for a program: its text, its token as it is spelled by itself, and the alternatives spelled so."""
        others = [
            {"text": self._stream.spelling(token), "log_probability": log_probability}
            for token, log_probability in piece.alternatives
        ]
        token = self._stream.spelling(piece.token)
        self._stream.push(piece.token)
        return {
            "text": piece.text,
            "token": token,
            "log_probability": piece.log_probability,
            "alternatives": others,
        }


@dataclass
class Choice:
    """One candidate's text, which follows the prompt; ``seed`` alone writes it again as a single candidate.

    ``pieces`` are its tokens one by one, where they were asked for; None otherwise. ``lyric`` is the id of its row in
    the history, where it was put there.
    """

    index: int
    seed: int
    text: str = ""
    tokens: int = 0
    log_probability: float = 0.0
    finish_reason: str | None = None
    pieces: list[dict] | None = None
    lyric: str | None = None
    spelling: Spelling | None = field(default=None, repr=False, compare=False)

    def add(self, piece: Piece) -> None:
        self.text += piece.text
        self.tokens += 1
        self.log_probability += piece.log_probability
        self.finish_reason = piece.finish_reason
        if self.spelling is not None:
            self.pieces.append(self.spelling.tell(piece))

    def to_dict(self) -> dict:
        names = ("index", "seed", "text", "tokens", "log_probability", "finish_reason", "lyric")
        told = {name: getattr(self, name) for name in names}
        return told if self.pieces is None else told | {"pieces": self.pieces}


@dataclass
class Addition:
    """What one turn added to one candidate; ``pieces`` as in `Choice`."""

    index: int
    text: str
    pieces: list[dict] | None
    finish_reason: str | None


@dataclass
class Generation:
    """A text while it is written and after: who wrote what from which prompt, by which recipe.

    ``notes`` are sentences on what was asked for and left out; ``lyric`` is the id of the lyric that it was kept as.
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
    is_over: bool = False
    lyric: str | None = None

    def take(self, pieces: Iterable[Piece]) -> list[Addition]:
        """Add one turn's pieces; what each candidate gained that its reader has to be told, in their order."""
        before: dict[int, tuple[int, int]] = {}
        for piece in pieces:
            choice = self.choices[piece.index]
            before.setdefault(piece.index, (len(choice.text), len(choice.pieces or ())))
            choice.add(piece)
        additions = []
        for index, (characters, told) in sorted(before.items()):
            choice = self.choices[index]
            text, new = choice.text[characters:], choice.pieces and choice.pieces[told:]
            if text or new or choice.finish_reason:
                additions.append(Addition(index, text, new, choice.finish_reason))
        return additions

    def finish(self, reason: str = "time") -> None:
        """Note how long it took, and the ``reason`` why candidates ended that were not done: mostly the deadline."""
        self.is_over = True
        self.seconds = round(time.monotonic() - self.started, 3)
        for choice in self.choices:
            choice.finish_reason = choice.finish_reason or reason

    def stop(self) -> None:
        """End the work for a reader who leaves before its end; what came until then stands."""
        self.writing.cancel()
        self.finish("stopped")

    def text_of(self, choice: Choice) -> str:
        """The whole lyric: the prompt as it was given, and what the network wrote after it."""
        return normalise(self.prompt) + choice.text

    @property
    def completion_tokens(self) -> int:
        return sum(choice.tokens for choice in self.choices)

    def to_dict(self) -> dict:
        """The finished generation as every door answers it."""
        return {
            "id": self.lyric,
            "model": self.model.pk,
            "model_sha256": self.model.sha256,
            "prompt": self.prompt,
            "seed": self.recipe.seed,
            "recipe": self.recipe.to_dict(),
            "choices": [choice.to_dict() for choice in self.choices],
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
    let_go()  # to read it in takes seconds, and those who wait for it need no connection either
    try:
        return model_cache.get(serving_name(model), lambda name: read_serving_file(model, name))
    except (ModelDamaged, Damaged) as error:
        sentence = f"The file of {model.name} is damaged and can't be used. Choose another model or train it again."
        raise Conflict(sentence, state=Checkpoint.State.CORRUPT) from error


MODEL_BY_ID = AskedOften(
    lambda person, model: _published(Checkpoint.objects.visible_to(person)).filter(pk=model).order_by(),
    person=-1,
    model="model",
)


def find_model(user, wanted: str) -> Checkpoint | None:
    """The published model of this id, or else the newest of this name, among those that ``user`` may see.

    A damaged model is found too: that it can't write is said, not hidden.
    """
    if not _can_be_looked_for(wanted):
        return None
    by_id = MODEL_BY_ID.first(person=user.pk, model=wanted)
    return by_id or _newest_of_name(Checkpoint.objects.visible_to(user), wanted)


def find_among(models: QuerySet, wanted: str) -> Checkpoint | None:
    """The same among ``models``, for a command."""
    if not _can_be_looked_for(wanted):
        return None
    return _published(models).filter(pk=wanted).first() or _newest_of_name(models, wanted)


def _newest_of_name(models: QuerySet, name: str) -> Checkpoint | None:
    return _published(models).filter(name=name).order_by("-published_at").first()


def _published(models: QuerySet) -> QuerySet:
    return models.filter(published_at__isnull=False).defer("config", "metrics")  # the largest of it


def _can_be_looked_for(words: str) -> bool:
    """Whether a database can: it takes no NUL, and no half of a character."""
    return not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in words)


def begin(*, user, model: Checkpoint, prompt: str, recipe: Recipe, alternatives: int | None = None) -> Generation:
    """Start to write, for whoever reads `Generation.writing`, in a thread or on an event loop, and then `finish`es it.

    A recipe without a seed is given one. With ``alternatives`` each choice keeps its pieces, and each piece names so
    many tokens that the network thought likeliest.
    Raises: Conflict for a model that can't write, LimitReached when ``user`` writes too much at once, Busy when
        everyone does.
    """
    return begin_together(user=user, model=model, prompts=[prompt], recipe=recipe, alternatives=alternatives)[0]


def begin_together(
    *, user, model: Checkpoint, prompts: Sequence[str], recipe: Recipe, alternatives: int | None = None
) -> list[Generation]:
    """One generation for each prompt, all by the same seed; together they are one request. Raises: as `begin`."""
    recipe = recipe.with_seed()
    writing_model = load_model(model)
    asked = {"person": user.pk, "seconds": settings.GENERATION_SECONDS, "alternatives": alternatives or 0}
    try:
        writings = engine.open_together(writing_model, prompts, recipe, **asked)
    except TooManyAtOnce:
        limit = settings.GENERATIONS_PER_USER
        raise LimitReached(f"You have {limit} lyrics being written. Wait for one to end.", retry_seconds=2) from None
    except InboxFull:
        raise Busy("Too many people are writing right now. Try again in a moment.", retry_seconds=5) from None
    tells_pieces = alternatives is not None
    return [
        _generation(model, prompt, recipe, writing, tells_pieces=tells_pieces)
        for prompt, writing in zip(prompts, writings, strict=True)
    ]


def _generation(model: Checkpoint, prompt: str, recipe: Recipe, writing: Writing, *, tells_pieces: bool) -> Generation:
    tokenizer = writing.text.model.tokenizer
    choices = [Choice(index, seed_of_candidate(recipe.seed, index)) for index in range(recipe.n)]
    if tells_pieces:
        for choice in choices:
            choice.pieces, choice.spelling = [], Spelling(tokenizer, writing.text.tokens)
    return Generation(
        model=model,
        prompt=prompt,
        recipe=recipe,
        # The marks before the opening are not the person's.
        prompt_tokens=len(prompt_tokens(tokenizer, prompt)) - len(prompt_tokens(tokenizer, "")),
        choices=choices,
        writing=writing,
        notes=wishes_left_out(tokenizer, recipe),
    )


def generate(
    *,
    user,
    model: Checkpoint,
    prompt: str,
    recipe: Recipe,
    alternatives: int | None = None,
    is_abandoned: Callable[[], bool] = lambda: False,
) -> Generation:
    """The finished generation. ``is_abandoned`` is asked again and again; once it is true the work stops.

    Raises: as `begin`.
    """
    generation = begin(user=user, model=model, prompt=prompt, recipe=recipe, alternatives=alternatives)
    complete([generation], is_abandoned=is_abandoned)
    return generation


def complete(generations: Sequence[Generation], *, is_abandoned: Callable[[], bool] = lambda: False) -> None:
    """Read in this thread what is written, and finish it all; or stop it all, once it ``is_abandoned``."""
    let_go()  # the network needs no database; a connection held for a minute would be missed by everyone else
    try:
        if len(generations) == 1:  # as most are; it needs no event loop
            _read(generations[0], is_abandoned)
        else:
            asyncio.run(_read_together(generations, is_abandoned))
        if not is_abandoned():
            for generation in generations:
                generation.finish()
    finally:
        cancel(generations)


def _read(generation: Generation, is_abandoned: Callable[[], bool]) -> None:
    for pieces in generation.writing:
        generation.take(pieces)
        if is_abandoned():
            return


async def _read_together(generations: Sequence[Generation], is_abandoned: Callable[[], bool]) -> None:
    """Read all as they are written: one that is left unread rests, and would be written after the others."""
    leaving = asyncio.ensure_future(_cancel_once(is_abandoned, generations))
    try:
        async with aclosing(interleaved([generation.writing for generation in generations])) as turns:
            async for place, pieces in turns:
                generations[place].take(pieces)
    finally:
        leaving.cancel()


async def _cancel_once(is_abandoned: Callable[[], bool], generations: Sequence[Generation]) -> None:
    while not is_abandoned():
        await asyncio.sleep(LOOK_SECONDS)
    cancel(generations)


def cancel(generations: Sequence[Generation]) -> None:
    """End what is still being written of ``generations``, which were asked for together."""
    for generation in generations:
        generation.writing.cancel()
