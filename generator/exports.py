"""Lyrics as one file to take along: their words as text to print and sing, all that is known of them as JSON.

ids in an order ──a hundred lyrics at a time──▶ pieces of bytes ──▶ an answer that is sent as it is made
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, StreamingHttpResponse
from django.utils.text import slugify

from generator.models import Lyric
from training.exports import sent_as_made

LYRICS_AT_ONCE = 100
# What the API says of a lyric too, beside the link that it is shared by: a file goes further than its owner thinks.
FACTS = (
    "id",
    "title",
    "text",
    "generated_text",
    "prompt",
    "recipe",
    "model",
    "model_name",
    "model_sha256",
    "seed",
    "made_with",
    "kept_at",
    "bookmarked",
    "tags",
    "collections",
    "created_at",
    "updated_at",
)


@dataclass(frozen=True)
class Kind:
    """A kind of file: how one lyric is written, and what stands around and between them."""

    write: Callable[[Lyric], str]
    content_type: str
    opening: str = ""
    between: str = ""
    closing: str = ""


def as_text(lyric: Lyric) -> str:
    """Return title and words; a lyric without a title begins with its words."""
    return f"{lyric.title}\n\n{lyric.text}\n" if lyric.title else f"{lyric.text}\n"


def as_json(lyric: Lyric) -> str:
    """Return everything that is known of a lyric as a JSON object."""
    related = {
        "model": lyric.model_id,
        "collections": list(dict.fromkeys(entry.collection_id for entry in lyric.entries.all())),
    }
    facts = {name: related[name] if name in related else getattr(lyric, name) for name in FACTS}
    return json.dumps(facts, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)


KINDS = {
    "txt": Kind(as_text, "text/plain; charset=utf-8", between="\n\n* * *\n\n\n"),
    "json": Kind(as_json, "application/json", opening="[\n", between=",\n", closing="\n]\n"),
}


def lyrics_download(request: HttpRequest, ids: Sequence[str], *, kind: str, name: str) -> StreamingHttpResponse:
    """Return the lyrics of these ids, in this order, as a download.

    Args:
        ids: of lyrics that the person may read; one that is deleted meanwhile is left out.
        kind: one of `KINDS`.
        name: what the file is called, without its ending.
    """
    pieces = _pieces(ids, KINDS[kind])
    file_name = f"{slugify(name, allow_unicode=True)[:80] or 'lyrics'}.{kind}"
    return sent_as_made(request, pieces, content_type=KINDS[kind].content_type, file_name=file_name)


def _pieces(ids: Sequence[str], kind: Kind) -> Iterator[bytes]:
    before, end = kind.opening, kind.opening + kind.closing
    for start in range(0, len(ids), LYRICS_AT_ONCE):
        asked = ids[start : start + LYRICS_AT_ONCE]
        lyrics = Lyric.objects.prefetch_related("entries").in_bulk(asked)
        written = kind.between.join(kind.write(lyrics[pk]) for pk in asked if pk in lyrics)
        if written:
            yield (before + written).encode()
            before, end = kind.between, kind.closing
    if end:
        yield end.encode()
