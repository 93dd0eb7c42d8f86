"""Small songs and configs that the tests of the numeric room share."""

import itertools

from training.language_model.config import TrainingConfig
from training.language_model.corpus import SongText

PLACES = ("river", "road", "harbor", "hill", "garden", "station")
FEELINGS = ("lonely", "golden", "quiet", "broken", "tender")


def make_songs(count: int = 24) -> list[SongText]:
    """Songs of two stanzas that differ in a few words, so that even a tiny network learns them."""
    pairs = itertools.islice(itertools.product(PLACES, FEELINGS), count)
    return [
        SongText(
            text=(
                f"[Verse 1]\nI went down to the {place}\nthe {feeling} light was low\n"
                f"\n[Chorus]\nOh, {feeling} {place}, don't you know\nI'm coming home, I'm coming slow {number}"
            ),
            duplicate_group=None,
        )
        for number, (place, feeling) in enumerate(pairs)
    ]


def make_config(**values) -> TrainingConfig:
    """A network of 16, trained in a blink, the same way every time."""
    small = {
        "embedding_size": 12,
        "hidden_size": 16,
        "batch_size": 4,
        "sequence_length": 12,
        "minimum_count": 1,
        "epochs": 2,
        "evaluations": 2,
        "sample_tokens": 8,
        "threads": 1,
        "device": "cpu",
        "dropout": 0.2,
    }
    return TrainingConfig.from_dict(small | values)
