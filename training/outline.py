"""What a normalised song consists of: its sections, the lines that are sung, how many words these have. Pure."""

from typing import NamedTuple

from training.language_model.lyric_text import STANZA, beyond_ascii, section_names

# Where every letter and digit of ASCII is an "x" and all else a space, the words are counted by their beginnings:
# twenty times as fast as by the pattern of `words_of`.
_WORDS_ALONE = bytes(ord("x") if chr(code).isalnum() and code < 128 else ord(" ") for code in range(256))


class Outline(NamedTuple):
    """``sections`` as a song's row keeps them: [{"name": "Chorus", "lines": 4}]; ``lines`` without section names."""

    sections: list[dict]
    lines: list[str]


def outline(text: str) -> Outline:
    """The outline of a normalised text; its sections are those of `lyric_text.sections`, without their lines."""
    lines = [line for line in text.split("\n") if line]
    names = section_names(lines)
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
    for character in set(beyond_ascii(text)):
        text = text.replace(character, "x" if character.isalnum() else " ")
    if "''" in text:  # two words, where one apostrophe makes one
        text = text.replace("''", " ")
    return (b" " + text.encode().translate(_WORDS_ALONE, delete=b"'")).count(b" x")
