"""Makes the baseline of a run where there is none yet; in the child process that trains, before the first step.

Its corpus is the run's own where the run reads as the baseline does, else the same songs read by their words.
"""

import logging
import time
from collections.abc import Callable, Iterable

from django.db import InterfaceError, OperationalError, connection

from training.baselines import baseline_of, reading_of, reading_settings, reads_alike
from training.journal import Journal
from training.language_model.config import TrainingConfig
from training.language_model.corpus import Corpus, SongText, build_corpus
from training.language_model.errors import CorpusTooSmall
from training.language_model.evaluation import count_songs, evaluate_counts
from training.models import Baseline, TrainingRun

logger = logging.getLogger(__name__)

# Counting takes a second and 80 MB for each million tokens; beyond this it would need more memory than a training.
MOST_TOKENS = 20_000_000
TOO_MANY = (
    "These songs are too many to count their word sequences beside a training, so there is no baseline to compare with."
)


def make_baseline(run: TrainingRun, corpus: Corpus, songs: Callable[[], Iterable[SongText]], journal: Journal) -> None:
    """Count and judge, and keep what came of it; whatever is in the way of that, the training goes on without.

    Two runs that begin together may both count; the row of the first one stays.
    """
    try:
        if baseline_of(run) is not None:
            return
        if len(corpus.tokens) > MOST_TOKENS:
            journal.tell(TOO_MANY)
            return
        journal.say("Counting words, to compare with")
        baseline = counted(run, corpus, songs)
        if baseline is None:
            return
        Baseline.objects.bulk_create([baseline], ignore_conflicts=True)
        journal.tell(
            f"Kneser-Ney of order {baseline.order} on these songs, to compare with: "
            f"{baseline.nats_per_character:.2f} nats per character on the songs kept aside."
        )
    except (OperationalError, InterfaceError) as problem:
        logger.warning("run %s: no baseline, the database does not answer (%s)", run.pk, type(problem).__name__)
        connection.close()


def counted(run: TrainingRun, corpus: Corpus, songs: Callable[[], Iterable[SongText]]) -> Baseline | None:
    """The baseline of a run, not saved yet; None where its songs hold too few words."""
    started = time.perf_counter()
    if not reads_alike(run):
        # Only what is read matters here: the network of this config is never made.
        config = TrainingConfig.from_dict(reading_settings(run) | {"sequence_length": 4})
        try:
            corpus = build_corpus(songs(), config, dataset_hash=run.dataset_hash)
        except CorpusTooSmall:
            return None
    model = count_songs(corpus)
    valid = evaluate_counts(model, corpus.validation)
    test = evaluate_counts(model, corpus.test) if corpus.test.songs else None
    return Baseline(
        dataset=run.dataset,
        dataset_version=run.dataset_version,
        dataset_hash=run.dataset_hash,
        reading=reading_of(run),
        order=model.order,
        nats_per_token=valid.nats_per_token,
        nats_per_character=valid.nats_per_character,
        unknown_share=corpus.validation.unknown_share,
        test_nats_per_token=test and test.nats_per_token,
        test_nats_per_character=test and test.nats_per_character,
        tokens=len(corpus.tokens),
        vocabulary_size=corpus.tokenizer.vocabulary_size,
        seconds=time.perf_counter() - started,
    )
