"""How a lyric is to be written: every sampling value, checked once, kept with the lyric that came of it.

Pure Python, so that forms, the API, the command line and the decoder mean the same thing by the same word.
"""

import math
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace

TOP_K_CAP = 128  # part of every sampler's definition: what is drawn always lies among the 128 likeliest pieces
TOKENS_LIMIT = 1024
CANDIDATES_LIMIT = 8
SEED_LIMIT = 2**63 - 1
LINES_LIMIT = 200
STOPS_LIMIT = 4
STOP_LENGTH_LIMIT = 64
BANNED_LIMIT = 50
BANNED_LENGTH_LIMIT = 64
NGRAM_LIMIT = 64
TEMPERATURE_LIMITS = (0.05, 5.0)
PENALTY_LIMITS = (1.0, 5.0)
PROMPT_LIMIT_BYTES = 4096
WISH_LENGTH_LIMIT = 80
ALTERNATIVES_LIMIT = 20  # no part of a recipe: how many other tokens are told with each drawn one


class RecipeError(Exception):
    """Raised for sampling values that break a rule; ``errors`` maps each field to its messages, all at once."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__("; ".join(f"{field}: {' '.join(messages)}" for field, messages in errors.items()))
        self.errors = errors


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Every value that decides a text, beside the model and the prompt. Equal recipes give equal texts.

    Where ``banned``, ``min_lines`` and ``no_repeat_ngram`` together leave nothing to write, the song ends there.
    """

    max_tokens: int = 200
    n: int = 1
    seed: int | None = None  # None only before `with_seed`
    temperature: float = 0.8  # 0 is greedy: always the likeliest piece
    top_k: int = 0  # 0 is the cap
    top_p: float = 1.0
    min_p: float = 0.0
    typical_p: float = 1.0
    repetition_penalty: float = 1.0
    no_repeat_ngram: int = 0
    stop: tuple[str, ...] = ()
    banned: tuple[str, ...] = ()  # never written, as whole words, in whatever case
    lines: int | None = None
    min_lines: int = 0  # the network may not end its song before so many lines with words; 0: whenever it likes
    genre: str = ""  # what a model is told that learnt from songs so marked; "" is any
    artist: str = ""
    title: str = ""

    @classmethod
    def from_dict(cls, values: Mapping) -> "Recipe":
        """The recipe that ``values`` describe, defaults for what they leave out.

        Raises: RecipeError naming every field that is unknown, of the wrong type or out of bounds.
        """
        checked, errors = {}, {}
        for name, value in values.items():
            check = CHECKS.get(name)
            try:
                if check is None:
                    raise ValueError("There is no such sampling value.")
                checked[name] = check(value)
            except ValueError as error:
                errors[name] = [str(error)]
        most, fewest = checked.get("lines"), checked.get("min_lines", 0)
        if most is not None and fewest > most:
            errors["min_lines"] = [f"At most as many as “lines”: {most:,}."]
        if errors:
            raise RecipeError(errors)
        return cls(**checked)

    def with_seed(self) -> "Recipe":
        """The same recipe with a seed chosen, so that what is written can be written again."""
        return self if self.seed is not None else replace(self, seed=secrets.randbelow(2**31))

    def for_candidate(self, index: int) -> "Recipe":
        """The recipe that writes candidate ``index`` of this one alone."""
        return replace(self, n=1, seed=seed_of_candidate(self.seed, index))

    @property
    def candidates_kept(self) -> int:
        """How many of the likeliest pieces stay in the draw."""
        return self.top_k or TOP_K_CAP

    def to_dict(self) -> dict:
        """Every value, ready for JSON; `from_dict` takes it back."""
        return asdict(self) | {"stop": list(self.stop), "banned": list(self.banned)}


def seed_of_candidate(seed: int, index: int) -> int:
    """Candidate ``index`` of a seed is the first candidate of the seed ``index`` further on."""
    return (seed + index) & SEED_LIMIT


