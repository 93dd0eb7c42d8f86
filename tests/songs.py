"""Small songs for tests: regular enough that a tiny network learns something from them in seconds."""

import hashlib

from training.models import Dataset, Song

PLACES = ["river", "harbour", "valley", "station", "orchard", "lighthouse"]
THINGS = ["lantern", "letter", "kettle", "ribbon"]


def song_text(place: str, thing: str) -> str:
    return (
        f"[Verse 1]\nI went down to the {place} in the night\nI carried a {thing} to keep me light\n\n"
        f"[Chorus]\nOh my {thing}, oh my home\nThe {place} is no place to roam alone\n\n"
        f"[Verse 2]\nThe {place} was calling, the water was high\nA {thing} was shining under the sky\n\n"
        f"[Chorus]\nOh my {thing}, oh my home\nThe {place} is no place to roam alone"
    )


def small_songs() -> list[dict]:
    return [
        {"title": f"The {thing} at the {place}", "artist": "Nobody", "genre": "folk", "text": song_text(place, thing)}
        for place in PLACES
        for thing in THINGS
    ]


def make_ready_dataset(owner, *, name: str = "Small songs", **fields) -> Dataset:
    """A dataset in state ready at version 1, made of `small_songs`."""
    dataset = Dataset.objects.create(
        owner=owner, name=name, state=Dataset.State.READY, version=1, content_hash="0" * 64, **fields
    )
    Song.objects.bulk_create(
        Song(
            dataset=dataset,
            ordinal=ordinal,
            added_in=1,
            title=song["title"],
            artist=song["artist"],
            genre=song["genre"],
            text=song["text"],
            text_hash=(digest := hashlib.blake2b(song["text"].encode(), digest_size=16).hexdigest()),
            duplicate_group=digest,
            line_count=8,
            word_count=len(song["text"].split()),
            character_count=len(song["text"]),
        )
        for ordinal, song in enumerate(small_songs(), start=1)
    )
    return dataset
