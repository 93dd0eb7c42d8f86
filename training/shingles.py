"""Songs as sets of word 4-grams, and the sample of them by which likely copies are found.

    text ──plain_text──▶ words ──shingles──▶ 64-bit numbers, one for each different 4-gram
                                              │ a quarter of all numbers, the same quarter in every song
                                              ▼
                                         ShingleSample ──sharing──▶ which larger songs may hold this one

Two songs that share many 4-grams share many of the sampled ones too, however different their lengths are: that is
why numbers are sampled by their value and not by a fixed count for each song (Broder 1997, "On the resemblance and
containment of documents": his modulus sketch, which estimates containment).

Pure: numpy and the standard library.
"""

import zlib
from array import array
from collections.abc import Iterator

import numpy as np

from training.language_model.plain_words import plain_text

SHINGLE_WORDS = 4
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIXING = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))
LAST_SHIFT = np.uint64(31)
# A packed entry is the upper bits of a shingle's number, then the place of its song: up to 67 million songs.
PLACE_BITS = 26
PLACES = np.uint64((1 << PLACE_BITS) - 1)
LEFT_OUT = np.uint64(2**64 - 1)  # sorts behind every entry
CHUNK = 1 << 18
# A quarter of the shingles: a song of 45 that is half contained in another shares 5 sampled ones, none with p < 1 %.
FIRST_SHARE = 0.25
# 16 million entries are 128 MB; beyond them the sample becomes half as dense, which a million songs reach twice.
MOST_ENTRIES = 16_000_000
# Songs this short stay in the sample whole, so that two of them always meet.
SHORT_SONG = 32
# A shingle that more songs share is a phrase of the language ("la la la la"): its largest songs speak for it.
MOST_OWNERS = 64
# Half of a copy's shingles are shared; of a small sample of them a fifth may be all that is seen.
LEAST_SHARE = 0.2
MOST_CANDIDATES = 8


def shingles(text: str) -> np.ndarray:
    """The different word 4-grams of a song as 64-bit numbers, ascending; none for a song of fewer than four words."""
    # CRC-32 rather than `hash`, which differs from process to process.
    words = np.fromiter(map(zlib.crc32, plain_text(text).encode().split()), dtype=np.uint64)
    count = len(words) - SHINGLE_WORDS + 1
    if count < 1:
        return np.empty(0, dtype=np.uint64)
    numbers = words[:count].copy()
    for offset in range(1, SHINGLE_WORDS):
        numbers *= GOLDEN
        numbers += words[offset : offset + count]
    _mix(numbers)
    numbers.sort()
    is_new = np.ones(count, dtype=bool)
    np.not_equal(numbers[1:], numbers[:-1], out=is_new[1:])
    return numbers[is_new]  # five times as fast as np.unique on so few


def _mix(numbers: np.ndarray) -> None:
    """Let every bit depend on all bits, in place: the finaliser of SplitMix64 (Steele et al. 2014)."""
    for shift, factor in MIXING:
        numbers ^= numbers >> shift
        numbers *= factor
    numbers ^= numbers >> LAST_SHIFT


def containment(smaller: np.ndarray, larger: np.ndarray) -> float:
    """The share of the ``smaller`` song's shingles that stand in the ``larger``; both as `shingles` gives them."""
    if not len(smaller) or not len(larger):
        return 0.0
    places = np.minimum(np.searchsorted(larger, smaller), len(larger) - 1)
    return float(np.count_nonzero(larger[places] == smaller)) / len(smaller)


