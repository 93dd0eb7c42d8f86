"""A JSON document with an array of songs, or with one object after the other however they are laid out."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import BinaryIO, NamedTuple

from .encoding import decoded_chunks
from .importer import CountedStream, Findings, Importer, Progress, Sample
from .json_lines import examine_objects, song_from_object
from .limits import UPLOAD_LIMITS
from .options import ImportOptions
from .records import ParsedSong, RowError
from .values import oversized

# Either a whole string, a quote whose string ends neither here nor on this line, or what gives a document its shape.
_TOKEN = re.compile(r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"|["{}]')
_NEXT_OBJECT = re.compile(r'\}\s*+,?\s*+(?=\{\s*+")')
_KEPT_WHILE_LOST = 200  # an end and a beginning may stand in two pieces of the file


class ObjectText(NamedTuple):
    """The text of one object on the top level (inside the array), and where it begins."""

    line: int
    text: str
    is_oversized: bool = False


def object_texts(chunks: Iterable[str], longest: int) -> Iterator[ObjectText]:
    """The objects of a document in bounded memory, told apart by their braces; strings hide theirs.

    An object that never closes, or grows beyond ``longest`` characters, ends where the next one begins.
    """
    text, line, is_lost = "", 1, False
    for chunk, is_last in chain(((chunk, False) for chunk in chunks), [("", True)]):
        text, place = text + chunk, 0
        while (start := _next_start(text, place, is_lost)) >= 0:
            extent = _extent(text, start, longest, is_last)
            if extent is None:
                break
            end, is_oversized, is_lost = extent
            line += text.count("\n", place, start)
            yield ObjectText(line, text[start : min(end, start + longest)], is_oversized)
            line += text.count("\n", start, end)
            place = end
        if start >= 0:
            rest, is_lost = start, False
        else:
            rest = max(place, len(text) - _KEPT_WHILE_LOST) if is_lost else len(text)
        line += text.count("\n", place, rest)
        text = text[rest:]


def _next_start(text: str, place: int, is_lost: bool) -> int:
    """Where the next object begins, -1 if nowhere; once lost, only behind the end of another one."""
    if not is_lost:
        return text.find("{", place)
    found = _NEXT_OBJECT.search(text, place)
    return found.end() if found else -1


def _extent(text: str, start: int, longest: int, is_last: bool) -> tuple[int, bool, bool] | None:
    """Where the object ends, whether it is oversized, and whether we lost our way; None if more text is needed."""
    end, is_broken = _end_of_object(text, start)
    size = (end or len(text)) - start
    if end is not None and size <= longest:
        return end, False, False
    if not (is_last or is_broken or size > longest):
        return None
    if found := _NEXT_OBJECT.search(text, start + 1, end or len(text)):
        return found.end(), found.end() - start > longest, False
    if end is not None:
        return end, True, False
    if not is_last and size <= longest:
        return None
    return len(text), size > longest, True


def _end_of_object(text: str, start: int) -> tuple[int | None, bool]:
    """Behind the object's last brace, None if that has not come; and whether a string in it breaks off."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        kind = token[0]
        if kind == "{":
            depth += 1
        elif kind == "}":
            depth -= 1
            if depth == 0:
                return token.end(), False
        elif kind == '"':
            return None, "\n" in text[token.end() :]
    return None, False


class JsonDocument(Importer):
    """Songs out of one JSON document."""

    name = "json"
    title = "JSON"

    @classmethod
    def recognise(cls, sample: Sample) -> float:
        if re.match(r"\s*(\[\s*)?\{", sample.text):
            return 0.9
        return 0.85 if sample.extension == ".json" else 0.0

    @classmethod
    def examine(cls, sample: Sample, options: ImportOptions) -> Findings:
        objects = object_texts([sample.text], UPLOAD_LIMITS.record_characters)
        return examine_objects((found.text for found in objects), options)

    def records(self, stream: BinaryIO, progress: Progress | None = None) -> Iterator[ParsedSong | RowError]:
        chunks = decoded_chunks(CountedStream(stream, progress), self.options.encoding)
        for number, found in enumerate(object_texts(chunks, self.limits.record_characters), start=1):
            if found.is_oversized:
                yield oversized(number, found.line, found.text, limits=self.limits)
            else:
                yield song_from_object(number, found.line, found.text, mapping=self.options.mapping, limits=self.limits)
