"""Which column holds what: guessed by name, never by position, and by content only as a proposal."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from .options import ROLES
from .presets import Preset
from .records import InvalidOptions
from .values import folded

# What people call a column, the surest names first. Compared without case, accents, spaces and punctuation.
ALIASES: dict[str, tuple[str, ...]] = {
    "lyrics": (
        *("lyrics", "lyric", "songlyrics", "lyricstext", "songtext", "liedtext", "letra", "letras", "paroles", "testo"),
        *("tekst", "text", "songtexte", "verse", "verses", "words", "poem", "content", "body"),
    ),
    "title": (
        *("title", "songtitle", "songname", "trackname", "tracktitle", "sname", "song", "track", "titel", "titre"),
        *("titulo", "titolo", "name"),
    ),
    "artist": (
        *("artist", "artistname", "artists", "singer", "performer", "interpreter", "interpret", "band", "author"),
        *("poet", "artista", "artiste", "kunstler", "cantor", "interprete", "songwriter", "composer", "alink"),
        *("primaryartist", "artistnames"),
    ),
    "genre": ("genre", "genres", "maingenre", "style", "category", "tag", "tags", "genero", "albumgenre", "topic"),
    "year": ("year", "releaseyear", "date", "releasedate", "release", "publicationdatealbum", "jahr", "ano", "annee"),
    "language": ("language", "lang", "languageft", "languagecld3", "idiom", "sprache", "idioma", "langue"),
}
# Lyrics in other languages: a good guess, which a person confirms.
_FOREIGN_LYRICS = frozenset({"songtext", "songtexte", "liedtext", "letra", "letras", "paroles", "testo", "tekst"})
# A column of lyrics stands out: cells of this many characters on average, and twice as many as the next column's.
_LYRICS_CHARACTERS = 60
NAME_CHARACTERS = 100


def unique_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Column names out of a header's cells: trimmed, the nameless numbered, the doubled told apart."""
    names: dict[str, None] = {}
    times: Counter[str] = Counter()
    for position, cell in enumerate(cells, start=1):
        wanted = unique = " ".join(cell.split())[:NAME_CHARACTERS] or f"column {position}"
        while unique in names:
            times[wanted] += 1
            unique = f"{wanted} ({times[wanted] + 1})"
        names[unique] = None
    return tuple(names)


def numbered_names(count: int) -> tuple[str, ...]:
    """Names for the columns of a table that has none."""
    return tuple(f"column {position}" for position in range(1, count + 1))


def is_known_name(cell: str) -> bool:
    """Whether a cell is a name that people give to a column we look for."""
    return folded(cell) in _KNOWN


def is_foreign_lyrics_name(cell: str) -> bool:
    """Whether a cell means lyrics in another language than English."""
    return folded(cell) in _FOREIGN_LYRICS


def guess_mapping(columns: Sequence[str], preset: Preset | None = None) -> dict[str, str]:
    """The column of each role as far as the names tell, each column at most once; a preset's own come first."""
    by_name: dict[str, str] = {}
    for column in columns:
        by_name.setdefault(folded(column), column)
    known = preset.mapping if preset else {}
    mapping = {role: by_name[known[role]] for role in ROLES if known.get(role) in by_name}
    for role in ROLES:
        free = (
            by_name[alias] for alias in ALIASES[role] if alias in by_name and by_name[alias] not in mapping.values()
        )
        if role not in mapping and (column := next(free, None)):
            mapping[role] = column
    return {role: mapping[role] for role in ROLES if role in mapping}


def propose_lyrics(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """The column that is clearly the longest text, or the empty string if none stands out."""
    rows = list(rows)
    if not rows:
        return ""
    length = {column: sum(len(row.get(column, "")) for row in rows) / len(rows) for column in columns}
    breaks = {column: sum("\n" in row.get(column, "").strip() for row in rows) for column in columns}
    first, *others = sorted(columns, key=lambda column: length[column], reverse=True)
    if not breaks[first] and length[first] < _LYRICS_CHARACTERS:
        return ""
    return first if not others or length[first] >= 2 * length[others[0]] else ""


def complete_mapping(
    chosen: Mapping[str, str], columns: Sequence[str], rows: Iterable[Mapping[str, str]], preset: Preset | None = None
) -> tuple[dict[str, str], bool]:
    """The mapping to read with, and whether a person has to confirm it first.

    Args:
        chosen: columns a person named; they win, and what they left open is guessed around them.
        rows: some records by column name, looked at if no name tells which column holds the lyrics.
        preset: the public dataset this is, if it is one.
    Raises: InvalidOptions if a chosen column is not there.
    """
    chosen = {role: _find(column, columns) for role, column in chosen.items()}
    left = [column for column in columns if column not in chosen.values()]
    guessed = guess_mapping(left, preset)
    mapping = {role: column for role in ROLES if (column := chosen.get(role) or guessed.get(role))}
    if "lyrics" in mapping:
        return mapping, "lyrics" not in chosen and is_foreign_lyrics_name(mapping["lyrics"])
    if proposed := propose_lyrics(left, rows):
        mapping = {"lyrics": proposed} | {role: column for role, column in mapping.items() if column != proposed}
    return mapping, True


def _find(wanted: str, columns: Sequence[str]) -> str:
    if wanted in columns:
        return wanted
    for column in columns:
        if column.casefold() == " ".join(wanted.split()).casefold():
            return column
    shown = ", ".join(columns[:20]) + (" …" if len(columns) > 20 else "")
    raise InvalidOptions({"mapping": [f"There is no column named {wanted!r}. The columns are: {shown}."]})


_KNOWN = frozenset(alias for aliases in ALIASES.values() for alias in aliases)
