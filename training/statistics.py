"""What a dataset's page says about its songs: counts and shapes, gathered in one pass and in bounded memory."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain

WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
MOST_WORDS_KEPT = 300_000  # different words; a million songs hold more than memory should
MOST_NAMES_KEPT = 200_000  # artists, genres, languages
COLUMNS = 20
SHOWN = 8
GROWTH_POINTS = 24
YEAR_STEPS = (1, 2, 5, 10, 20, 50, 100)

# Most songs hold no letter or sign beyond ASCII but a dash. Where every byte that is in no word becomes a space, and
# apostrophes that join nothing go, splitting at spaces finds what WORD finds, in a third of the time.
_SPACED = bytes(byte if byte > 127 or chr(byte).isalnum() or chr(byte) in "'\n" else 32 for byte in range(256))
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
_STRAY_APOSTROPHE = re.compile(r"'(?:(?<![^\W_]')|(?![^\W_]))")

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


def words_by_line(text: str) -> list[list[str]]:
    """The words of each line of a text in lower case, as `words_of` finds them, but for all lines at once."""
    if not text.isascii():
        text = text.replace("—", " ").replace("–", " ").replace("…", " ")
    if not text.isascii() and not "".join(_BEYOND_ASCII.findall(text)).isalnum():
        return [WORD.findall(line) for line in text.split("\n")]
    spaced = text.encode().translate(_SPACED).decode()
    if "'" in spaced:
        spaced = _STRAY_APOSTROPHE.sub(" ", spaced)
    return [line.split() for line in spaced.split("\n")]


class SongStatistics:
    """Counts songs as they come by; ``to_dict`` is what `Dataset.statistics` holds.

    The counts are exact for the songs added, except that no more than `MOST_WORDS_KEPT` different words and
    `MOST_NAMES_KEPT` artists, genres and languages are told apart.
    """

    def __init__(self) -> None:
        self.songs = self.lines = self.words = self.characters = self.with_sections = self.repeated_lines = 0
        self._lines_per_song: Counter[int] = Counter()
        self._words_per_line: Counter[int] = Counter()
        self._sections_per_song: Counter[int] = Counter()
        self._artists: Counter[str] = Counter()
        self._genres: Counter[str] = Counter()
        self._languages: Counter[str] = Counter()
        self._years: Counter[int] = Counter()
        self._vocabulary: Counter[str] = Counter()
        self._growth = Growth()

    def add(
        self,
        *,
        lines: list[str],
        characters: int,
        artist: str,
        genre: str,
        has_sections: bool,
        year: int | None = None,
        language: str = "",
        section_count: int | None = None,
    ) -> None:
        """Count one song of these lyric lines.

        Args:
            lines: the lines that are sung, without blank ones and without the names of sections.
            characters: of the whole text.
            section_count: how many named sections it has, where that is known.
        """
        text = "\n".join(lines).lower()
        words = words_by_line(text) if lines else []
        lengths = list(map(len, words))
        self.songs += 1
        self.lines += len(lines)
        self.words += sum(lengths)
        self.characters += characters
        self.with_sections += has_sections
        self.repeated_lines += _repeated(text.split("\n"))
        self._lines_per_song[len(lines)] += 1
        self._words_per_line.update(lengths)
        _count(self._vocabulary, chain.from_iterable(words), MOST_WORDS_KEPT)
        self._growth.note(self.songs, len(self._vocabulary))
        if section_count:
            self._sections_per_song[section_count] += 1
        if year is not None:
            self._years[year] += 1
        for counter, name in (
            (self._artists, artist.casefold()),
            (self._genres, genre),
            (self._languages, language.lower()),
        ):
            if name:
                _count(counter, (name,), MOST_NAMES_KEPT)

    def to_dict(self, totals: Mapping | None = None) -> dict:
        """Return what was counted, ready for JSON.

        Args:
            totals: exact figures (songs, lines, words, characters, artists, genres, with_sections …) that stand in
                place of those counted here, where only some of the songs were added.
        Returns: the figures and shapes; ``sampled_songs`` says how many songs the shapes come from. How many have
            sections is told from their share, where ``totals`` does not say it.
        """
        sung = Counter({word: count for word, count in self._vocabulary.items() if word not in SMALL_WORDS})
        figures = {
            "songs": self.songs,
            "lines": self.lines,
            "words": self.words,
            "characters": self.characters,
            "different_words": len(self._vocabulary),
            "artists": len(self._artists),
            "genres": len(self._genres),
            "with_sections": self.with_sections,
            "first_year": min(self._years, default=None),
            "last_year": max(self._years, default=None),
            "repeated_line_share": round(self.repeated_lines / self.lines, 4) if self.lines else 0.0,
            "lines_in_song": histogram(self._lines_per_song),
            "words_in_line": histogram(self._words_per_line),
            "sections_in_song": histogram(self._sections_per_song),
            "years": year_histogram(self._years),
            "vocabulary_growth": self._growth.points(self.songs, len(self._vocabulary)),
            "top_genres": top(self._genres),
            "languages": top(self._languages),
            "top_words": top(sung),
            "sampled_songs": self.songs,
        }
        figures |= totals or {}
        if self.songs and "with_sections" not in (totals or {}):
            figures["with_sections"] = round(self.with_sections * figures["songs"] / self.songs)
        return figures


class Growth:
    """How a number grew with the songs: about twenty points of the curve, however many songs come by."""

    def __init__(self) -> None:
        self._step = 1
        self._points: list[list[int]] = []

    def note(self, songs: int, number: int) -> None:
        if songs % self._step:
            return
        self._points.append([songs, number])
        if len(self._points) == GROWTH_POINTS:
            # Every second point goes, and from here on they are taken half as often.
            self._points = self._points[1::2]
            self._step *= 2

    def points(self, songs: int, number: int) -> list[list[int]]:
        """Return the points with the end of the curve, [] when there is none."""
        if not songs or (self._points and self._points[-1][0] == songs):
            return list(self._points)
        return [*self._points, [songs, number]]


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


def year_histogram(counts: Counter[int]) -> dict:
    """Sort years into at most `COLUMNS` columns that begin at round years; the form is that of `histogram`.

    The first column also holds what is earlier: one wrong year must not press all others into one column.
    """
    if not counts:
        return {}
    earliest, last = _percentile(counts, 0.01), max(counts)
    step = next((step for step in YEAR_STEPS if last // step - earliest // step < COLUMNS), YEAR_STEPS[-1])
    first = earliest // step * step
    first = max(first, (last // step - COLUMNS + 1) * step)
    sums = [0] * ((last - first) // step + 1)
    for year, count in counts.items():
        sums[max((year - first) // step, 0)] += count
    return {"first": first, "step": step, "counts": sums, "most": counts.most_common(1)[0][0]}


def _percentile(counts: Counter[int], share: float) -> int:
    """The number below or at which ``share`` of all that was counted lies."""
    wanted, seen = share * counts.total(), 0
    for number in sorted(counts):
        seen += counts[number]
        if seen >= wanted:
            return number
    return max(counts)


def _repeated(lines: list[str]) -> int:
    """How many of a song's lines stand in it more than once."""
    if len(set(lines)) == len(lines):
        return 0
    return sum(count for count in Counter(lines).values() if count > 1)


def _count(counter: Counter, names: Iterable[str], most: int) -> None:
    if len(counter) < most:
        counter.update(names)
    else:
        counter.update(name for name in names if name in counter)


def top(counter: Counter[str]) -> list[list]:
    """The commonest names with their counts, at most `SHOWN`; what has no name is left out."""
    named = ((name, count) for name, count in counter.items() if name)
    return [[name, count] for name, count in sorted(named, key=lambda item: (-item[1], item[0]))[:SHOWN]]
