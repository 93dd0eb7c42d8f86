"""What a normalised song consists of: its sections, the lines that are sung, how many words these have. Pure."""

from typing import NamedTuple

from training.language_model import lyric_text
from training.statistics import words_of

# For plain text `str.translate` and `str.split` count words ten times as fast as the pattern of `words_of`.
_PLAIN_WORDS = str.maketrans({chr(code): " " for code in range(128) if not chr(code).isalnum()} | {"'": None})


class Outline(NamedTuple):
    """``sections`` as a song's row keeps them: [{"name": "Chorus", "lines": 4}]; ``lines`` without section names."""

    sections: list[dict]
    lines: list[str]


def outline(text: str) -> Outline:
    """The outline of a normalised text; its sections are those of `lyric_text.sections`, in one pass."""
    sections: list[dict] = []
    sung: list[str] = []
    is_open = False
    for line in text.split("\n"):
        if not line:
            # A blank line right under a section's name does not end the section.
            is_open = is_open and not sections[-1]["lines"]
        elif (name := lyric_text.section_name(line)) is not None:
            sections.append({"name": name, "lines": 0})
            is_open = True
        else:
            if not is_open:
                sections.append({"name": "", "lines": 0})
                is_open = True
            sections[-1]["lines"] += 1
            sung.append(line)
    return Outline(sections, sung)


def count_words(lines: list[str]) -> int:
    """How many words `words_of` finds in the lines."""
    text = "\n".join(lines)
    if text.isascii() and "''" not in text:
        return len(text.translate(_PLAIN_WORDS).split())
    return len(words_of(text))
