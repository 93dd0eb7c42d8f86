"""What each switch of cleaning would do to the songs of a preview: counts before and after, and one example."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from training.importers import Inspection, ParsedSong
from training.importers.cleaning import SWITCHES, clean
from training.line_differences import first_difference

# A song may have 200,000 characters; the first show what a switch does.
CHARACTERS_LOOKED_AT = 20_000
EXAMPLE_CHARACTERS = 90


@dataclass(frozen=True)
class Effect:
    """One switch: in how many songs and places it finds something, how many are left, and the first of them."""

    name: str
    sentence: str
    is_on: bool
    songs: int
    places: int
    before: str
    after: str

    @property
    def is_worth_a_look(self) -> bool:
        """Whether it finds something here, or a person turned it off."""
        return bool(self.places) or not self.is_on

    @property
    def places_left(self) -> int:
        return 0 if self.is_on else self.places


def effects(inspection: Inspection) -> list[Effect]:
    """Say what each switch does to the previewed songs."""
    texts = [song.text[:CHARACTERS_LOOKED_AT] for song in inspection.songs]
    chosen = inspection.options.cleaning
    return [_effect(name, sentence, chosen.get(name, True), texts) for name, sentence in SWITCHES.items()]


def cleaned_songs(inspection: Inspection) -> list[ParsedSong]:
    """The previewed songs with the words that would be stored; without those that have none left."""
    chosen = inspection.options.cleaning
    songs = (replace(song, text=clean(song.text[:CHARACTERS_LOOKED_AT], chosen).text) for song in inspection.songs)
    return [song for song in songs if song.text.strip()]


def _effect(name: str, sentence: str, is_on: bool, texts: list[str]) -> Effect:
    alone = _only(name)
    songs = places = 0
    example = None
    for text in texts:
        cleaned = clean(text, alone)
        if found := cleaned.changes.get(name, 0):
            songs, places = songs + 1, places + found
            example = example or first_difference(text, cleaned.text)
    before, after = example or ("", "")
    return Effect(name, sentence, is_on, songs, places, _shown(before), _shown(after))


def _only(name: str) -> Mapping[str, bool]:
    return {switch: switch == name for switch in SWITCHES}


def _shown(line: str) -> str:
    """The line with its spaces at both ends made visible, cut to a length that fits."""
    words = line.strip(" ")
    if not words:
        return "·" * min(len(line), 3)
    begin = len(line) - len(line.lstrip(" "))
    end = len(line) - len(line.rstrip(" "))
    words = "·" * begin + words + "·" * end
    return words if len(words) <= EXAMPLE_CHARACTERS else words[: EXAMPLE_CHARACTERS - 1] + "…"
