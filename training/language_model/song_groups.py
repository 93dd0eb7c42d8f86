"""Which songs belong together, and on which side of the split each group stands.

songs ──same text, duplicate group or 8 lines──▶ groups ──order by the dataset's hash──▶ test, validation, training

A model that has read a chorus is no judge of the song it stands in, so a group is never divided.
"""

import hashlib
import zlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from training.language_model.lyric_text import canonical
from training.language_model.plain_words import plain_lines
from training.language_model.tokenizers import SongFacts

RUN_LINES = 8
# A group that overshoots the wanted share by more than this waits; a smaller one may still fit.
MOST_OVERSHOOT = 1.25
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, kw_only=True)
class SongText:
    """One song; songs with the same ``duplicate_group`` (unless it is empty) stay on one side of the split."""

    text: str
    duplicate_group: str | int | None = None
    title: str = ""
    genre: str = ""
    artist: str = ""


@dataclass(frozen=True, kw_only=True)
class Split:
    """The canonical texts to learn from, to be judged by while learning, and to keep for a last judgement."""

    training: list[str]
    validation: list[str]
    test: list[str]


def group_songs(songs: Iterable[SongText], *, told: dict[str, SongFacts] | None = None) -> list[list[str]]:
    """The different canonical texts of songs that are not empty, in groups; the same for the same songs in any order.

    Together are texts of one duplicate group, and texts that share a run of `RUN_LINES` lyric lines. In memory stand
    the texts themselves and 12 bytes for each run.
    Args:
        told: is given what is said of each text; of songs with the same text, by one that says something.
    """
    places: dict[str, int] = {}
    families = Families()
    first_of_group: dict[str, int] = {}
    runs, owners = array("Q"), array("I")
    for song in songs:
        text = canonical(song.text)
        if not text:
            continue
        if told is not None:
            facts = SongFacts(genre=song.genre, artist=song.artist, title=song.title)
            told[text] = max(told.get(text, facts), facts)
        place = places.get(text)
        if place is None:
            place = places[text] = families.add()
            found = line_runs(text)
            runs.frombytes(found.tobytes())
            owners.extend([place] * len(found))
        if song.duplicate_group not in (None, ""):
            families.join(place, first_of_group.setdefault(str(song.duplicate_group), place))
    for one, other in pairs_of_equals(np.frombuffer(runs, np.uint64), np.frombuffer(owners, np.uint32)):
        families.join(one, other)
    groups: dict[int, list[str]] = {}
    for text, place in places.items():
        groups.setdefault(families.head(place), []).append(text)
    return sorted(sorted(texts) for texts in groups.values())


class Families:
    """Songs by number, joined step by step into families: a union-find structure (Tarjan 1975)."""

    def __init__(self) -> None:
        self._parents: list[int] = []

    def add(self) -> int:
        """The number of a new song, a family of its own."""
        self._parents.append(len(self._parents))
        return len(self._parents) - 1

    def head(self, song: int) -> int:
        """The song that stands for the family of this one."""
        parents = self._parents
        while parents[song] != song:
            parents[song] = song = parents[parents[song]]
        return song

    def join(self, one: int, other: int) -> None:
        self._parents[self.head(one)] = self.head(other)


def line_runs(text: str) -> np.ndarray:
    """Every run of `RUN_LINES` lyric lines as a 64-bit number: equal for runs that differ in case or punctuation."""
    lines = np.array([zlib.crc32(line.encode()) for line in plain_lines(text)], dtype=np.uint64)
    count = max(0, len(lines) - RUN_LINES + 1)
    runs = np.zeros(count, dtype=np.uint64)
    for offset in range(RUN_LINES if count else 0):
        runs *= GOLDEN
        runs += lines[offset : offset + count]
    return np.unique(runs)


def pairs_of_equals(values: np.ndarray, owners: np.ndarray) -> list[tuple[int, int]]:
    """(owner, owner) for neighbours among equal values: a chain through all owners of each value."""
    order = np.argsort(values, kind="stable")
    values, owners = values[order], owners[order]
    is_same = values[1:] == values[:-1]
    return list(zip(owners[:-1][is_same].tolist(), owners[1:][is_same].tolist(), strict=True))


def split_groups(groups: Sequence[list[str]], *, validation: float, test: float, name: str) -> Split:
    """The texts of each side, as shares of all characters; at least one group to learn from and one to be judged by.

    Args:
        validation, test: the wanted shares. Few songs may leave nothing for the test.
        name: decides which groups are held back, with their texts. Runs with the same name and the same share for
            the test keep the same songs for it.
    """
    ordered = sorted(groups, key=lambda texts: digest(name, *texts))
    characters = sum(len(text) for group in ordered for text in group)
    for_test, rest = take(ordered, test * characters, spare=2)
    for_validation, rest = take(rest, validation * characters, spare=1)
    if not for_validation:
        smallest = min(rest, key=size)
        for_validation = [smallest]
        rest = [group for group in rest if group is not smallest]
    return Split(training=texts_of(rest), validation=texts_of(for_validation), test=texts_of(for_test))


def take(groups: list[list[str]], wanted: float, *, spare: int) -> tuple[list[list[str]], list[list[str]]]:
    """(groups of about ``wanted`` characters in all, the others); the last ``spare`` groups are never taken."""
    taken: list[list[str]] = []
    others: list[list[str]] = []
    held = 0
    for place, group in enumerate(groups):
        may_go = place < len(groups) - spare and held < wanted and held + size(group) <= wanted * MOST_OVERSHOOT
        (taken if may_go else others).append(group)
        held += size(group) if may_go else 0
    return taken, others


def size(group: list[str]) -> int:
    return sum(map(len, group))


def texts_of(groups: list[list[str]]) -> list[str]:
    return [text for group in groups for text in group]


def content_hash(groups: Iterable[list[str]]) -> str:
    """The fingerprint of the texts of all groups, whatever their order."""
    return digest(*sorted(digest(text) for group in groups for text in group))


def digest(*parts: str) -> str:
    """A short name that depends on nothing but the parts."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()
