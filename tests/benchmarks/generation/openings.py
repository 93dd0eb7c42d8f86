"""How texts begin: words of the starter songbook."""

import functools
import json
from pathlib import Path

SONGBOOK = Path("training/starter/songbook.jsonl")
OPENING_WORDS = 16  # about twenty tokens


def songs() -> list[str]:
    return [json.loads(line)["text"] for line in SONGBOOK.read_text(encoding="utf-8").splitlines()]


@functools.cache
def words() -> list[str]:
    return " ".join(songs()).split()


def openings(count: int, *, number: int) -> list[str]:
    """So many openings, none of which another ``number`` has."""
    last = len(words()) - OPENING_WORDS
    begins = ((number * count + place) * 61 % last for place in range(count))
    return [" ".join(words()[begin : begin + OPENING_WORDS]) for begin in begins]
