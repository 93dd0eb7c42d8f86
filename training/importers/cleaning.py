"""Takes out of a lyric what is no lyric: broken characters, markup, a site's own words, blanks.

Each kind of cleaning is a switch, and every place it changes is counted, so nothing happens silently; the raw text is
kept beside the cleaned one. What a person may want to know about but nobody should touch ("x2", a chorus that is only
named) is marked. Most songs need nothing, so each step first asks cheaply whether there is anything to do.
"""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html.entities import html5

import ftfy
from ftfy.badness import is_bad

from training.language_model import lyric_text

SWITCHES = {
    "mojibake": "Repair characters that were once decoded wrongly, such as â€™ for an apostrophe.",
    "markup": "Turn HTML entities into their characters and line break tags into new lines; take other tags out.",
    "site_text": "Take out what a lyrics site added: “12 Contributors … Lyrics”, “Embed”, “You might also like”.",
    "spacing": "Take out blanks at the ends of lines, double blanks and more than one blank line in a row.",
    "stubs": "Count songs that only say that they have no words (“Instrumental”) as empty.",
}
MARKS = {
    "repeats": "Says that something is repeated (x2, repeat chorus) without writing it out.",
    "chorus_reference": "Names the chorus without writing it out.",
    "instrumental": "Has an instrumental part, or is nothing else.",
}

