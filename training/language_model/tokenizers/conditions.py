"""What a song is told to be before it begins: its genre and artist by marks learnt from the training songs, its title.

``<begin> <genre:Folk> <artist:other> <title> its words <line> first words …``: every song of a conditioned model has
one mark of each kind, so that a writer can ask for one. What too few songs share, or none says, is "other"; a song
without a title has the mark and the line.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from training.language_model.config import CONDITION_LIMITS
from training.language_model.lyric_text import normalise

OTHER = "other"
FEWEST_SONGS = 5  # from fewer a model learns these songs, not what they share
LONGEST_VALUE = 80


@dataclass(frozen=True, order=True, kw_only=True)
class SongFacts:
    """What is said of a song beside its words; "" where nobody says."""

    genre: str = ""
    artist: str = ""
    title: str = ""


NOTHING_SAID = SongFacts()


class Conditions:
    """The marks of a vocabulary that stand for genres and artists.

    Args:
        values: for each kind that songs are marked with ("genre", "artist"), in this order, the values told apart.
    Raises: ValueError for kinds that there are not, and values that are no names or are named twice.
    """

    def __init__(self, values: Mapping[str, Iterable[str]]):
        self.values = {kind: tuple(values[kind]) for kind in CONDITION_LIMITS if kind in values}
        if set(values) != set(self.values):
            raise ValueError("Songs are marked with genre and artist, and with nothing else.")
        if not all(value and value == on_one_line(value) for named in self.values.values() for value in named):
            raise ValueError("A genre and an artist have names, on one line.")
        self._marks = {
            (kind, condition_key(value)): condition_mark(kind, value)
            for kind, named in self.values.items()
            for value in (OTHER, *named)
        }
        if len(self._marks) != sum(1 + len(named) for named in self.values.values()):
            raise ValueError("A genre or an artist is named twice.")

    @property
    def marks(self) -> tuple[str, ...]:
        """Every mark: of each kind "other" first."""
        return tuple(self._marks.values())

    @property
    def kinds(self) -> tuple[str, ...]:
        return tuple(self.values)

    def knows(self, kind: str, value: str) -> bool:
        """Whether songs of this value have a mark of their own."""
        return (kind, condition_key(value)) in self._marks and condition_key(value) != OTHER

    def marks_of(self, facts: SongFacts) -> list[str]:
        """The marks of a song, one of each kind; "other" for what is empty or not known."""
        keys = {kind: condition_key(getattr(facts, kind)) for kind in self.values}
        return [self._marks.get((kind, key), self._marks[kind, OTHER]) for kind, key in keys.items()]

    def to_dict(self) -> dict[str, list[str]]:
        """The values by kind, as plain JSON."""
        return {kind: list(named) for kind, named in self.values.items()}


def condition_mark(kind: str, value: str) -> str:
    """A mark's name; no text can spell it, as no tokenizer joins "<" to letters."""
    return f"<{kind}:{value}>"


def condition_key(value: str) -> str:
    """What values have in common that mean the same: blanks and capitals do not count."""
    return on_one_line(value).casefold()


def on_one_line(value: str) -> str:
    return " ".join(normalise(value).split())


def learn_conditions(songs: Iterable[SongFacts], condition_on: str) -> Conditions:
    """The genres and artists that enough songs share, the frequent ones first.

    Args:
        songs: what is said of each training song.
        condition_on: what songs are to be marked with: "", "genre", "artist" or "genre+artist".
    Returns: the same for the same songs in any order.
    """
    songs = list(songs)
    wanted = condition_on.split("+")
    return Conditions(
        {
            kind: frequent_values((getattr(song, kind) for song in songs), most)
            for kind, most in CONDITION_LIMITS.items()
            if kind in wanted
        }
    )


def frequent_values(values: Iterable[str], limit: int) -> list[str]:
    """At most ``limit`` values that `FEWEST_SONGS` have, each as it is mostly written."""
    spellings: dict[str, Counter] = {}
    for value in values:
        written = on_one_line(value)
        if written and len(written) <= LONGEST_VALUE and condition_key(written) != OTHER:
            spellings.setdefault(condition_key(written), Counter())[written] += 1
    frequent = [key for key, counts in spellings.items() if counts.total() >= FEWEST_SONGS]
    ordered = sorted(frequent, key=lambda key: (-spellings[key].total(), key))[:limit]
    return [min(spellings[key], key=lambda written: (-spellings[key][written], written)) for key in ordered]
