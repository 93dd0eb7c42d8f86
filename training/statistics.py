"""What a dataset's page says about its songs: counts and shapes, gathered in one pass and in bounded memory."""

import re
from collections import Counter

WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
MOST_WORDS_KEPT = 300_000  # different words; a million songs hold more than memory should
MOST_NAMES_KEPT = 200_000  # artists, genres
COLUMNS = 20
SHOWN = 8

# Words that every song has: they say nothing about these songs.
_SMALL_WORDS = """
    a about after again ain't all am an and are as at back be been before but by came can can't come could did didn't do
    does don't down for from get give go goes going gonna gone got had has have he he's her here him his how i i'd i'll
    i'm i've if in into is it it's its just know let let's like made make may me more must my never no not now o of off
    oh on one only or our out over own put said say see shall she she's should so some still such take tell than that
    that's the thee their them then there there's these they they're this those thou though through thy till to too
    until up upon us was way we we'll we're well went were what when where which while who why will with won't would
    yeah yes yet you you'll you're you've your
"""
SMALL_WORDS = frozenset(_SMALL_WORDS.split())


def words_of(line: str) -> list[str]:
    """The words of a line in lower case; "don't" is one, digits count too."""
    return WORD.findall(line.lower())


class SongStatistics:
    """Counts songs as they come by; ``to_dict`` is what `Dataset.statistics` holds.

    The counts are exact, except that no more than `MOST_WORDS_KEPT` different words and `MOST_NAMES_KEPT` artists
    and genres are told apart.
    """

    def __init__(self) -> None:
        self.songs = self.lines = self.words = self.characters = self.with_sections = 0
        self._lines_per_song: Counter[int] = Counter()
        self._words_per_line: Counter[int] = Counter()
        self._artists: Counter[str] = Counter()
        self._genres: Counter[str] = Counter()
        self._vocabulary: Counter[str] = Counter()

    def add(self, *, lines: list[str], characters: int, artist: str, genre: str, has_sections: bool) -> int:
        """Count one song of these lyric lines (section names are none) and return how many words it has."""
        words_in_song = 0
        for line in lines:
            words = words_of(line)
            words_in_song += len(words)
            self._words_per_line[len(words)] += 1
            _count(self._vocabulary, words, MOST_WORDS_KEPT)
        self.songs += 1
        self.lines += len(lines)
        self.words += words_in_song
        self.characters += characters
        self.with_sections += has_sections
        self._lines_per_song[len(lines)] += 1
        _count(self._artists, [artist.casefold()] if artist else [], MOST_NAMES_KEPT)
        _count(self._genres, [genre] if genre else [], MOST_NAMES_KEPT)
        return words_in_song

    def to_dict(self) -> dict:
        sung = Counter({word: count for word, count in self._vocabulary.items() if word not in SMALL_WORDS})
        return {
            "songs": self.songs,
            "lines": self.lines,
            "words": self.words,
            "characters": self.characters,
            "different_words": len(self._vocabulary),
            "artists": len(self._artists),
            "genres": len(self._genres),
            "with_sections": self.with_sections,
            "lines_in_song": histogram(self._lines_per_song),
            "words_in_line": histogram(self._words_per_line),
            "top_genres": _top(self._genres),
            "top_words": _top(sung),
        }


def histogram(counts: Counter[int], columns: int = COLUMNS) -> dict:
    """Sort numbers into at most ``columns`` columns of equal width.

    Returns: ``first``, the smallest number; ``step``, how many numbers one column holds; ``counts``, one for each
    column, the last one with all that is larger; ``most``, the commonest number. Empty when nothing was counted.
    """
    if not counts:
        return {}
    first, last = min(counts), _percentile(counts, 0.98)
    step = max(1, -(-(last - first + 1) // columns))
    sums = [0] * min(columns, -(-(last - first + 1) // step))
    for number, count in counts.items():
        sums[min((number - first) // step, len(sums) - 1)] += count
    return {"first": first, "step": step, "counts": sums, "most": counts.most_common(1)[0][0]}


def _percentile(counts: Counter[int], share: float) -> int:
    """The number below or at which ``share`` of all that was counted lies."""
    wanted, seen = share * counts.total(), 0
    for number in sorted(counts):
        seen += counts[number]
        if seen >= wanted:
            return number
    return max(counts)


def _count(counter: Counter, names: list[str], most: int) -> None:
    if len(counter) < most:
        counter.update(names)
    else:
        counter.update(name for name in names if name in counter)


def _top(counter: Counter[str]) -> list[list]:
    return [[name, count] for name, count in sorted(counter.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]]
