"""What an import counts on its way: kept in `Import.counts` with each batch, told in the report at the end."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

DUPLICATES = ("exact", "normalised", "near")
LANGUAGE = "language"  # the reason of a song that the language filter leaves out
MOST_LANGUAGES = 100  # told apart; a column may hold another word in each row, and all of this is written every second
OTHER_LANGUAGES = "other"


@dataclass
class Counts:
    """Numbers that add up: each record is rejected or a stored song; a stored song may be a copy or filtered out.

    ``languages`` are those of the stored songs while the file is read, at its end those of the songs in use.
    """

    records: int = 0
    stored: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    duplicates: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    cleaned_songs: Counter[str] = field(default_factory=Counter)
    cleaned_places: Counter[str] = field(default_factory=Counter)
    marks: Counter[str] = field(default_factory=Counter)
    replaced_characters: int = 0
    missing_artist: int = 0
    seconds: float = 0.0  # spent reading, over every attempt

    @classmethod
    def from_dict(cls, values: Mapping) -> "Counts":
        """Counts as ``to_dict`` kept them; what is missing is zero."""
        known = {known.name: values[known.name] for known in fields(cls) if known.name in values}
        return cls(**{name: Counter(value) if isinstance(value, Mapping) else value for name, value in known.items()})

    def to_dict(self) -> dict:
        values = ((known.name, getattr(self, known.name)) for known in fields(self))
        return {name: dict(value) if isinstance(value, Counter) else value for name, value in values}

    @property
    def accepted(self) -> int:
        """How many songs are in use."""
        return self.stored - self.rejected[LANGUAGE] - self.duplicates.total()

    @property
    def non_english(self) -> int:
        """How many songs are known to be in another language."""
        return sum(count for language, count in self.languages.items() if not language.lower().startswith("en"))

    def add_language(self, language: str, songs: int = 1) -> None:
        """Count songs in this language, if it is known."""
        if language and language not in self.languages and len(self.languages) >= MOST_LANGUAGES:
            language = OTHER_LANGUAGES
        if language:
            self.languages[language] += songs

    def report(self, *, looks_like: str = "", warnings: tuple[str, ...] | list[str] = ()) -> dict:
        """What `Import.report` and `Dataset.report` say; records = accepted + rejected + duplicates."""
        return {
            "records": self.records,
            "accepted": self.accepted,
            "rejected": _in_order(self.rejected),
            "duplicates": {kind: self.duplicates[kind] for kind in DUPLICATES},
            "non_english": self.non_english,
            "languages": _in_order(self.languages),
            "cleaning": {
                switch: {"songs": songs, "places": self.cleaned_places[switch]}
                for switch, songs in _in_order(self.cleaned_songs).items()
            },
            "marks": _in_order(self.marks),
            "replaced_characters": self.replaced_characters,
            "missing_artist": self.missing_artist,
            "looks_like": looks_like,
            "warnings": list(warnings),
        }

    def why_nothing_was_accepted(self) -> str:
        """One sentence for the owner of a file out of which no song came."""
        if not self.records:
            return "There is no song in this file."
        left_out = {**self.rejected, "duplicates": self.duplicates.total()}
        reason, count = Counter(left_out).most_common(1)[0]
        return f"No song came out of this file: {count:,} of {self.records:,} records were left out as {reason}."


def _in_order(counter: Counter[str]) -> dict[str, int]:
    """The counts above zero, the largest first."""
    return {name: count for name, count in counter.most_common() if count}
