"""JSON Lines: one JSON object a line, one song an object."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import BinaryIO

from .columns import complete_mapping
from .encoding import decoded_chunks
from .importer import CountedStream, Findings, Importer, Progress, Sample
from .json_objects import holds_songs
from .limits import Limits
from .lines import Line, read_lines
from .options import ROLES, ImportOptions
from .presets import Preset, name_of, recognised, title_of, working_preset
from .records import ImportRefused, ParsedSong, Reason, RowError
from .values import assemble_song, malformed, no_song, oversized, snippet

_SAMPLE_OBJECTS = 50
_MOST_COLUMNS = 1000
# Numbers stay the text they are: a number of 5,000 digits is no year, and Python refuses to read it as one.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


class NotText(ValueError):
    """Raised for a JSON value that is no text and no list of texts."""


def read_object(text: str) -> dict:
    """The JSON object that ``text`` is. Raises: ValueError with a sentence for people if it is none."""
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")  # "Unterminated string starting at"
        raise ValueError(f"This is not JSON: {what} at character {error.pos + 1}.") from None
    except RecursionError:
        raise ValueError("This JSON is nested too deeply.") from None
    if not isinstance(value, dict):
        raise ValueError("This is JSON, but not an object with the song's fields.")
    return value


def song_from_object(
    number: int,
    line: int,
    text: str,
    *,
    mapping: Mapping[str, str],
    limits: Limits,
    preset: Preset | None = None,
    artist: str = "",
) -> ParsedSong | RowError:
    """One song out of the text of one JSON object, or what is wrong with it.

    Args:
        preset: what is to be put right in the values.
        artist: whose song it is, if the object does not say.
    """
    try:
        values = read_object(text)
    except ValueError as error:
        return malformed(number, line, text, str(error))
    column = mapping["lyrics"]
    try:
        lyrics = _joined(values.get(column), "\n")
    except NotText:
        return malformed(number, line, text, "The lyrics are neither a text nor a list of lines.", column=column)
    if not lyrics.strip():
        return RowError(number, line, column, Reason.EMPTY, "This record has no lyrics.", snippet(text))
    names = {role: _name(values.get(mapping[role])) for role in ROLES if role != "lyrics" and role in mapping}
    names["artist"] = names.get("artist") or artist
    if preset and preset.is_no_song(names):
        return no_song(number, line, lyrics, names["genre"])
    if preset:
        names = preset.repaired({"lyrics": lyrics, **names})
        lyrics = names.pop("lyrics")
    return assemble_song(number, line, lyrics, limits=limits, column=column, **names)


def examine_objects(texts: Iterable[str], options: ImportOptions) -> Findings:
    """Columns and mapping out of the first JSON objects of a file.

    Raises: ImportRefused if there is no object among them.
    """
    columns: dict[str, None] = {}
    rows = []
    for text in islice(texts, _SAMPLE_OBJECTS):
        try:
            values = read_object(text)
        except ValueError:
            continue
        columns.update(dict.fromkeys(islice(values, _MOST_COLUMNS)))
        rows.append({column: _name(value, "\n") for column, value in values.items()})
    if not columns:
        raise ImportRefused("No JSON object with a song's fields was found at the beginning of this file.")
    names = tuple(islice(columns, _MOST_COLUMNS))
    preset = recognised(names, chosen=options.preset)
    mapping, needs_mapping = complete_mapping(options.mapping, names, rows, preset)
    warnings = list(preset.notes) if preset else []
    if needs_mapping and "lyrics" in mapping:
        warnings.append(
            f"No field is named like lyrics; “{mapping['lyrics']}” holds the longest text. Please confirm it."
        )
    elif needs_mapping:
        warnings.append("No field looks like lyrics. Please say which one holds them.")
    options = replace(options, mapping=mapping, preset=name_of(preset, options.preset))
    return Findings(options, names, tuple(warnings), needs_mapping, title_of(options.preset))


class JsonLines(Importer):
    """Songs out of a file with one JSON object a line."""

    name = "jsonl"
    title = "JSON Lines"

    @classmethod
    def recognise(cls, sample: Sample) -> float:
        texts = list(islice(_texts(sample), _SAMPLE_OBJECTS))
        if not texts or not texts[0].startswith("{") or holds_songs(texts[0]):
            return 0.0
        is_mostly_sound = 2 * sum(map(_is_object, texts)) >= len(texts)
        return 0.98 if is_mostly_sound or sample.extension in (".jsonl", ".ndjson") else 0.0

    @classmethod
    def examine(cls, sample: Sample, options: ImportOptions) -> Findings:
        return examine_objects(_texts(sample), options)

    def records(self, stream: BinaryIO, progress: Progress | None = None) -> Iterator[ParsedSong | RowError]:
        lines = read_lines(
            decoded_chunks(CountedStream(stream, progress), self.options.encoding), self.limits.record_characters
        )
        records = (line for line in lines if line.text and not line.text.isspace())
        for number, line in enumerate(records, start=1):
            yield self._song(number, line)

    def _song(self, number: int, line: Line) -> ParsedSong | RowError:
        if line.is_cut:
            return oversized(number, line.number, line.text, limits=self.limits)
        return song_from_object(
            number,
            line.number,
            line.text,
            mapping=self.options.mapping,
            limits=self.limits,
            preset=working_preset(self.options.preset, self.options.mapping),
        )


def _texts(sample: Sample) -> Iterator[str]:
    return (text for line in sample.text.split("\n") if (text := line.strip()))


def _is_object(text: str) -> bool:
    try:
        return bool(read_object(text))
    except ValueError:
        return False


def _joined(value, between: str) -> str:
    """A text, or the texts of a list with ``between`` between them. Raises: NotText for anything else."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return between.join(value)
    raise NotText


def _name(value, between: str = ", ") -> str:
    """A title, artist, genre …: of an object its ``name``; what is no text is left out."""
    if isinstance(value, dict):
        value = value.get("name")
    try:
        return _joined(value, between)
    except NotText:
        return ""
