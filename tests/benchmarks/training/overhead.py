"""What the platform adds to a training: its journal in the database, checkpoints, samples, publishing."""

import hashlib
import os
import statistics
import tempfile
import time
from pathlib import Path

SONGS = 200
CONFIG = {
    "tokenizer": "word",
    "minimum_count": 1,
    "embedding_size": 256,
    "hidden_size": 256,
    "evaluations": 4,
    "patience": 0,
    "threads": 1,
    "precision": "bfloat16",
    "device": "cpu",
}


def run(data: Path, *, is_long: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        # Before Django reads its settings: nothing of this touches what a person keeps.
        os.environ |= {"DJANGO_SETTINGS_MODULE": "lyricsite.settings", "DATA_DIR": folder, "MEDIA_ROOT": folder}
        os.environ.setdefault("SECRET_KEY", "benchmark")
        import django
        from django.conf import settings
        from django.core.management import call_command

        django.setup()
        settings.LEASE_SECONDS = 3600  # nobody renews it here: that is the supervisor's work, in a process of its own
        call_command("migrate", verbosity=0)
        compare(data, steps=1000 if is_long else 60, rounds=3 if is_long else 1)


def compare(data: Path, *, steps: int, rounds: int) -> None:
    """Print how much longer a run takes than its steps and judgements alone, in processor time, from its first step."""
    from training.language_model.config import TrainingConfig

    config = TrainingConfig.from_dict(CONFIG | {"steps": steps})
    dataset = make_dataset(data)
    alone, with_platform = [], []
    for _ in range(rounds):
        alone.append(seconds_alone(dataset, config))
        with_platform.append(seconds_with_platform(dataset, config))
    added = statistics.median(with_platform) / statistics.median(alone) - 1
    print(f"  {steps} steps, 4 judgements: {statistics.median(alone):.1f} s alone, {added:+.1%} with the platform")


def make_dataset(data: Path):
    """A ready dataset of a few hundred songs, and a person who owns it."""
    from django.contrib.auth import get_user_model

    from tests.benchmarks.training.texts import songs_of
    from training.models import Dataset, Song

    owner = get_user_model().objects.create(username="benchmark")
    dataset = Dataset.objects.create(owner=owner, name="Songs", state=Dataset.State.READY, version=1)
    texts = [song.text for song in songs_of(data)[:SONGS]]
    Song.objects.bulk_create(
        Song(
            dataset=dataset,
            ordinal=ordinal,
            added_in=1,
            title=f"Song {ordinal}",
            text=text,
            text_hash=hashlib.blake2b(text.encode(), digest_size=16).hexdigest(),
            line_count=text.count("\n") + 1,
            word_count=len(text.split()),
            character_count=len(text),
        )
        for ordinal, text in enumerate(texts, start=1)
    )
    return dataset


def seconds_alone(dataset, config) -> float:
    from training.language_model.corpus import SongText, build_corpus
    from training.language_model.trainer import train

    config = config.replace(sample_tokens=0)
    corpus = build_corpus([SongText(text=song.text) for song in dataset.songs.order_by("ordinal")], config)
    started = time.process_time()
    for _ in train(corpus, config):
        pass
    return time.process_time() - started


def seconds_with_platform(dataset, config) -> float:
    from tests.training.runs import claim, make_run
    from training import execution

    run = make_run(dataset, config=config.to_dict())
    started = []
    execution.execute(run.pk, claim(run).token, on_start=lambda: started.append(time.process_time()))
    return time.process_time() - started[0]
