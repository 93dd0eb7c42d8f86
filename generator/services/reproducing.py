"""Write a lyric again from its certificate, and say whether the same came out, and what changed since."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import zip_longest

from generator.decoding.model_file import surroundings
from generator.models import Lyric
from generator.recipe import Recipe, RecipeError
from generator.services import writing
from generator.services.lyrics import TEXT_LIMIT, UNSTORABLE
from generator.services.writing import Generation
from training.errors import Conflict
from training.models import Checkpoint

LINE_SHOWN = 80  # characters of a differing line
CUT_OFF = {"time": "cut off by its time limit", "stopped": "stopped"}
NAMES = {
    "processor": "processor",
    "precision": "precision",
    "stepped_by": "way of computing a step",
    "onnxruntime": "onnxruntime",
    "numpy": "NumPy",
    "numba": "numba",
}


@dataclass
class Reproduction:
    """What came out the second time.

    ``differences`` are sentences on what is no longer as it was, also where the text came out the same.
    """

    identical: bool = False
    text: str = ""
    differences: list[str] = field(default_factory=list)


def reproduce(*, user, lyric: Lyric, is_abandoned: Callable[[], bool] = lambda: False) -> Reproduction:
    """Write ``lyric`` again by its own recipe and compare it, byte for byte, with what the network wrote first.

    ``is_abandoned`` is asked again and again; once it is true the work stops, and nothing is compared.
    Raises: LimitReached and Busy as any writing does.
    """
    if not lyric.can_be_reproduced:
        return Reproduction(differences=["No recipe of a model is known that wrote it, so nothing can write it again."])
    model = model_of(lyric, user=user)
    if model is None:
        return Reproduction(
            differences=[f"The model {lyric.model_name} is no longer here, or no longer shared with you."]
        )
    try:
        recipe = Recipe.from_dict(lyric.recipe)
    except RecipeError as error:
        return Reproduction(differences=[f"Its recipe means nothing here any more: {error}"])
    if recipe.seed is None and recipe.temperature:
        return Reproduction(differences=["Its seed is not known, so nothing can write the same again."])
    asked = {"user": user, "model": model, "prompt": lyric.prompt, "recipe": recipe}
    try:
        generation = writing.generate(**asked, is_abandoned=is_abandoned)
    except Conflict as refusal:
        return Reproduction(differences=[refusal.message])
    if not generation.is_over:
        return Reproduction(differences=["It was stopped before its end."])
    return _compared(lyric, generation)


def _compared(lyric: Lyric, generation: Generation) -> Reproduction:
    choice = generation.choices[0]
    text = generation.text_of(choice).translate(UNSTORABLE)[:TEXT_LIMIT]
    differences = _of_model(lyric, generation.model)
    differences += _of_surroundings(lyric.made_with, surroundings(generation.writing.text.model))
    differences += _of_endings(lyric.made_with.get("ending"), choice.finish_reason)
    differences += _of_texts(lyric.generated_text, text, is_cut=lyric.made_with.get("ending") in CUT_OFF)
    return Reproduction(identical=text == lyric.generated_text, text=text, differences=differences)


def model_of(lyric: Lyric, *, user) -> Checkpoint | None:
    """The model that wrote ``lyric``, or another copy of its file that can write, among those ``user`` may use."""
    models = Checkpoint.objects.visible_to(user).filter(published_at__isnull=False)
    own = models.filter(pk=lyric.model_id).first() if lyric.model_id else None
    if own is not None and own.state == Checkpoint.State.READY:
        return own
    return models.ready().filter(sha256=lyric.model_sha256).first() or own


def _of_model(lyric: Lyric, model: Checkpoint) -> list[str]:
    if model.sha256 == lyric.model_sha256:
        return []
    return [f"The file of {model.name} is another: its sha256 was {lyric.model_sha256}, and is {model.sha256}."]


def _of_surroundings(then: dict, now: dict) -> list[str]:
    """What of processor, precision and programs is another than it was, where both are known."""
    return [
        f"Another {name}: it was {then[key]}, and is {now[key]}."
        for key, name in NAMES.items()
        if then.get(key) and now.get(key) and then[key] != now[key]
    ]


def _of_endings(then: str | None, now: str | None) -> list[str]:
    sentences = [f"The first time it was {CUT_OFF[then]}, which no recipe repeats."] if then in CUT_OFF else []
    if now == "time":
        sentences.append("This time it was cut off by its time limit.")
    return sentences


def _of_texts(then: str, now: str, *, is_cut: bool) -> list[str]:
    """The first line that differs, if one does; where the text is only longer than one that was cut off, so much."""
    if is_cut and then != now and now.startswith(then):
        return ["It begins with the same, byte for byte, and goes on."]
    for number, (old, new) in enumerate(zip_longest(then.split("\n"), now.split("\n")), start=1):
        if old != new:
            return [f"Line {number} is the first that differs: it was {_quoted(old)}, and is {_quoted(new)}."]
    return []


def _quoted(line: str | None) -> str:
    if line is None:
        return "not there"
    return f"“{line[:LINE_SHOWN]}…”" if len(line) > LINE_SHOWN else f"“{line}”"