class ShingleSample:
    """The sampled shingles of all songs: 8 bytes an entry, about 40 entries for a song of 250 words.

    ``sizes`` says how many different shingles each song has, by its place (0, 1, 2 … in the order of `add`).
    """

    def __init__(self) -> None:
        self.sizes = array("Q")
        self.share = FIRST_SHARE
        self._entries = array("Q")  # number << PLACE_BITS | place

    def add(self, text: str) -> None:
        """Take in the next song."""
        numbers = shingles(text)
        place = np.uint64(len(self.sizes))
        self.sizes.append(len(numbers))
        if len(numbers) > SHORT_SONG:
            numbers = numbers[: np.searchsorted(numbers, np.uint64(int(self.share * 2**64)))]
        packed = (numbers & ~PLACES) | place
        self._entries.frombytes(packed.tobytes())
        if len(self._entries) > MOST_ENTRIES:
            self._thin_out()

    def _thin_out(self) -> None:
        """Halve the share until the sample is small enough again, or has reached the end of what it can leave out."""
        entries = np.frombuffer(self._entries, dtype=np.uint64)
        is_short = np.frombuffer(self.sizes, dtype=np.uint64)[entries & PLACES] <= SHORT_SONG
        kept = entries
        while len(kept) > MOST_ENTRIES * 3 // 4 and self.share > 2**-10:
            self.share /= 2
            kept = entries[is_short | (entries < np.uint64(int(self.share * 2**64)))]
        self._entries = array("Q", kept.tobytes())

    def by_size(self, places: np.ndarray) -> "SharedShingles":
        """The shingles that at least two of the songs at ``places`` have, for asking which songs may hold others.

        The sample is used up by it: its memory, which may be the most there is, becomes that of the answer.
        """
        sizes = np.frombuffer(self.sizes, dtype=np.uint64)
        order = places[np.lexsort((places, -sizes[places].astype(np.int64)))]
        ranks = np.full(len(sizes), len(sizes), dtype=np.uint64)
        ranks[order] = np.arange(len(order), dtype=np.uint64)
        ranked, self._entries = np.frombuffer(self._entries, dtype=np.uint64), array("Q")
        for start in range(0, len(ranked), CHUNK):
            part = ranked[start : start + CHUNK]
            rank = ranks[part & PLACES]
            part &= ~PLACES
            part |= rank
            part[rank == len(sizes)] = LEFT_OUT
        ranked.sort()
        ranked = ranked[: np.searchsorted(ranked, LEFT_OUT)]
        return SharedShingles(ranked, order, np.maximum(1, sizes[order] * self.share * LEAST_SHARE))


class SharedShingles:
    """Who shares which sampled shingles. Songs are named by rank: 0 is the largest, the earlier one of equals first.

    Attributes: ``order`` gives the place of each rank, ``needed`` how many shared shingles make a candidate of it.
    """

    def __init__(self, ranked: np.ndarray, order: np.ndarray, needed: np.ndarray) -> None:
        self.order = order
        self.needed = needed
        is_same = np.zeros(len(ranked), dtype=bool)  # as the entry before
        for start in range(1, len(ranked), CHUNK):
            part = ranked[start : start + CHUNK]
            is_same[start : start + CHUNK] = (part ^ ranked[start - 1 : start - 1 + len(part)]) <= PLACES
        is_shared = is_same.copy()
        is_shared[:-1] |= is_same[1:]
        is_first = ~is_same[is_shared]
        # Shingle by shingle: its owners, largest first.
        by_song = ranked[is_shared]
        by_song &= PLACES
        self._owners = by_song.astype(np.uint32)
        self._starts = np.flatnonzero(is_first)
        self._lengths = np.diff(self._starts, append=len(by_song))
        # Song by song: its shingles, named by their order. In place, for often nearly all shingles are shared.
        by_song <<= np.uint64(32)
        by_song |= np.cumsum(is_first, dtype=np.uint32)
        by_song.sort()
        self._shingles = by_song.astype(np.uint32) - np.uint32(1)
        bounds = np.arange(len(order) + 1, dtype=np.uint64) << np.uint64(32)
        self._song_starts = np.searchsorted(by_song, bounds)

    def candidates(self, first: int, last: int, is_copy: np.ndarray) -> Iterator[tuple[int, list[int]]]:
        """Yield (rank, the larger songs that are most likely to hold it, likeliest first) for ranks first … last - 1.

        Args:
            is_copy: by rank, the songs that are themselves copies and so stand for nothing.
        """
        asked = self._shingles[self._song_starts[first] : self._song_starts[last]]
        askers = np.repeat(np.arange(first, last), np.diff(self._song_starts[first : last + 1]))
        lengths = np.minimum(self._lengths[asked], MOST_OWNERS)
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        owners = self._owners[np.repeat(self._starts[asked] - ends + lengths, lengths) + np.arange(total)]
        askers = np.repeat(askers, lengths)
        is_answer = (owners < askers) & ~is_copy[owners]
        pairs, counts = np.unique((askers[is_answer] << 32) | owners[is_answer], return_counts=True)
        askers, owners = pairs >> 32, pairs & 0xFFFFFFFF
        likely = counts >= self.needed[askers]
        askers, owners, counts = askers[likely], owners[likely], counts[likely]
        found: dict[int, list[int]] = {}
        for index in np.lexsort((owners, -counts, askers)).tolist():
            answers = found.setdefault(int(askers[index]), [])
            if len(answers) < MOST_CANDIDATES:
                answers.append(int(owners[index]))
        yield from found.items()
