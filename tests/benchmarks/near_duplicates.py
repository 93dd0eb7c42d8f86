"""How many planted copies are found, and at what cost: `python -m tests.benchmarks.near_duplicates [songs.jsonl[.gz]]`.

Plants copies in every way of `tests.training.planted_copies` among the songs of a file (the starter songbook without
one), then grows the set to ``--songs`` with songs whose lines are shuffled out of all of them, and prints recall,
precision, seconds of processor time and the memory of the index.
"""

import argparse
import gzip
import json
import random
import resource
import time
from pathlib import Path

from tests.training.planted_copies import plant, score
from training.duplicates import CopyFinder, normalised_hash, text_hash
from training.language_model.lyric_text import normalise

STARTER = Path(__file__).resolve().parents[2] / "training" / "starter" / "songbook.jsonl"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", nargs="?", type=Path, default=STARTER, help="songs as JSON lines with a text each")
    parser.add_argument("--songs", type=int, default=0, help="grow the set to so many songs")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    texts = read_texts(options.path)
    planted = plant(texts, copies=len(texts) // 2, seed=options.seed)
    fillers = invented_fillers(texts, max(0, options.songs - len(planted.songs)), random.Random(options.seed))
    songs = planted.songs + fillers
    started = time.process_time()
    hashes = [(text_hash(text), normalised_hash(text)) for text in songs]
    hashed = time.process_time()
    memory = peak_mebibytes()
    finder = CopyFinder(near=True)
    for key, (text, (exact, normalised)) in enumerate(zip(songs, hashes, strict=True)):
        finder.add(key, text=text, text_hash=exact, normalised_hash=normalised)
    added = time.process_time()
    found = list(finder.copies(lambda keys: {key: songs[key] for key in keys}))
    ended = time.process_time()
    # Fillers have no truth of their own: the score is over the planted songs.
    result = score(planted, [copy for copy in found if max(copy.key, copy.kept) < len(planted.songs)])
    print(f"{len(songs):,} songs, {len(planted.planted):,} planted copies, {len(found):,} found")
    print(f"recall {result.recall:.4f} (missed: {result.missed}), precision {result.precision:.4f}")
    print(f"processor seconds: hashes {hashed - started:.1f}, index {added - hashed:.1f}, copies {ended - added:.1f}")
    print(f"memory: the peak rose by {peak_mebibytes() - memory:.0f} MiB")


def read_texts(path: Path) -> list[str]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [normalise(json.loads(line)["text"]) for line in content.decode().strip().split("\n")]


def invented_fillers(texts: list[str], count: int, chance: random.Random) -> list[str]:
    """Songs of the usual length whose words are drawn from all songs."""
    words = " ".join(texts).split()
    return [
        "\n".join(" ".join(chance.choices(words, k=7)) for _ in range(chance.randint(15, 50))) for _ in range(count)
    ]


def peak_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
