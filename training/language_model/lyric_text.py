"""The text of a song: how it is cleaned, where its lines, stanzas and sections begin.

Pure Python, importable without torch and Django. A song is written in one canonical form

    [Verse]                  a section tag, its number dropped
    first line
    second line

    [Chorus]                 a blank line before each stanza or section
    ...

and `marked_lines` turns that form into marks and lines, which is what both tokenizers read.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

LINE = "\n"
STANZA = "\n\n"

# What a tokenizer knows besides characters or words. Angle brackets never clash with song text: characters are
# single, and the word tokenizer splits "<" from the letters after it.
UNKNOWN_MARK = "<unknown>"
BEGIN_MARK = "<begin>"
END_MARK = "<end>"
LINE_MARK = "<line>"
STANZA_MARK = "<stanza>"
TITLE_MARK = "<title>"  # of models that are told titles: a line of its own before the lyrics

SECTION_TITLES = {
    "verse": "Verse",
    "pre-chorus": "Pre-Chorus",
    "chorus": "Chorus",
    "bridge": "Bridge",
    "intro": "Intro",
    "outro": "Outro",
    "other": "Section",
}
SECTION_MARKS = {kind: f"<{kind}>" for kind in SECTION_TITLES}
SPECIAL_TOKENS = (UNKNOWN_MARK, BEGIN_MARK, END_MARK, LINE_MARK, STANZA_MARK, *SECTION_MARKS.values())
MARK_TITLES = {SECTION_MARKS[kind]: f"[{title}]" for kind, title in SECTION_TITLES.items()}

# First match wins, so "Pre-Chorus" is asked before "Chorus". Lyrics sites in other languages name their sections too;
# Vagalume's songs are part of two public datasets.
SECTION_KEYWORDS = (
    ("pre-chorus", ("pre-chorus", "pre chorus", "prechorus", "pre-hook", "pre hook", "build", "pré-refrão")),
    ("chorus", ("chorus", "refrain", "hook", "burden", "refrão", "refrao", "estribillo", "ritornello", "припев")),
    ("verse", ("verse", "strophe", "couplet", "verso", "estrofe", "strofa", "куплет")),
    ("bridge", ("bridge", "middle 8", "middle eight", "break", "puente")),
    ("intro", ("intro", "opening", "prelude")),
    ("outro", ("outro", "coda", "ending", "finale")),
)

# Whatever stands alone in square brackets is a tag, "x2" or a colon may follow. A list of singers makes it long.
BRACKETED_TAG = re.compile(
    r"\[([^\[\]]{1,60}|(?i:verse|(?:pre-|post-)?chorus|hook|bridge)\b[^\[\]]{1,120})\](?: ?x ?\d{1,2}|:)?"
)
_TIMES = r"(?:x ?\d{1,2}|\d{1,2} ?x)"
_COUNT = rf"(?:[ -]?(?:\d{{1,2}}|[IVX]{{1,4}}\b))?(?:,? (?:{_TIMES}|\({_TIMES}\)))?"
# Books write "CHORUS." or "Verse 2:" without brackets; only words that are hardly ever a whole lyric line count.
BARE_TAG = re.compile(
    rf"\(?((?:verse|(?:pre|post)[- ]?chorus|chorus|refrain|bridge|intro|outro|refrão|припев){_COUNT})\)?[.:]?",
    re.IGNORECASE,
)
# With something around them more words are safe: {Verse 1: Singer}, **Hook**, <Chorus>, - Solo -, (Refrão) x2, Hook:
DRESS = "{}()<>*_#=~-–—: "
DRESSED_WORD = re.compile(
    r"((?:verse|verso|strophe|strofa|estrofe|couplet|(?:pre|post)[- ]?(?:chorus|hook)|chorus|hook|refrain|refrão|refrao"
    r"|estribillo|ritornello|bridge|puente|intro|outro|interlude|instrumental|breakdown|solo|coda|куплет|припев)"
    rf"{_COUNT})(\s*: ?[^:]{{1,60}}|[)}}>*]+ ?x ?\d{{1,2}})?",
    re.IGNORECASE,
)
LONGEST_BARE_TAG = 28
# Nearly every line is known to be no tag by its first character, or its first two letters: verse, strophe, estrofe …
TAG_SIGNS = frozenset("[{(<*_#=~-–—")
_TWO_LETTERS = ("ve", "st", "es", "co", "pr", "po", "ch", "ho", "re", "ri", "br", "pu", "in", "ou", "so", "ку", "пр")
TAG_LETTERS = frozenset(
    written
    for first, second in _TWO_LETTERS
    for written in (first + second, first.upper() + second, first + second.upper(), first.upper() + second.upper())
)

LINE_BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
BLANKS = re.compile(r"[^\S\n]+")
BLANK_LINES = re.compile(r"\n{3,}")
QUOTES = dict.fromkeys("‘’‚‛ʼ`´′ʻ＇", "'") | dict.fromkeys("“”„‟″«»＂", '"')
# Joiners carry meaning in several scripts and emoji; every other invisible format character is noise or hostile.
KEPT = frozenset("\u200c\u200d\n\t")
PERHAPS_NOISE = re.compile(r"[^\w !-~\n]")
PLAIN_ASCII = bytes(range(0x20, 0x7F)) + b"\n"
ASCII = bytes(range(128))


def normalise(text: str) -> str:
    """The text as every later step wants it.

    Unicode NFC; one kind of newline; no control, invisible or unpaired surrogate characters; typographic quotes and
    apostrophes folded to ' and "; runs of blanks collapsed and lines stripped; at most one blank line between
    lines, none at either end. Normalising twice changes nothing.
    """
    text = _with_plain_quotes(text)
    if not text.isascii() and (composed := unicodedata.normalize("NFC", text)) != text:
        text = _with_plain_quotes(composed)
    is_plain = _is_plain(text)
    if not is_plain:
        text = _without_noise(LINE_BREAKS.sub("\n", text))
    if not is_plain or "  " in text:
        text = BLANKS.sub(" ", text)
    if not is_plain or " \n" in text or "\n " in text or " " in (text[:1], text[-1:]):
        text = "\n".join([line.strip() for line in text.split("\n")])
    if "\n\n\n" in text:
        text = BLANK_LINES.sub("\n\n", text)
    text = text.strip("\n")
    # Removing an invisible character can bring two together that compose, so NFC has the last word.
    return text if is_plain else unicodedata.normalize("NFC", text)


def beyond_ascii(text: str) -> str:
    """The characters of ``text`` that are not ASCII, in their order; few or none in most songs."""
    return "" if text.isascii() else _without(ASCII, text)


def _with_plain_quotes(text: str) -> str:
    text = text.replace("`", "'")
    for quote in QUOTES.keys() & set(beyond_ascii(text)):
        text = text.replace(quote, QUOTES[quote])
    return text


def _is_plain(text: str) -> bool:
    """Whether there is nothing but visible characters, blanks and newlines, as in nearly every song."""
    return _without(PLAIN_ASCII, text).isprintable()


def _without(ascii_bytes: bytes, text: str) -> str:
    """``text`` without these characters of ASCII: of nearly every song hardly anything is left, at memory's speed."""
    return text.encode("utf-8", "surrogatepass").translate(None, delete=ascii_bytes).decode("utf-8", "surrogatepass")


