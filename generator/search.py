"""Finding lyrics by words of their title, text, tags or prompt: FTS5 on SQLite, a tsvector on PostgreSQL.

    index    rows of `Lyric` ──▶ their words, in the caller's transaction
    search   words of a person ──▶ a narrower queryset
    excerpt  a lyric that was found ──▶ the lines that say why

As with songs (`training.search`), whatever a person types are words, never an operator: all of them have to be there,
and the last one may be the beginning of a longer one.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models.expressions import RawSQL

from generator.models import Lyric
from generator.models.lyrics import LyricQuerySet
from training.language_model.lyric_text import section_name
from training.search_words import Sought, without_accents, words_of, words_wanted

LINES_SHOWN = 4

_FORGET_IN_SQLITE = """
DELETE FROM generator_lyricwords
WHERE rowid IN (SELECT rowid FROM generator_lyricwords WHERE generator_lyricwords MATCH %s)
"""
_INDEX_IN_SQLITE = "INSERT INTO generator_lyricwords (lyric_id, owner_id, words) VALUES (%s, %s, %s)"
_INDEX_IN_POSTGRESQL = """
INSERT INTO generator_lyricwords (lyric_id, words)
VALUES (%s, array_to_tsvector(string_to_array(%s, E'\\n')))
ON CONFLICT (lyric_id) DO UPDATE SET words = excluded.words
"""


def index(lyrics: Iterable[Lyric], *, are_new: bool = False) -> None:
    """Make these stored lyrics findable by what they say now. ``are_new`` says that they never were."""
    with transaction.atomic(), connection.cursor() as cursor:
        for lyric in lyrics:
            words = words_of("\n".join([lyric.title, lyric.text, *lyric.tags, lyric.prompt]))
            if connection.vendor == "postgresql":
                cursor.execute(_INDEX_IN_POSTGRESQL, [lyric.pk, "\n".join([_owner_word(lyric.owner_id), *words])])
                continue
            if not are_new:
                cursor.execute(_FORGET_IN_SQLITE, [f'lyric_id : "{lyric.pk}"'])
            cursor.execute(_INDEX_IN_SQLITE, [lyric.pk, lyric.owner_id, " ".join(words)])


def search(lyrics: LyricQuerySet, words: str, *, owner) -> LyricQuerySet:
    """Return those of ``owner``'s lyrics that hold all of ``words``, of which the last may be a beginning.

    Without a letter or digit in ``words`` none is found.
    """
    wanted = words_wanted(words)
    return lyrics.filter(pk__in=_found(owner.pk, wanted)) if wanted else lyrics.none()


def _found(owner_id: int, words: list[str]) -> RawSQL:
    """The keys of the lyrics of a person that hold the words, as a subquery."""
    if connection.vendor == "sqlite":
        quoted = " AND ".join(f'"{word}"' for word in words)
        wanted = f'owner_id : "{owner_id}" AND words : ({quoted} *)'
        return RawSQL("SELECT lyric_id FROM generator_lyricwords WHERE generator_lyricwords MATCH %s", [wanted])
    quoted = " & ".join(f"'{without_accents(word.lower())}'" for word in words)
    wanted = f"{_owner_word(owner_id)!r} & {quoted}:*"
    return RawSQL("SELECT lyric_id FROM generator_lyricwords WHERE words @@ %s::tsquery", [wanted])


@dataclass(frozen=True)
class Excerpt:
    """Some lines of a lyric, from its line ``first_line`` on (from 1, section names and blank lines not counted)."""

    text: str
    first_line: int


def excerpt(text: str, sought: Sought | None) -> Excerpt:
    """Return the beginning of a lyric or, where the words of a search stand further down, the lines around them.

    The line that holds most of the words counts, with the one before it; ``text`` goes on to its end.
    """
    if not sought:
        return Excerpt(text, 1)
    lines = text.splitlines()
    sung = [place for place, line in enumerate(lines) if line.strip() and section_name(line) is None]
    held = [len(sought.held_by(lines[place])) for place in sung]
    most = max(held, default=0)
    if not most or most in held[:LINES_SHOWN]:
        return Excerpt(text, 1)
    before = held.index(most) - 1
    return Excerpt("\n".join(lines[sung[before] :]), before + 1)


def _owner_word(owner_id: int) -> str:
    """A word that no text gives, as it holds a space."""
    return f"of {owner_id}"
