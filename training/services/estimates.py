"""What a training would be and take on a dataset, without starting it; and whether its songs are enough."""

import os
import statistics
from dataclasses import dataclass, replace

from django.conf import settings
from django.db.models import Count, Sum

from training.curves import finite
from training.errors import Invalid
from training.fine_tuning import settings_from_model
from training.language_model.config import TrainingConfig, resolve_config
from training.language_model.errors import ConfigError
from training.language_model.estimates import Estimate, ReadCorpus, Speed, estimate
from training.language_model.recipes import CorpusSize
from training.language_model.song_groups import SongText, group_songs, split_groups
from training.language_model.tokenizers import Tokenizer
from training.models import Checkpoint, Dataset, TrainingRun

# The speed of a machine is the median of so many trainings, each of at least so many steps.
RUNS_MEASURED, STEPS_MEASURED = 5, 50
# What decides which tokens a run reads; runs that agree in it read the same.
READING_SETTINGS = ("tokenizer", "minimum_count", "vocabulary_limit", "validation_fraction", "test_fraction")
# Songs of more characters than this fill the longest window many times over; fewer are taken apart and counted.
COUNTED_CHARACTERS, COUNTED_SONGS = 60_000, 20


@dataclass(frozen=True)
class Forecast:
    """A config as a run would have it, and what it would take."""

    config: TrainingConfig
    estimate: Estimate


def forecast(
    *,
    dataset: Dataset,
    architecture: str = "",
    preset: str | None = None,
    overrides: dict | None = None,
    starts_from: Checkpoint | None = None,
) -> Forecast:
    """Say what a run would be and take; nothing is queued. The arguments are those of `start_run`.

    Raises: Invalid for a value that breaks a rule, or songs too few to train on.
    """
    config = config_for(
        dataset=dataset, architecture=architecture, preset=preset, overrides=overrides, starts_from=starts_from
    )
    refuse_too_few_songs(dataset, config)
    return Forecast(config, estimate_of(config, dataset=dataset, starts_from=starts_from))


def estimate_of(config: TrainingConfig, *, dataset: Dataset, starts_from: Checkpoint | None = None) -> Estimate:
    """What a run of this config takes on the songs as they are now; there have to be some."""
    corpus = corpus_size(dataset)
    read = _as_read_before(dataset, config, corpus) or ReadCorpus.guess(config, corpus)
    if starts_from is not None and starts_from.vocabulary_size:
        read = replace(read, vocabulary_size=starts_from.vocabulary_size)
    return estimate(config, read, machine_speed(), machine_memory_bytes())


def config_for(
    *,
    dataset: Dataset,
    architecture: str = "",
    preset: str | None = None,
    overrides: dict | None = None,
    starts_from: Checkpoint | None = None,
) -> TrainingConfig:
    """The config of a preset for these songs on this machine, single values overridden. Raises: Invalid.

    What the weights and the vocabulary of the model ``starts_from`` fix is as that model has it.
    """
    if starts_from is not None:
        asked = {**(overrides or {}), "architecture": architecture or starts_from.architecture}
        overrides = settings_from_model(starts_from.config, asked)
        architecture = overrides.pop("architecture")
    values = {"threads": settings.TRAIN_THREADS, **(overrides or {})}
    speed = machine_speed()
    try:
        return resolve_config(
            architecture=architecture,
            preset=preset,
            overrides=values,
            corpus=corpus_size(dataset),
            flops_per_second=speed and speed.flops_per_second,
        )
    except ConfigError as problem:
        raise Invalid(problem.errors) from problem


def corpus_size(dataset: Dataset) -> CorpusSize | None:
    """How much there is to read: as the dataset's statistics say, else summed up; None where there are no songs."""
    if known := CorpusSize.of(dataset.statistics):
        return known
    sums = dataset.songs_in_use().aggregate(
        songs=Count("pk"), lines=Sum("line_count"), words=Sum("word_count"), characters=Sum("character_count")
    )
    if not sums["words"]:
        return None
    return CorpusSize(**sums, different_words=CorpusSize.usual(sums["words"]).different_words)


def machine_speed() -> Speed | None:
    """How fast trainings went here lately, whoever started them; None before the first of some length."""
    done = TrainingRun.objects.filter(state=TrainingRun.State.SUCCEEDED, step__gte=STEPS_MEASURED)
    rows = done.order_by("-finished_at").values_list("config", "facts", "tokens_per_second")[:RUNS_MEASURED]
    speeds = [speed for row in rows if (speed := _speed_of(*row))]
    if not speeds:
        return None
    precision = speeds[0].precision
    alike = [speed.slowness for speed in speeds if speed.precision == precision]
    return Speed(slowness=statistics.median(alike), precision=precision)


def _speed_of(config: dict, facts: dict, tokens_per_second: float | None) -> Speed | None:
    vocabulary_size = facts.get("vocabulary_size")
    if not vocabulary_size or not finite(tokens_per_second):
        return None
    try:
        return Speed.of_training(TrainingConfig.from_dict(config), vocabulary_size, tokens_per_second)
    except ConfigError:  # written by a version with other settings
        return None


def machine_memory_bytes() -> int:
    """The memory of this machine, where the workers are expected too."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _as_read_before(dataset: Dataset, config: TrainingConfig, corpus: CorpusSize) -> ReadCorpus | None:
    """What an earlier run counted that read the same songs in the same way."""
    alike = {f"config__{name}": getattr(config, name) for name in READING_SETTINGS}
    runs = dataset.training_runs.filter(dataset_version=dataset.version, facts__has_key="vocabulary_size", **alike)
    facts = runs.order_by("-created_at").values_list("facts", flat=True).first()
    try:
        return facts and ReadCorpus.counted(facts, corpus.words)
    except KeyError:
        return None


def refuse_too_few_songs(dataset: Dataset, config: TrainingConfig) -> None:
    """Refuse a training that would find nothing to learn from or to be judged by, before it waits in a line.

    Few songs are read as the training would read them; many are enough by their number.
    Raises: Invalid at ``dataset`` or ``sequence_length``.
    """
    songs = dataset.songs_in_use()
    count = songs.count()
    if not count:
        raise Invalid({"dataset": ["It holds no songs to learn from. Add some, or take back some that are left out."]})
    characters = songs.aggregate(sum=Sum("character_count"))["sum"] or 0
    if count > COUNTED_SONGS and characters > COUNTED_CHARACTERS:
        return
    rows = songs.order_by("ordinal").values("text", "duplicate_group", "title", "genre")
    groups = group_songs(SongText(**row) for row in rows)
    if len(groups) < 2:
        only = "one song" if count == 1 else f"{count} songs that are copies of one another"
        message = f"It holds {only}; a training needs two different ones: one to learn from, one to be judged by."
        raise Invalid({"dataset": [message]})
    name = dataset.content_hash
    split = split_groups(groups, validation=config.validation_fraction, test=config.test_fraction, name=name)
    tokenizer = Tokenizer.train(split.training, config)
    tokens = sum(len(tokenizer.encode_song(text)) for text in split.training)
    if tokens <= config.sequence_length:
        message = (
            f"The songs to learn from hold {tokens} tokens, and one window needs {config.sequence_length + 1}. "
            "Choose a shorter sequence, or add songs."
        )
        raise Invalid({"sequence_length": [message]})