def checked_prompt(value) -> str:
    """``value`` when it may begin a lyric.

    Raises: RecipeError for field ``prompt`` when it is no text, holds characters that are none, or is over 4 kB.
    """
    if not isinstance(value, str):
        raise RecipeError({"prompt": ["Give a text."]})
    if len(value) > PROMPT_LIMIT_BYTES:  # asked first, so that a huge text costs nothing
        raise RecipeError({"prompt": [f"At most {PROMPT_LIMIT_BYTES:,} bytes."]})
    if "\x00" in value:
        raise RecipeError({"prompt": ["NUL characters are not allowed."]})
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise RecipeError({"prompt": ["It holds half a character (an unpaired surrogate)."]}) from None
    if size > PROMPT_LIMIT_BYTES:
        raise RecipeError({"prompt": [f"At most {PROMPT_LIMIT_BYTES:,} bytes."]})
    return value


def _whole(minimum: int, maximum: int, *, optional: bool = False) -> Callable:
    def check(value):
        if value is None and optional:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"Give a whole number from {minimum:,} to {maximum:,}.")
        if not minimum <= value <= maximum:
            raise ValueError(f"Choose from {minimum:,} to {maximum:,}.")
        return value

    return check


def _number(minimum: float, maximum: float, *, above: bool = False, or_zero: bool = False) -> Callable:
    allowed = f"{'above' if above else 'from'} {minimum:g} {'up ' if above else ''}to {maximum:g}"
    allowed = f"0 or {allowed}" if or_zero else allowed

    def check(value):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"Give a number, {allowed}.")
        if or_zero and value == 0:
            return 0.0
        # The comparison is false for NaN; an int too large for a float is refused before it is turned into one.
        is_inside = minimum < value <= maximum if above else minimum <= value <= maximum
        if not is_inside or not math.isfinite(value):
            raise ValueError(f"Choose {allowed}.")
        return float(value)

    return check


def _texts(most: int, longest: int) -> Callable:
    def check(value) -> tuple[str, ...]:
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list | tuple) or len(texts) > most:
            raise ValueError(f"Give at most {most} texts.")
        for text in texts:
            if not isinstance(text, str) or not 1 <= len(text) <= longest:
                raise ValueError(f"Each is a text of 1 to {longest} characters.")
            if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
                raise ValueError("NUL and half characters are not allowed.")
        return tuple(dict.fromkeys(texts))

    return check


def _words(most: int, longest: int) -> Callable:
    """Words or phrases, each on one line and once, whatever its case."""
    texts = _texts(most, longest)

    def check(value) -> tuple[str, ...]:
        words = {}
        for text in texts(value):
            if len(text.splitlines()) != 1 or not text.isprintable() or not text.strip():
                raise ValueError("Each is a word or a phrase on one line.")
            word = " ".join(text.split())
            words.setdefault(word.casefold(), word)
        return tuple(words.values())

    return check


def _wish(value) -> str:
    if not isinstance(value, str) or len(value) > WISH_LENGTH_LIMIT:
        raise ValueError(f"Give a name of at most {WISH_LENGTH_LIMIT} characters.")
    if not value.isprintable():
        raise ValueError("A name stands on one line.")
    return " ".join(value.split())


CHECKS: dict[str, Callable] = {
    "max_tokens": _whole(1, TOKENS_LIMIT),
    "n": _whole(1, CANDIDATES_LIMIT),
    "seed": _whole(0, SEED_LIMIT, optional=True),
    "temperature": _number(*TEMPERATURE_LIMITS, or_zero=True),
    "top_k": _whole(0, TOP_K_CAP),
    "top_p": _number(0, 1, above=True),
    "min_p": _number(0, 1),
    "typical_p": _number(0, 1, above=True),
    "repetition_penalty": _number(*PENALTY_LIMITS),
    "no_repeat_ngram": _whole(0, NGRAM_LIMIT),
    "stop": _texts(STOPS_LIMIT, STOP_LENGTH_LIMIT),
    "banned": _words(BANNED_LIMIT, BANNED_LENGTH_LIMIT),
    "lines": _whole(1, LINES_LIMIT, optional=True),
    "min_lines": _whole(0, LINES_LIMIT),
    "genre": _wish,
    "artist": _wish,
    "title": _wish,
}
FIELDS = tuple(field.name for field in fields(Recipe))