def _without_noise(text: str) -> str:
    """Take out control, invisible and unpaired surrogate characters; tabs and joiners stay."""
    for character in set(PERHAPS_NOISE.findall(text)) - KEPT:
        if unicodedata.category(character) in ("Cc", "Cf", "Cs"):
            text = text.replace(character, "")
    return text


def section_name(line: str) -> str | None:
    """What a section tag line says ("Verse 2" for "[Verse 2]"), or None for a line of lyrics."""
    line = line.strip()
    if line[:1] not in TAG_SIGNS and line[:2] not in TAG_LETTERS:
        return None
    if line[0] == "[":
        found = BRACKETED_TAG.fullmatch(line)
        return found[1].strip(": ") if found else None
    if len(line) > LONGEST_BARE_TAG and line[0] != "{":
        return None
    found = BARE_TAG.fullmatch(line)
    return found[1] if found else _dressed_name(line)


def section_names(lines: Iterable[str]) -> dict[str, str]:
    """The section tags among a normalised song's lines, each with its name: `section_name` for all at once."""
    perhaps = [
        line for line in lines if line[:1] in TAG_SIGNS or (line[:2] in TAG_LETTERS and len(line) <= LONGEST_BARE_TAG)
    ]
    return {line: name for line in perhaps if (name := section_name(line)) is not None}


