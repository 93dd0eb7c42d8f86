"""Files made of text, read by the doors that everybody uses."""

import io
import zipfile

from training.importers import ImportOptions, ParsedSong, RowError, inspect, iterate_records


def stream_of(content: str | bytes) -> io.BytesIO:
    return io.BytesIO(content.encode() if isinstance(content, str) else content)


def look(content: str | bytes, filename: str = "", **options):
    return inspect(stream_of(content), filename, ImportOptions.from_dict(options))


def read(content: str | bytes, filename: str = "", **options) -> list[ParsedSong | RowError]:
    """Every record of a file, read as its inspection proposes."""
    found = look(content, filename, **options)
    return list(iterate_records(stream_of(content), found.options, filename=filename))


def songs_of(items) -> list[ParsedSong]:
    return [item for item in items if isinstance(item, ParsedSong)]


def errors_of(items) -> list[tuple[int, int, str]]:
    """Record number, line and reason of each rejected record."""
    return [(item.record_number, item.line, str(item.reason)) for item in items if isinstance(item, RowError)]


def texts_of(items) -> list[str]:
    return [song.text for song in songs_of(items)]


def as_archive(members: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return archive.getvalue()
