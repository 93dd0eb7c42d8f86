"""Large song files for benchmarks: as many songs as wanted, made of the lines of other songs.

The starter songbook's, or those of the JSON Lines file that ``BENCHMARK_SONGS`` names (``.gz`` or not; title, artist
and text in each line): the more different they are, the more a file is like life.
"""

import csv
import gzip
import json
import os
import random
from pathlib import Path

SONGBOOK = Path(__file__).parents[2] / "training/starter/songbook.jsonl"
SONGS_FILE = Path(os.environ.get("BENCHMARK_SONGS", SONGBOOK))
COPIED_SHARE = 0.02  # of the songs, half of them letter for letter


def generate_csv(path: Path, songs: int, seed: int = 1) -> None:
    """Write a table ``artist,song,link,text`` of ``songs`` songs; one in fifty is a copy of an earlier one.

    Each song has the stanzas of a real one, and lines drawn from all of them, so that lengths, words and line breaks
    are as they are in life and no two songs are alike by accident.
    """
    chance = random.Random(seed)
    opened = gzip.open if SONGS_FILE.suffix == ".gz" else open
    with opened(SONGS_FILE, "rt", encoding="utf-8") as file:
        originals = [json.loads(line) for line in file]
    shapes = [[stanza.count("\n") + 1 for stanza in song["text"].split("\n\n")] for song in originals]
    lines = [line for song in originals for line in song["text"].split("\n") if line and not line.startswith("[")]
    recent: list[str] = []
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("artist", "song", "link", "text"))
        for number in range(songs):
            original = originals[number % len(originals)]
            if recent and chance.random() < COPIED_SHARE:
                text = chance.choice(recent)
                text = text.upper() if number % 2 else text
            else:
                shape = chance.choice(shapes)
                text = "\n\n".join("\n".join(chance.choices(lines, k=length)) for length in shape)
                recent = [*recent[-999:], text]
            table.writerow((original["artist"], f"{original['title']} {number}", f"/song/{number}.html", text))