def _dressed_name(line: str) -> str | None:
    """The name of a section whose tag is marked by what stands around it, other than square brackets."""
    if line[0] not in DRESS and line[-1] != ":":
        return None
    found = DRESSED_WORD.fullmatch(line.strip(DRESS))
    # A colon leads to the singer in braces only: "(Chorus: la la la)" is sung.
    if not found or (":" in (found[2] or "") and line[0] != "{"):
        return None
    return found[0] if line[0] == "{" else found[1]


@lru_cache(maxsize=4096)
def section_kind(name: str) -> str:
    """The kind a section's name belongs to: one of `SECTION_TITLES`, "other" where no keyword fits."""
    title, _, performer = name.lower().partition(":")
    # Sites write "Verse 1: Singer", and now and then "Singer: Verse 1".
    for words in (title, performer):
        for kind, keywords in SECTION_KEYWORDS:
            if any(keyword in words for keyword in keywords):
                return kind
    return "other"


def performer(name: str) -> str:
    """Who sings a section, as its name says ("Ann & Bob" for "Verse 1: Ann & Bob"); "" where it does not."""
    title, _, singer = name.partition(":")
    return singer.strip() if section_kind(title) != "other" else ""


def sections(text: str) -> list[dict]:
    """The stanzas of a song in order, each as {"name", "lines"}; the name is its tag's, "" where it has none.

    Where the tag says who sings there is a "performer"; a chorus that is only named, without a line of its own, has
    "is_reference" set, as the words of another one are meant.
    """
    found: list[dict] = []
    is_open = False
    for line in normalise(text).split("\n"):
        if not line:
            # A blank line right under a tag does not end the section that the tag has just begun.
            is_open = is_open and not found[-1]["lines"]
        elif (name := section_name(line)) is not None:
            found.append({"name": name, "lines": []})
            is_open = True
        else:
            if not is_open:
                found.append({"name": "", "lines": []})
                is_open = True
            found[-1]["lines"].append(line)
    for section in found:
        if singer := ":" in section["name"] and performer(section["name"]):
            section["performer"] = singer
        if not section["lines"] and section_kind(section["name"]) == "chorus":
            section["is_reference"] = True
    return found


def refers_to_chorus(text: str) -> bool:
    """Whether a chorus is only named somewhere, its words left to the reader's memory."""
    is_named = False
    for line in text.split("\n"):
        name = section_name(line)
        if name is None and (not line or line.isspace()):
            continue
        if is_named and name is not None:
            return True
        is_named = name is not None and section_kind(name) == "chorus"
    return is_named


def marked_lines(text: str) -> Iterator[tuple[list[str], str]]:
    """Each line of lyrics after the marks that stand before it.

    ``"[Verse 1]\\na\\nb\\n\\nc"`` gives ``(["<verse>"], "a"), (["<line>"], "b"), (["<stanza>"], "c")``. A section mark
    stands for the break before it too. Tags after the last line come with an empty line.
    """
    marks: list[str] = []
    is_first = True
    for section in sections(text):
        if section["name"]:
            marks.append(SECTION_MARKS[section_kind(section["name"])])
        elif not is_first:
            marks.append(STANZA_MARK)
        is_first = False
        for line in section["lines"]:
            yield marks, line
            marks = [LINE_MARK]
        if section["lines"]:
            marks = []
    if marks:
        yield marks, ""


def canonical(text: str) -> str:
    """The song in the one form that every tokenizer's ``decode`` gives back and whose characters are counted.

    Beyond `normalise`: section tags lose their numbers, stand after a blank line and directly above their stanza.
    """
    pieces: list[str] = []
    breaks = ""
    for marks, line in marked_lines(text):
        for mark in marks:
            breaks = break_after(breaks, mark)
            if mark in MARK_TITLES:
                pieces += [breaks if pieces else "", MARK_TITLES[mark]]
                breaks = LINE
        if line:
            pieces += [breaks if pieces else "", line]
            breaks = ""
    return "".join(pieces)


def break_after(breaks: str, mark: str) -> str:
    """The newlines owed before the next piece of text when ``mark`` follows ``breaks``: "", LINE or STANZA."""
    if mark == LINE_MARK:
        return STANZA if breaks else LINE
    return STANZA
