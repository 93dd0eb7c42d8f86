"""What leaves the house as a table: safe to open in a spreadsheet, and songs so that they import back as they were.

songs ──a query each──▶ pieces of bytes, small ones first ──▶ a file, or an answer that is sent as it is made
"""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

from django.core.handlers.asgi import ASGIRequest
from django.db import close_old_connections, connection, transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.text import slugify

from training.importers.values import with_guard


def neutral_cell(value) -> str:
    """Return the text of a cell that no spreadsheet takes for a formula; an import of our own table gives it back."""
    return "" if value is None else with_guard(str(value))


def csv_text(header: Sequence[str], rows: Iterable[Sequence]) -> str:
    """Return a CSV table with neutral cells; numbers stay numbers, negative ones too."""
    return csv_lines([header]) + csv_lines(rows)


def csv_lines(rows: Iterable[Sequence]) -> str:
    """Return rows of a CSV table as `csv_text` writes them."""
    table = io.StringIO()
    writer = csv.writer(table)
    for row in rows:
        writer.writerow([value if isinstance(value, int | float) else neutral_cell(value) for value in row])
    return table.getvalue()


def csv_download(text: str, name: str) -> HttpResponse:
    """Return the table as a download that a browser neither shows nor runs."""
    return _as_attachment(HttpResponse(text, content_type="text/csv; charset=utf-8"), f"{slugify(name) or 'table'}.csv")


def _as_attachment(response, file_name: str):
    response["Content-Disposition"] = content_disposition_header(True, file_name)
    response["Content-Security-Policy"] = "sandbox"
    response["X-Content-Type-Options"] = "nosniff"
    return response


REJECTION_COLUMNS = ("record", "line", "column", "reason", "message", "snippet")


def rejections_csv(rejections: Iterable) -> str:
    """Return the records that were left out as a CSV table."""
    rows = rejections.values_list("record_number", "line", "column", "reason", "message", "snippet")
    return csv_text(REJECTION_COLUMNS, rows.iterator())


# ── Songs ────────────────────────────────────────────────────────────────────────────────────────────────────────

SONG_COLUMNS = ("ordinal", "title", "artist", "genre", "year", "language", "lyrics")
_SONG_FIELDS = (*SONG_COLUMNS[:-1], "text")
# A piece is made by one query and held in memory; the first comes at once, a hundred thousand songs take ten of them.
FIRST_PIECE_BYTES = 64 * 1024
LARGEST_PIECE_BYTES = 24 * 1024 * 1024
PIECES_GROW = 16
ROWS_AT_ONCE = 200
_makers = ThreadPoolExecutor(2, thread_name_prefix="export")


def songs_jsonl(songs) -> Iterator[bytes]:
    """Yield one JSON object a line for each song of a version, in their order; memory stays bounded."""
    return _pieces(songs, _json_line)


def songs_csv(songs) -> Iterator[bytes]:
    """Yield a CSV table of the songs of a version, in their order, with neutral cells; memory stays bounded."""
    yield csv_lines([SONG_COLUMNS]).encode()
    yield from _pieces(songs, lambda row: csv_lines([row]))


SONG_FORMATS: dict[str, tuple[Callable, str]] = {
    "jsonl": (songs_jsonl, "application/x-ndjson"),
    "csv": (songs_csv, "text/csv; charset=utf-8"),
}


def songs_download(request: HttpRequest, songs, *, kind: str, name: str) -> StreamingHttpResponse:
    """Return the songs as a download that is sent while it is made, and holds no database connection meanwhile.

    Args:
        kind: one of `SONG_FORMATS`.
        name: what the file is called, without its ending.
    """
    write, content_type = SONG_FORMATS[kind]
    file_name = f"{slugify(name) or 'songs'}.{kind}"
    return sent_as_made(request, write(songs), content_type=content_type, file_name=file_name)


def sent_as_made(
    request: HttpRequest, pieces: Iterator[bytes], *, content_type: str, file_name: str
) -> StreamingHttpResponse:
    """Return pieces of bytes, none of them empty, as a download that holds no database connection between two."""
    if not connection.in_atomic_block:
        close_old_connections()  # whoever reads slowly may take an hour
    content = _made_in_threads(pieces) if isinstance(request, ASGIRequest) else pieces
    response = StreamingHttpResponse(content, content_type=content_type)
    return _as_attachment(response, file_name)


def _pieces(songs, line_of: Callable[[tuple], str]) -> Iterator[bytes]:
    size, last, is_full = FIRST_PIECE_BYTES, 0, True
    while is_full:
        piece, last = _piece(songs.filter(ordinal__gt=last), size, line_of)
        if piece:
            yield piece
        is_full = len(piece) >= size
        size = min(PIECES_GROW * size, LARGEST_PIECE_BYTES)


def _piece(songs, size_bytes: int, line_of: Callable[[tuple], str]) -> tuple[bytes, int]:
    """The next lines, until they are ``size_bytes`` or more, and the ordinal of the last one."""
    piece, last = bytearray(), 0
    # PostgreSQL hands rows out one by one inside a transaction alone; on SQLite that would keep others from writing.
    with transaction.atomic() if connection.vendor == "postgresql" else nullcontext():
        rows = songs.order_by("ordinal").values_list(*_SONG_FIELDS)
        for row in rows.iterator(chunk_size=ROWS_AT_ONCE):
            piece += line_of(row).encode()
            last = row[0]
            if len(piece) >= size_bytes:
                break
    return bytes(piece), last


def _json_line(row: tuple) -> str:
    return json.dumps(dict(zip(SONG_COLUMNS, row, strict=True)), ensure_ascii=False) + "\n"


async def _made_in_threads(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces, each made in one of two threads that all downloads of this process share."""
    loop = asyncio.get_running_loop()
    while piece := await loop.run_in_executor(_makers, _next_piece, pieces):
        yield piece


def _next_piece(pieces: Iterator[bytes]) -> bytes | None:
    close_old_connections()
    try:
        return next(pieces, None)
    finally:
        close_old_connections()
