"""Plain text: one song, or several with something between them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import BinaryIO

from .encoding import decoded_chunks
from .importer import CountedStream, Findings, Importer, Progress, Sample
from .limits import UPLOAD_LIMITS
from .lines import Line, read_lines
from .options import ImportOptions
from .presets import title_of
from .records import ParsedSong, RowError
from .values import assemble_song, oversized

BLANK_LINES_BETWEEN_SONGS = 3
_LONGEST_MARK = 200
_RULE = re.compile(r"([-=*])(?:[ \t]*\1){2,}")
_HEAD = re.compile(r"-+\s*([^-\s](?:.*[^-\s])?)\s*-+")
# As LyricsGenius writes an artist's songs into a text file.
_BLOCK_HEAD = re.compile(r"\[Song\s+\d+\s*:\s*(.+?)\s*\]", re.IGNORECASE)
_HINT = "If the file holds several songs, choose what stands between them."


def likely_separator(text: str) -> str:
    """What stands between the songs of a text, judged by its beginning: one of SEPARATORS."""
    marks = [line for raw in text.split("\n") if (line := raw.strip()) and len(line) <= _LONGEST_MARK]
    if _has_block_heads(text):
        return "heads"
    heads = [_HEAD.fullmatch(line) is not None for line in marks]
    if heads and (heads[0] or sum(heads) > 1):
        return "heads"
    if any(_RULE.fullmatch(line) for line in marks):
        return "rule"
    return "blank" if _longest_gap(text) >= BLANK_LINES_BETWEEN_SONGS else "none"


@dataclass(slots=True)
class TextSong:
    """The lines of one song while they are read; ``is_oversized`` once they are more than a song may have."""

    line: int
    title: str = ""
    lines: list[str] = field(default_factory=list)
    characters: int = 0
    is_oversized: bool = False

    def add(self, text: str, *, after_blank_lines: int, most_characters: int) -> None:
        """Take one more line; white space alone on a line is not kept."""
        self.characters += after_blank_lines + len(text) + bool(self.lines)
        self.is_oversized = self.is_oversized or self.characters > most_characters
        if not self.is_oversized:
            self.lines += [""] * after_blank_lines
            self.lines.append(text)
        elif not self.lines:
            self.lines.append(text[:most_characters])  # enough to show which song it is

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def songs_in(lines: Iterable[Line], *, separator: str, title_line: bool, most_characters: int) -> Iterator[TextSong]:
    """The songs that ``lines`` hold, cut at ``separator``; stretches of nothing but white space are no songs."""
    song, blank_lines, read_mark = None, 0, _Marks(separator).read
    for line in lines:
        if not line.text or line.text.isspace():
            blank_lines += 1
            continue
        is_mark, title = read_mark(line.text)
        if song and (is_mark or (separator == "blank" and blank_lines >= BLANK_LINES_BETWEEN_SONGS)):
            yield song
            song = None
        if is_mark:
            song = TextSong(line.number, title) if title else None
        elif song is None and title_line:
            song = TextSong(line.number, line.text)
        else:
            song = song or TextSong(line.number)
            gap = blank_lines if song.lines else 0
            song.add(line.text, after_blank_lines=gap, most_characters=most_characters)
        blank_lines = 0
    if song:
        yield song


class PlainText(Importer):
    """Songs out of a text file."""

    name = "txt"
    title = "plain text"

    @classmethod
    def recognise(cls, sample: Sample) -> float:
        return 0.75 if sample.extension in (".txt", ".text", ".lyrics") else 0.4

    @classmethod
    def examine(cls, sample: Sample, options: ImportOptions) -> Findings:
        separator = options.separator or likely_separator(sample.text)
        is_lyricsgenius = separator == "heads" and _has_block_heads(sample.text)
        preset = "lyricsgenius_text" if is_lyricsgenius else ""
        warnings = []
        if separator == "none" and len(sample.text) > UPLOAD_LIMITS.song_characters:
            warnings.append("Nothing was found between songs, so the whole file is one song.")
        options = replace(options, separator=separator, preset=preset)
        return Findings(options, warnings=tuple(warnings), looks_like=title_of(preset))

    def records(self, stream: BinaryIO, progress: Progress | None = None) -> Iterator[ParsedSong | RowError]:
        separator, limits = self.options.separator, self.limits
        chunks = decoded_chunks(CountedStream(stream, progress), self.options.encoding)
        lines = read_lines(chunks, limits.record_characters)
        songs = songs_in(
            lines, separator=separator, title_line=self.options.title_line, most_characters=limits.song_characters
        )
        # A song that is alone in its file has the file's name for its title, unless it brings its own.
        name = PurePath(self.filename).stem if separator == "none" else ""
        for number, song in enumerate(songs, start=1):
            if song.is_oversized:
                hint = _HINT if separator == "none" else ""
                yield oversized(number, song.line, song.text, limits=limits, hint=hint)
            else:
                yield assemble_song(number, song.line, song.text, limits=limits, title=song.title or name)


class _Marks:
    """Which lines stand between songs. The first head of a text says how all of its heads are written."""

    def __init__(self, separator: str):
        self._separator = separator
        self._heads = (_BLOCK_HEAD, _HEAD)

    def read(self, text: str) -> tuple[bool, str]:
        """Whether this line stands between two songs, and the title it gives to the next one."""
        if self._separator in ("none", "blank") or len(text) > _LONGEST_MARK:
            return False, ""
        mark = text.strip()
        if self._separator == "rule":
            return _RULE.fullmatch(mark) is not None, ""
        if self._separator != "heads":
            return mark == self._separator, ""
        for head in self._heads:
            if found := head.fullmatch(mark):
                self._heads = (head,)
                return True, found[1]
        return False, ""


def _has_block_heads(text: str) -> bool:
    return "[" in text and any(_BLOCK_HEAD.fullmatch(line.strip()) for line in text.split("\n"))


def _longest_gap(text: str) -> int:
    """The most blank lines in a row that stand between two lines with something on them."""
    gaps = [0]
    for line in text.strip().split("\n"):
        if line.strip():
            gaps.append(0)
        else:
            gaps[-1] += 1
    return max(gaps)
