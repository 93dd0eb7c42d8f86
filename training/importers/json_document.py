"""A JSON document: an array of songs, an object around a list of them, or one object after the other."""

import re
from collections.abc import Iterator
from typing import BinaryIO

from .encoding import decoded_chunks
from .importer import CountedStream, Findings, Importer, Progress, Sample
from .json_lines import examine_objects, song_from_object
from .json_objects import object_texts
from .limits import UPLOAD_LIMITS
from .options import ImportOptions
from .presets import working_preset
from .records import ParsedSong, RowError
from .values import oversized


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
        mapping = self.options.mapping
        preset = working_preset(self.options.preset, mapping)
        for number, found in enumerate(object_texts(chunks, self.limits.record_characters), start=1):
            if found.is_oversized:
                yield oversized(number, found.line, found.text, limits=self.limits)
            else:
                yield song_from_object(
                    number,
                    found.line,
                    found.text,
                    mapping=mapping,
                    limits=self.limits,
                    preset=preset,
                    artist=found.artist,
                )
