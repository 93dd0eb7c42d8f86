"""What a normalised song consists of: its sections, the lines that are sung, how many words these have. Pure."""

import re
from typing import NamedTuple

from training.language_model.lyric_text import STANZA, TAG_BEGINNINGS, section_name

_NOT_ASCII = re.compile("[^\x00-\x7f]")
# Of ASCII text `str.translate` and `str.split` count the words ten times as fast as the pattern of `words_of`.
_WORDS_ALONE = str.maketrans({chr(code): " " for code in range(128) if not chr(code).isalnum()} | {"'": None})


class Outline(NamedTuple):
    """``sections`` as a song's row keeps them: [{"name": "Chorus", "lines": 4}]; ``lines`` without section names."""

    sections: list[dict]
    lines: list[str]


def outline(text: str) -> Outline:
    """The outline of a normalised text; its sections are those of `lyric_text.sections`, without their lines."""
    lines = [line for line in text.split("\n") if line]
    names = {line: name for line in lines if line[0] in TAG_BEGINNINGS and (name := section_name(line)) is not None}
    if not lines:
        return Outline([], [])
    if not names:  # as most songs are; stanzas are sections without a name
        return Outline([{"name": "", "lines": stanza.count("\n") + 1} for stanza in text.split(STANZA)], lines)
    return Outline(_sections(text, names), [line for line in lines if line not in names])


def _sections(text: str, names: dict[str, str]) -> list[dict]:
    sections: list[dict] = []
    is_open = False
    for line in text.split("\n"):
        if not line:
            # A blank line right under a section's name does not end the section.
            is_open = is_open and not sections[-1]["lines"]
        elif line in names:
            sections.append({"name": names[line], "lines": 0})
            is_open = True
        elif is_open:
            sections[-1]["lines"] += 1
        else:
            sections.append({"name": "", "lines": 1})
            is_open = True
    return sections


def count_words(lines: list[str]) -> int:
    """How many words `words_of` finds in the lines."""
    text = "\n".join(lines)
    if not text.isascii():
        for character in set(_NOT_ASCII.findall(text)):
            text = text.replace(character, "x" if character.isalnum() else " ")
    if "''" in text:  # two words, where one apostrophe makes one
        text = text.replace("''", " ")
    return len(text.translate(_WORDS_ALONE).split())
