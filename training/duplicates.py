"""Finds the copies among songs: the same text, the same words, or half of the smaller song inside a larger one.

    add(song) … ──▶ hashes (24 bytes a song) ──▶ exact and normalised copies: the first song of equals is kept
                └─▶ ShingleSample ──candidates──▶ texts fetched again ──containment──▶ near copies of a kept song

Title and artist don't count: "(Live)" and "- Remastered" are the same song. Nothing here depends on chance, so the
same songs in the same order give the same copies.

Pure: numpy and the standard library. 57,650 songs of 230 different words in a row (the worst case: nothing repeats)
raised the peak by 59 MB, comparison included. A million songs need 24 MB for the hashes, at most 128 MB for the
sample, and as much again while they are compared (reckoned, not measured).
"""

import hashlib
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from training.language_model.plain_words import plain_letters
from training.shingles import SharedShingles, ShingleSample, containment, shingles

NEAR_SHARE = 0.5  # of the word 4-grams of the smaller song, in the larger one
# Songs compared in one go, and texts fetched at once: both bound what stands in memory.
BLOCK_SONGS = 256
FETCHED_TEXTS = 100

TextsOf = Callable[[Sequence[int]], Mapping[int, str]]


@dataclass(frozen=True, slots=True)
class Copy:
    """The song ``key`` repeats the song ``kept``, which stays in use."""

    key: int
    kind: Literal["exact", "normalised", "near"]
    kept: int


def text_hash(text: str) -> str:
    """The fingerprint by which exact copies are known: BLAKE2b of the normalised text, 32 hexadecimal digits."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def normalised_hash(text: str) -> str:
    """The fingerprint of a text's words: NFKC, lower case, without punctuation, section tags and white space."""
    return text_hash(plain_letters(text))


class CopyFinder:
    """Takes in songs one by one, then says which of them are copies of which others."""

    def __init__(self, *, near: bool) -> None:
        self._keys = array("q")
        # The first 64 of each hash's 128 bits: a million songs meet by accident with a chance of 1 in 30 million.
        self._text_hashes = array("Q")
        self._normalised_hashes = array("Q")
        self._sample = ShingleSample() if near else None

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: int, *, text: str, text_hash: str, normalised_hash: str) -> None:
        """Take in a song.

        Args:
            key: what the song is called in the answers; ascending from song to song.
            text: its normalised text, read only where near copies are wanted.
            text_hash, normalised_hash: as the functions of these names give them.
        """
        self._keys.append(key)
        self._text_hashes.append(int(text_hash[:16], 16))
        self._normalised_hashes.append(int(normalised_hash[:16], 16))
        if self._sample is not None:
            self._sample.add(text)

    def copies(self, texts_of: TextsOf) -> Iterator[Copy]:
        """Yield every copy once, in the order of keys. Each is a copy of a song that is itself no copy.

        Args:
            texts_of: the texts of songs by their keys, asked for up to `FETCHED_TEXTS` keys at a time.
        """
        same_text = first_of_equals(np.frombuffer(self._text_hashes, dtype=np.uint64))
        same_words = first_of_equals(np.frombuffer(self._normalised_hashes, dtype=np.uint64))
        places = np.arange(len(self))
        kept = same_words
        if self._sample is not None:
            kept = self._near_copies(np.flatnonzero(same_words == places), texts_of)[same_words]
        for place in np.flatnonzero(kept != places).tolist():
            kind = "near" if same_words[place] == place else "normalised" if same_text[place] == place else "exact"
            yield Copy(self._keys[place], kind, self._keys[kept[place]])

    def _near_copies(self, different: np.ndarray, texts_of: TextsOf) -> np.ndarray:
        """By place: the place of the larger song that each of the ``different`` songs nearly repeats, else its own.

        The largest song is decided first, so that a song is compared with kept ones alone and no chains arise.
        """
        shared = self._sample.by_size(different)
        kept = np.arange(len(different))  # by rank
        is_copy = np.zeros(len(different), dtype=bool)
        for first in range(0, len(different), BLOCK_SONGS):
            last = min(first + BLOCK_SONGS, len(different))
            candidates = dict(shared.candidates(first, last, is_copy))
            wanted = sorted({*candidates}.union(*candidates.values()))
            grams = self._shingles_of(wanted, shared, texts_of)
            for rank, larger in sorted(candidates.items()):
                # One that turned out to be a copy within this block gives its place to the song that it repeats.
                for other in dict.fromkeys(int(kept[one]) for one in larger):
                    if containment(grams[rank], grams[other]) >= NEAR_SHARE:
                        kept[rank] = other
                        is_copy[rank] = True
                        break
        places = np.arange(len(self))
        places[shared.order] = shared.order[kept]
        return places

    def _shingles_of(self, ranks: list[int], shared: SharedShingles, texts_of: TextsOf) -> dict[int, np.ndarray]:
        """The shingles of songs by rank, whose texts are fetched again and let go at once."""
        found: dict[int, np.ndarray] = {}
        for start in range(0, len(ranks), FETCHED_TEXTS):
            keys = {rank: self._keys[shared.order[rank]] for rank in ranks[start : start + FETCHED_TEXTS]}
            texts = texts_of(list(keys.values()))
            found |= {rank: shingles(texts[key]) for rank, key in keys.items()}
        return found


def first_of_equals(values: np.ndarray) -> np.ndarray:
    """For each place of ``values`` the first place that holds the same value."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    is_new = np.ones(len(values), dtype=bool)
    is_new[1:] = ordered[1:] != ordered[:-1]
    firsts = np.empty_like(order)
    firsts[order] = order[is_new][np.cumsum(is_new) - 1]
    return firsts
