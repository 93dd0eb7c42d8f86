"""Sets of songs with copies planted among them, of which the truth is known; for tests and for the benchmark.

The truth of a pair is not what was planted but what the definition says of it: at least half of the word 4-grams of
the smaller song stand in the larger one. It is counted here a second time, on words instead of hashes, so that a
changed word too many makes a near miss and no false expectation.
"""

import random
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from training.duplicates import Copy, CopyFinder, normalised_hash, text_hash

WORDS = re.findall(
    r"\w+",
    """
    amber anchor ashes autumn barley beacon bitter blossom border bramble candle cedar chapel cinder copper corner
    cradle crimson daylight distant ember empty falling feather fiddle fire forest garden gentle glimmer golden
    harbor harvest heather hollow honey hunger iron island jasmine journey kettle kindle lantern laughter lemon
    linen lonely maple marble meadow mellow midnight mirror morning mountain needle never northern ocean orchard
    paper pebble pepper pilot poplar powder quarry quiet rainy raven ribbon river saddle sailor salty season
    shadow shelter silver singer sleepy slender sorrow spindle station stormy summer tender thistle thunder timber
    tower traveler tumble twilight valley velvet village violet wander water weather whisper willow window winter
    wonder
    """,
)
SMALL_WORDS = re.findall(r"\w+", "a and the of in my your with for to on where when we I you they is was will by from")


@dataclass(frozen=True)
class PlantedSet:
    """Songs, and for each copy (by its place) how it was made; every other song is a different one."""

    songs: list[str]
    planted: dict[int, str]

    def find(self) -> list[Copy]:
        """The copies that a `CopyFinder` sees."""
        return find_copies(self.songs)


def find_copies(songs: list[str], *, near: bool = True) -> list[Copy]:
    finder = CopyFinder(near=near)
    for key, text in enumerate(songs):
        finder.add(key, text=text, text_hash=text_hash(text), normalised_hash=normalised_hash(text))
    return list(finder.copies(lambda keys: {key: songs[key] for key in keys}))


@dataclass(frozen=True)
class Score:
    """How many of the planted copies were found, and how many of the found ones are copies by the definition."""

    recall: float
    precision: float
    missed: dict[str, int]
    wrong: list[Copy]


def score(planted: PlantedSet, found: Iterable[Copy]) -> Score:
    """Compare what was found with the truth; a near copy is right if half of the smaller song stands in the larger."""
    found = list(found)
    keys = {copy.key for copy in found} | {copy.kept for copy in found if copy.kept in planted.planted}
    missed = [kind for key, kind in planted.planted.items() if key not in keys]
    wrong = [copy for copy in found if not is_copy(planted.songs[copy.key], planted.songs[copy.kept])]
    return Score(
        recall=1 - len(missed) / max(1, len(planted.planted)),
        precision=1 - len(wrong) / max(1, len(found)),
        missed={kind: missed.count(kind) for kind in sorted(set(missed))},
        wrong=wrong,
    )


def four_grams(text: str) -> set[tuple[str, ...]]:
    """The word 4-grams of an English text without section tags, counted the slow and obvious way."""
    sung = "\n".join(line for line in text.split("\n") if not re.fullmatch(r"\[.*\]", line))
    words = re.findall(r"[^\W_]+", sung.lower().replace("'", "").replace("’", ""))
    return set(zip(words, words[1:], words[2:], words[3:], strict=False))


def shared_share(one: str, other: str) -> float:
    """The share of the smaller song's 4-grams that stand in the larger."""
    smaller, larger = sorted((four_grams(one), four_grams(other)), key=len)
    return len(smaller & larger) / max(1, len(smaller))


def is_copy(one: str, other: str) -> bool:
    return normalised_hash(one) == normalised_hash(other) or shared_share(one, other) >= 0.5


def invented_song(random: random.Random) -> str:
    """Three verses and a chorus of words that nobody has sung."""

    def line() -> str:
        return " ".join(random.choice(WORDS if random.random() < 0.6 else SMALL_WORDS) for _ in range(7))

    def stanza(lines: int = 4) -> str:
        return "\n".join(line() for _ in range(lines))

    chorus = "[Chorus]\n" + stanza()
    return "\n\n".join(part for number in (1, 2, 3) for part in (f"[Verse {number}]\n{stanza()}", chorus))


def reworded(text: str, random: random.Random, share: float) -> str:
    """The song with about ``share`` of its words changed."""
    lines = [line if line.startswith("[") else reworded_line(line, random, share) for line in text.split("\n")]
    return "\n".join(lines)


def reworded_line(line: str, random: random.Random, share: float) -> str:
    return " ".join(random.choice(WORDS) if random.random() < share else word for word in line.split(" "))


def cut(text: str, random: random.Random, share: float) -> str:
    """A run of the song's lines, ``share`` of them."""
    lines = [line for line in text.split("\n") if line]
    kept = max(4, round(len(lines) * share))
    start = random.randrange(len(lines) - kept + 1)
    return "\n".join(lines[start : start + kept])


def with_choruses(text: str, random: random.Random) -> str:
    """The last stanza three times more, and a new verse."""
    stanzas = text.split("\n\n")
    return "\n\n".join([*stanzas, stanzas[-1], stanzas[-1], invented_song(random).split("\n\n")[0], stanzas[-1]])


def inside_a_long_one(text: str, random: random.Random) -> str:
    """A medley in which the song stands whole."""
    others = [invented_song(random) for _ in range(3)]
    others.insert(random.randrange(4), text)
    return "\n\n".join(others)


def in_other_letters(text: str, random: random.Random) -> str:
    """The same words with capitals, punctuation, spaces and tags of their own."""
    lines = [line for line in text.split("\n") if not line.startswith("[")]
    return "\n".join(line.upper() + random.choice(("!", " ...", " ,", "")) for line in lines)


WAYS: dict[str, Callable[[str, random.Random], str]] = {
    "exact": lambda text, random: text,
    "other letters": in_other_letters,
    "cut to two thirds": lambda text, random: cut(text, random, 0.66),
    "cut to a quarter": lambda text, random: cut(text, random, 0.25),
    "added choruses": with_choruses,
    "changed words, few": lambda text, random: reworded(text, random, 0.04),
    "changed words, many": lambda text, random: reworded(text, random, 0.12),
    "inside a long song": inside_a_long_one,
    "cut and changed": lambda text, random: reworded(cut(text, random, 0.5), random, 0.06),
}
NEAR_MISSES: dict[str, Callable[[str, random.Random], str]] = {
    "one stanza taken over": lambda text, random: invented_song(random) + "\n\n" + cut(text, random, 0.2),
    "half the words changed": lambda text, random: reworded(text, random, 0.3),
}


def plant(songs: list[str], *, copies: int, seed: int = 1) -> PlantedSet:
    """The songs with ``copies`` of them made in every way in turn, as many near misses, all shuffled together."""
    chance = random.Random(seed)
    made: list[tuple[str, str]] = [(text, "") for text in songs]
    ways = [*WAYS.items(), *NEAR_MISSES.items()]
    for number, text in enumerate(chance.sample(songs, copies)):
        way, make = ways[number % len(ways)]
        changed = make(text, chance)
        made.append((changed, way if is_copy(changed, text) else ""))
    chance.shuffle(made)
    return PlantedSet(
        songs=[text for text, _ in made], planted={place: way for place, (_, way) in enumerate(made) if way}
    )
