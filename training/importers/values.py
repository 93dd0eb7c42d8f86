"""From what stood in a record to the values of a song: text as given, names on one line, years as numbers."""

import re
import unicodedata

from .limits import Limits
from .records import SNIPPET_CHARACTERS, ParsedSong, Reason, RowError

_WORD_CHARACTER = re.compile(r"[^\W_]")
_NO_LETTERS = re.compile(r"[\W_]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NEWLINES_OF_ASCII = ("\r", "\v", "\f")
_NEWLINES = (*_NEWLINES_OF_ASCII, "\x85", "\u2028", "\u2029")
_OTHER_NEWLINES = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_NOT_IN_A_NAME = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_YEAR = re.compile(r"(?<!\d)(1\d{3}|20\d{2}|2100)(?!\d)")
# What a spreadsheet could take for a formula, behind apostrophes and white space: the signs of OWASP ASVS 5.0, 1.2.10,
# and the line feed as which a CR may come back.
_FORMULA = re.compile(r"'*+\s*[=+\-@\t\r\n\0]")
# How spreadsheets and data frames write "nothing".
_MISSING = frozenset({"na", "n/a", "nan", "null", "none"})


def song_text(value: str) -> str:
    """``value`` in NFC with ``\\n`` for every kind of newline, without NUL; lone surrogates become U+FFFD."""
    # Looked for before anything is replaced: nearly every song has none of these, and looking is 20 times as fast.
    text = value.replace("\0", "")
    if any(map(text.__contains__, _NEWLINES_OF_ASCII if text.isascii() else _NEWLINES)):
        text = _OTHER_NEWLINES.sub("\n", text)
    if text.isascii():
        return text
    if not _can_be_written(text):
        text = _SURROGATE.sub("\ufffd", text)
    return unicodedata.normalize("NFC", text)


def folded(name: str) -> str:
    """A name as names are compared: without case, accents, spaces and punctuation."""
    plain = unicodedata.normalize("NFKD", name[:100].casefold())
    return _NO_LETTERS.sub("", "".join(letter for letter in plain if not unicodedata.combining(letter)))


def has_words(text: str) -> bool:
    """Whether there is anything to sing: a letter or digit, and not just a mark for a missing value."""
    return _WORD_CHARACTER.search(text) is not None and not _is_missing(text)


def name(value: str, limits: Limits) -> str:
    """A title, artist, genre or language on one line, at most as long as a name may be."""
    # Cut first: a cell may be megabytes long, its first words are all we keep.
    text = value[: 2 * limits.name_characters]
    if text.isascii() and text.isprintable():
        text = " ".join(text.split())
    else:
        text = _NOT_IN_A_NAME.sub(" ", song_text(text)).strip()
    return "" if _is_missing(text) else text[: limits.name_characters].rstrip()


def year(value: str) -> int | None:
    """The year that a cell such as ``1999``, ``1999.0`` or ``1999-05-01`` names, None if it names none."""
    found = _YEAR.search(value[:40])
    return int(found[1]) if found else None


def snippet(value: str) -> str:
    """The first words of ``value`` on one line, for people who look for the place in their file."""
    text = _NOT_IN_A_NAME.sub(" ", song_text(value[: 2 * SNIPPET_CHARACTERS])).strip()
    return text if len(text) <= SNIPPET_CHARACTERS else text[: SNIPPET_CHARACTERS - 1] + "…"


def with_guard(text: str) -> str:
    """The text as our export writes it into a cell: an apostrophe stands before what could be a formula.

    What could be one behind apostrophes of its own gets one more, so that `without_guard` gives each text back.
    """
    return "'" + text if _FORMULA.match(text) else text


def without_guard(cell: str) -> str:
    """The text that `with_guard` made the cell of."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def assemble_song(
    number: int, line: int, text: str, *, limits: Limits, column: str = "", **names: str
) -> ParsedSong | RowError:
    """A song out of raw values, or the error that tells why its text is none.

    Args:
        text: the lyrics as they stood in the record; ``column`` is where, for the error.
        names: title, artist, genre, year and language, whichever the record has.
    """
    if len(text) > limits.song_characters:
        return oversized(number, line, text, limits=limits, column=column)
    text = song_text(text)
    if not has_words(text):
        return RowError(number, line, column, Reason.EMPTY, "There are no words in this song.", snippet(text))
    written_year = names.pop("year", "")
    return ParsedSong(
        record_number=number,
        line=line,
        text=text,
        year=year(written_year) if written_year else None,
        **{role: name(value, limits) for role, value in names.items() if value},
    )


def oversized(number: int, line: int, text: str, *, limits: Limits, column: str = "", hint: str = "") -> RowError:
    """The error for a record that is longer than a song may be."""
    message = f"This is longer than the {limits.song_characters:,} characters that one song may have."
    return RowError(number, line, column, Reason.OVERSIZED, f"{message} {hint}".strip(), snippet(text))


def no_song(number: int, line: int, text: str, genre: str) -> RowError:
    """The error for a text of which its own file says that it is no song."""
    message = f"The file files this under “{genre.strip()[:30]}”, which is no song."
    return RowError(number, line, "", Reason.JUNK, message, snippet(text))


def malformed(number: int, line: int, text: str, message: str, *, column: str = "") -> RowError:
    """The error for something that cannot be read as a record."""
    return RowError(number, line, column, Reason.MALFORMED, message, snippet(text))


def _can_be_written(text: str) -> bool:
    """Whether there is no half of a surrogate pair in the text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_missing(text: str) -> bool:
    return len(text) < 10 and text.strip().casefold() in _MISSING
