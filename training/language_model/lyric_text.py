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
from collections.abc import Iterator

LINE = "\n"
STANZA = "\n\n"

# What a tokenizer knows besides characters or words. Angle brackets never clash with song text: characters are
# single, and the word tokenizer splits "<" from the letters after it.
UNKNOWN_MARK = "<unknown>"
BEGIN_MARK = "<begin>"
END_MARK = "<end>"
LINE_MARK = "<line>"
STANZA_MARK = "<stanza>"

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

# First match wins, so "Pre-Chorus" is asked before "Chorus".
SECTION_KEYWORDS = (
    ("pre-chorus", ("pre-chorus", "pre chorus", "prechorus", "pre-hook", "build")),
    ("chorus", ("chorus", "refrain", "hook", "burden")),
    ("verse", ("verse", "strophe", "couplet")),
    ("bridge", ("bridge", "middle 8", "middle eight", "break")),
    ("intro", ("intro", "opening", "prelude")),
    ("outro", ("outro", "coda", "ending", "finale")),
)

BRACKETED_TAG = re.compile(r"\[([^\[\]]{1,60})\]")
# Books write "CHORUS." or "Verse 2:" without brackets; only words that are hardly ever a whole lyric line count.
BARE_TAG = re.compile(
    r"\(?((?:verse|pre-chorus|chorus|refrain|bridge|intro|outro)(?: ?\d{1,2})?)\)?[.:]?", re.IGNORECASE
)

LINE_BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
BLANKS = re.compile(r"[^\S\n]+")
BLANK_LINES = re.compile(r"\n{3,}")
QUOTES = str.maketrans(dict.fromkeys("‘’‚‛ʼ`´′ʻ＇", "'") | dict.fromkeys("“”„‟″«»＂", '"'))
# Joiners carry meaning in several scripts and emoji; every other invisible format character is noise or hostile.
JOINERS = "\u200c\u200d"


def normalise(text: str) -> str:
    """The text as every later step wants it.

    Unicode NFC; one kind of newline; no control, invisible or unpaired surrogate characters; typographic quotes and
    apostrophes folded to ' and "; runs of blanks collapsed and lines stripped; at most one blank line between
    lines, none at either end. Normalising twice changes nothing.
    """
    text = LINE_BREAKS.sub("\n", unicodedata.normalize("NFC", text)).translate(QUOTES)
    # Asked once for each different character: asking for every one took nine tenths of an import's time.
    if dropped := {ord(character): None for character in set(text) if not _is_kept(character)}:
        text = text.translate(dropped)
    text = "\n".join(line.strip() for line in BLANKS.sub(" ", text).split("\n"))
    # Removing an invisible character can bring two together that compose, so NFC has the last word.
    return unicodedata.normalize("NFC", BLANK_LINES.sub("\n\n", text).strip("\n"))


def _is_kept(character: str) -> bool:
    if character in "\n\t" or character in JOINERS:
        return True
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs")


def section_name(line: str) -> str | None:
    """What a section tag line says ("Verse 2" for "[Verse 2]"), or None for a line of lyrics."""
    line = line.strip()
    found = BRACKETED_TAG.fullmatch(line) or BARE_TAG.fullmatch(line)
    return found[1].strip() if found else None


def section_kind(name: str) -> str:
    """The kind a section's name belongs to: one of `SECTION_TITLES`, "other" where no keyword fits."""
    name = name.lower()
    for kind, keywords in SECTION_KEYWORDS:
        if any(keyword in name for keyword in keywords):
            return kind
    return "other"


def sections(text: str) -> list[dict]:
    """The stanzas of a song in order, each as {"name", "lines"}; the name is its tag's, "" where it has none."""
    found: list[dict] = []
    is_open = False
    for line in normalise(text).split("\n"):
        name = section_name(line)
        if name is not None:
            found.append({"name": name, "lines": []})
            is_open = True
        elif not line:
            # A blank line right under a tag does not end the section that the tag has just begun.
            is_open = is_open and not found[-1]["lines"]
        else:
            if not is_open:
                found.append({"name": "", "lines": []})
                is_open = True
            found[-1]["lines"].append(line)
    return found


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