# Undoing one layer can lay the next one bare: "&amp;lt;br&amp;gt;". More layers than this are nobody's accident.
LAYERS = 20


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A lyric after cleaning.

    ``changes`` says for each switch that did something how many places it changed; ``marks`` are keys of `MARKS`.
    """

    text: str
    changes: dict[str, int] = field(default_factory=dict)
    marks: tuple[str, ...] = ()


def clean(text: str, switches: Mapping[str, bool]) -> Cleaned:
    """``text`` without what the switches take out; cleaning twice changes nothing more.

    Args:
        text: a song as its file gives it, newlines as ``\\n``.
        switches: keys of `SWITCHES`; a switch that is not named is on.
    """
    original, changes = text, {}
    for _ in range(LAYERS):
        before = text
        for switch, step in _STEPS.items():
            if switches.get(switch, True):
                text, places = step(text)
                if places:
                    changes[switch] = changes.get(switch, 0) + places
        if text == before:
            break
    return Cleaned(text, changes, _marks(text or original))


# --- Characters decoded wrongly

# A broken character is at least two that are not ASCII, except where a no-break space became a blank ("voilÃ le") and
# where one control character was a Windows-1252 quote. Begins with a set, over which the search runs fast.
_TYPOGRAPHIC = frozenset("‘’“”–—…")  # no encoding makes a broken character of these alone
_PERHAPS_BROKEN = re.compile("[^\x00-\x7f](?:[^\x00-\x7f]|(?<=[ÂÃ]) |(?<=[\x80-\x9f]))")
_BROKEN_CHARACTER = re.compile("[^\x00-\x7f]{2,}|[ÂÃ] |[\x80-\x9f]")


def _repair_characters(text: str) -> tuple[str, int]:
    if _TYPOGRAPHIC.issuperset(lyric_text.beyond_ascii(text)) or not _PERHAPS_BROKEN.search(text):
        return text, 0
    # Line by line: a file often holds sound and broken lines side by side.
    lines, places = text.split("\n"), 0
    for index, line in enumerate(lines):
        if not line.isascii() and _PERHAPS_BROKEN.search(line) and is_bad(line):
            lines[index] = ftfy.fix_encoding(line)
            if lines[index] != line:
                places += len(_BROKEN_CHARACTER.findall(line)) or 1
    return "\n".join(lines), places


# --- HTML

_ENTITY = re.compile(r"&(?:amp;)*(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,10}\d{0,2});")
# "&#13;&#10;" is one newline, and so is "&#13;" at the end of a line.
_RETURN = re.compile(r"&#(?:0?13|[xX]0?[dD]);(?=\n|&#(?:0?10|[xX]0?[aA]);)")
# Only tags of HTML whose attributes look like some: "<3" and "a <b and c> d" are words.
_ATTRIBUTES = r"""(?:\s++[\w:-]++\s*+=\s*+(?:"[^"<>]*+"|'[^'<>]*+'|[^\s"'<>]++))*+\s*+/?"""
_HIDDEN = re.compile(rf"<(script|style)\b{_ATTRIBUTES}>[^<]*+</\1\s*+>|<!--[^<>]{{0,500}}-->", re.IGNORECASE)
_LINE_TAG = re.compile(rf"</?(?:br|div|li|ul|ol|tr|table|hr){_ATTRIBUTES}>[ \t]*+\n?", re.IGNORECASE)
_STANZA_TAG = re.compile(rf"</?(?:p|h[1-6]|blockquote|section|article){_ATTRIBUTES}>[ \t]*+\n?", re.IGNORECASE)
_INLINE_TAG = re.compile(
    r"</?(?:a|abbr|b|big|body|center|cite|code|em|font|html|i|img|ins|del|label|mark|pre|q|s|small|span|strike|strong"
    rf"|sub|sup|tbody|td|th|thead|tt|u|wbr){_ATTRIBUTES}>",
    re.IGNORECASE,
)
_TAGS = ((_HIDDEN, ""), (_LINE_TAG, "\n"), (_STANZA_TAG, "\n\n"), (_INLINE_TAG, ""))


def _take_out_markup(text: str) -> tuple[str, int]:
    places = 0
    if "<" in text and ">" in text:
        for tag, instead in _TAGS:
            text, found = tag.subn(instead, text)
            places += found
    if "&" in text and ";" in text:
        before, returns = _RETURN.subn("", text)
        places += returns
        text = _ENTITY.sub(_character, before)
        if text != before:
            places += sum(_character(found) != found[0] for found in _ENTITY.finditer(before))
    return text, places


def _character(entity: re.Match) -> str:
    """What an entity stands for; one that HTML does not know stays as it is."""
    name = entity[1]
    if name[0] != "#" and f"{name};" not in html5:
        return entity[0]
    return html.unescape(f"&{name};").replace("\r", "\n")


# --- What lyrics sites add

_READ_MORE = r"[^\n]{0,2000}?(?:…|\.\.\.)\s?Read More"
# The count and the title on one line, or the title on the next: there its line ends, or what follows is the site's.
_HEAD = re.compile(
    r"\s*+\d{1,4} Contributors?(?:[^\n]{0,500}?(?: Lyrics)+"
    rf"|[ \t]*+\n\s*+[^\n\[]{{1,100}}?(?: Lyrics)+(?=[ \t]*+(?:\n|\[|\Z)|{_READ_MORE}))(?:{_READ_MORE}\s*+)?"
)
# A title line without the count: only where a tag or a blank line shows that the song begins after it.
_TITLE_HEAD = re.compile(r"\s*+[^\n\[]{1,100}(?<=\S) Lyrics[ \t]*+(?=\[|\n[ \t]*+(?:\n|\[))")
# The site glues its word to the song's last one; "Embed" after a blank is the singer's.
_TAIL = re.compile(
    r"(?:You might also like)?"
    r"(?:(?:(?<!\d)|(?<=\d{4}))\d{1,3}(?:\.\d)?[KM]?|(?<=\S)|(?<=\n)|\A)Embed(?:Share URLCopyEmbedCopy)?\s*+\Z"
)
_TICKETS = re.compile(r"See [^\n]{1,80}? Live ?Get tickets as low as \$\d[\d,]*+")
# Alone on a line, or glued to the line before or to the tag after it; "You might also like me" is sung.
_ADVICE = re.compile(r"(?m)(?P<line>^)?(?<!\S )You might also like(?:(?=\[)|[ \t]*+(?:\n|\Z))")
_NOTICE = re.compile(
    r"(?m)^[ \t]*+(?:\*{3,} This Lyrics is NOT for Commercial use \*{3,}(?:\s*+\(\d{6,20}\))?"
    r"|(?:Lyrics )?[Ll]icensed (?:by|from) LyricFind|Lyrics powered by [\w.]{3,30}|Submit Corrections)[ \t]*+$\n?"
)


def _take_out_site_text(text: str) -> tuple[str, int]:
    places = 0
    if "Lyrics" in text:
        text, places = _without_head(text)
    if "Embed" in text[-40:]:
        text, found = _TAIL.subn("", text)
        places += found
    if "Get tickets" in text or "You might also like" in text:
        text, tickets = _TICKETS.subn("", text)
        text, advice = _ADVICE.subn(_end_of_line, text)
        places += tickets + advice
    if "yric" in text and _NOTICE.search(text):
        text, found = _NOTICE.subn("", text)
        places += found
    return text, places


def _end_of_line(advice: re.Match) -> str:
    return "\n" if advice["line"] is None else ""


def _without_head(text: str) -> tuple[str, int]:
    head = _HEAD.match(text) or _TITLE_HEAD.match(text)
    return (text[head.end() :].lstrip(), 1) if head else (text, 0)


# --- Blanks

_BLANKS = " \t\xa0\u3000"
_DOUBLE_BLANK = re.compile(f"[{_BLANKS}]{{2,}}")
_BLANK_LINES = re.compile(r"\n{3,}")


def _take_out_blanks(text: str) -> tuple[str, int]:
    if not _has_blanks_to_spare(text):
        return text, 0
    lines = text.split("\n")
    stripped = [line.strip(_BLANKS) for line in lines]
    places = sum(line != bare for line, bare in zip(lines, stripped, strict=True))
    text, double_blanks = _DOUBLE_BLANK.subn(" ", "\n".join(stripped))
    text, blank_lines = _BLANK_LINES.subn("\n\n", text)
    bare = text.strip("\n")
    return bare, places + double_blanks + blank_lines + (bare != text)


def _has_blanks_to_spare(text: str) -> bool:
    ends = text[:1] + text[-1:]
    return (
        "  " in text
        or " \n" in text
        or "\n " in text
        or "\n\n\n" in text
        or ends != ends.strip()
        or "\t" in text
        or "\xa0" in text
        or "\u3000" in text
    )


# --- Songs without words

_STUB_CHARACTERS = 160
_STUB = re.compile(
    r"[\W_]*(?:(?:this (?:song|track|piece)|the song|it)(?: is|'s|’s) (?:an? )?)?(?:purely )?instrumental"
    r"(?: (?:track|song|only|version|piece|music))?[\W_]*"
    r"|[\W_]*(?:sorry,? )?no lyrics(?: available)?[\W_]*"
    r"|[\W_]*(?:sorry,? )?(?:we (?:do not|don't|don’t) have )?(?:the )?lyrics (?:for this song )?(?:are |is )?"
    r"(?:not|currently not|un)[ -]?available(?: yet)?[\W_]*"
    r"|lyrics for this song have yet to be (?:released|transcribed)\.[^\n]{0,100}"
    r"|[\W_]*(?:n/?a|nan|none|null)[\W_]*",
    re.IGNORECASE,
)


def _take_out_stubs(text: str) -> tuple[str, int]:
    if len(text) <= _STUB_CHARACTERS and _STUB.fullmatch(text.strip()):
        return "", 1
    return text, 0


_STEPS: dict[str, Callable[[str], tuple[str, int]]] = {
    "mojibake": _repair_characters,
    "markup": _take_out_markup,
    "site_text": _take_out_site_text,
    "spacing": _take_out_blanks,
    "stubs": _take_out_stubs,
}

# --- Marks

_TIMES = re.compile(r"(?i)(?<![\w.])[x×] ?\d{1,2}(?!\w)|(?<![\w.])\d{1,2} ?[x×](?!\w)")
_REPEAT = re.compile(
    r"(?im)[\[({][^\n\])}]{0,30}\brepeat[^\n\])}]{0,40}[\])}]"
    r"|^[ \t*]*+repeat (?:the )?(?:\w+ )?(?:chorus|verse|refrain|hook|bridge|intro|pre-chorus|twice"
    r"|x ?\d|\d|(?:to|till?|until|and) fade)"
)
_NO_DIGITS = bytes(set(range(256)) - set(b"0123456789"))
_CHORUS_WORDS = ("chorus", "refr", "hook", "estribillo")
_INSTRUMENTAL = re.compile(r"(?im)^[ \t]*+(?:[\[({*][^\n]{0,40})?instrumental\b[^\n]{0,40}$")


def _marks(text: str) -> tuple[str, ...]:
    ascii_bytes = text.encode("ascii", "ignore").lower()  # which are lowered ten times as fast
    letters = ascii_bytes.decode()
    marks = []
    if (ascii_bytes.translate(None, delete=_NO_DIGITS) and _TIMES.search(text)) or (
        "repeat" in letters and _REPEAT.search(text)
    ):
        marks.append("repeats")
    names_chorus = any(map(letters.__contains__, _CHORUS_WORDS)) or (
        not text.isascii() and ("п" in text or "П" in text) and "припев" in text.lower()
    )
    if names_chorus and lyric_text.refers_to_chorus(text):
        marks.append("chorus_reference")
    if "instrumental" in letters and _INSTRUMENTAL.search(text):
        marks.append("instrumental")
    return tuple(marks)
