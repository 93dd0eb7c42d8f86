"""The insights into one finished run: its published weights, the songs kept aside, and an untrained twin.

Runs in the child process that `training.explaining` starts, and nowhere else.

    model file ──▶ network ─┐
    songs ──corpus──▶ songs kept aside ──▶ probes ──numbers──▶ insights.sentence ──▶ Insight rows
          └▶ untrained twin ┘
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from training import insights, lifecycle, storage
from training.execution import songs_of
from training.language_model import machine
from training.language_model.checkpoint import LoadedModel, load_model
from training.language_model.config import TrainingConfig
from training.language_model.corpus import Corpus, build_corpus
from training.language_model.learner import Learner
from training.language_model.networks import LyricNetwork
from training.language_model.probes import chorus_recall, gradient_reach, memory_ruler
from training.models import Checkpoint, Insight

logger = logging.getLogger(__name__)

# What one probe may multiply: about half a minute on one core, whatever the size of the network.
MOST_MULTIPLICATIONS = 4e11
MOST_SONGS = 1500  # that are searched for stanzas that come again


def explain(model: Checkpoint) -> Iterator[str]:
    """Work out the insights that are still missing into the run that ``model`` came of; their sentences.

    Each is kept as soon as it is there, so that a fault in one, or the end of this process, does not cost the others.
    Raises: ExceptionGroup of what went wrong, when all was tried.
    """
    run = model.run
    told = set(run.insights.exclude(sentence="").values_list("kind", flat=True))
    missing = [kind for kind in MEASURES if kind not in told]
    subject = Subject.of(model) if missing else None
    problems = []
    for kind in missing:
        try:
            data = MEASURES[kind](subject)
            sentence = insights.sentence_of(kind, data)
            lifecycle.keep_insight(run.pk, kind, data=data, sentence=sentence)
        except Exception as problem:  # whatever is in the way of one insight, the others are worked out
            logger.exception("run %s: no %s", run.pk, kind)
            problems.append(problem)
        else:
            yield sentence
    if problems:
        raise ExceptionGroup("Not every insight could be worked out.", problems)
    lifecycle.end_explanation(run.pk)


@dataclass
class Subject:
    """Whom the probes ask and what they read to it."""

    network: LyricNetwork
    untrained: LyricNetwork
    corpus: Corpus
    config: TrainingConfig
    looks: list[dict]  # the gradient reach while it learnt

    @classmethod
    def of(cls, model: Checkpoint) -> "Subject":
        config = TrainingConfig.from_dict(model.run.config)
        loaded = published_model(model)
        corpus = build_corpus(
            songs_of(model.run), config, dataset_hash=model.run.dataset_hash, tokenizer=loaded.tokenizer
        )
        device, _ = machine.choose_device(config.device)
        # As the training began: the same seed, the same cell, each token as likely as it is frequent.
        untrained = Learner(corpus, config, device).network
        reach = Insight.objects.filter(run=model.run, kind=Insight.Kind.GRADIENT_REACH).first()
        looks = reach.data.get("looks", []) if reach else []
        return cls(loaded.network.to(device), untrained, corpus, config, looks)

    @property
    def songs(self) -> list:
        """The songs that it has not learnt from, those too that not even its training looked at."""
        return [*self.corpus.validation.songs, *self.corpus.test.songs]

    @property
    def break_ids(self) -> set[int]:
        tokenizer = self.corpus.tokenizer
        marks = {tokenizer.begin_id, tokenizer.end_id, tokenizer.stanza_id}
        return marks | {*tokenizer.section_ids.values(), *tokenizer.condition_ids}

    @property
    def multiplications(self) -> int:
        """About how many numbers one token takes to be read, the choice of the next one not counted."""
        return sum(weight.numel() for weight in self.network.recurrent.parameters())

    @property
    def multiplications_to_predict(self) -> int:
        shape = self.network.shape
        return shape.vocabulary_size * (shape.embedding_size if shape.tie_embeddings else shape.hidden_size)

    def affordable(self, multiplications: float, *, least: int, most: int) -> int:
        """How many of something may be measured, each with so many ``multiplications`` by each network."""
        return max(least, min(most, int(MOST_MULTIPLICATIONS / (2 * multiplications))))


def published_model(model: Checkpoint) -> LoadedModel:
    """The network of a model, every byte of its file checked first."""
    with storage.fetched(model.folder, model.manifest) as folder:
        return load_model(folder / storage.MODEL_FILE)


def measure_memory(subject: Subject) -> dict:
    """The memory ruler as plain JSON."""
    most = subject.affordable(
        2 * memory_ruler.LONGEST * subject.multiplications,
        least=2 * memory_ruler.FEWEST_PLACES,
        most=memory_ruler.MOST_PLACES,
    )
    places = memory_ruler.choose_places(subject.songs, most=most)
    found = {"unit": subject.config.tokenizer, "places": len(places.chosen), "is_enough": True}
    if len(places.chosen) < memory_ruler.FEWEST_PLACES:
        return found | {"is_enough": False, "needed": memory_ruler.FEWEST_PLACES}
    trained, untrained = (
        memory_ruler.memory_ruler(network, subject.songs, places) for network in (subject.network, subject.untrained)
    )
    return found | {
        "lengths": trained.lengths,
        "losses": rounded(trained.losses),
        "whole": round(trained.whole, 5),
        "gain": round(trained.gain, 5),
        "gain_error": round(trained.gain_error, 5),
        "is_flat": trained.is_flat,
        "knee": trained.knee,
        "untrained": {
            "losses": rounded(untrained.losses),
            "whole": round(untrained.whole, 5),
            "is_flat": untrained.is_flat,
        },
    }


def measure_recall(subject: Subject) -> dict:
    """Chorus recall as plain JSON."""
    songs = subject.songs
    songs = songs[:: -(-len(songs) // MOST_SONGS) or 1]
    repeats = chorus_recall.find_repeats(songs, subject.break_ids)
    most = subject.affordable(
        # Each song is read with its own stanza and with another; of about a quarter of it the loss is asked.
        2 * mean_length(repeats) * (subject.multiplications + subject.multiplications_to_predict / 4),
        least=2 * chorus_recall.FEWEST_REPEATS,
        most=chorus_recall.MOST_REPEATS,
    )
    repeats = repeats[:: -(-len(repeats) // most) or 1]
    pairs = chorus_recall.with_controls(repeats, songs, subject.break_ids)
    found = {"unit": subject.config.tokenizer, "stanzas": len(pairs), "is_enough": True}
    if len(pairs) < chorus_recall.FEWEST_REPEATS:
        return found | {"is_enough": False, "needed": chorus_recall.FEWEST_REPEATS}
    trained, untrained = (
        chorus_recall.chorus_recall(network, pairs) for network in (subject.network, subject.untrained)
    )
    return found | recall_in_numbers(trained) | {"untrained": recall_in_numbers(untrained)}


def mean_length(repeats: list[chorus_recall.Repeat]) -> float:
    return sum(len(repeat.song) for repeat in repeats) / len(repeats) if repeats else 1.0


def recall_in_numbers(recall: chorus_recall.Recall) -> dict:
    return {
        "first": round(float(recall.first.mean()), 5),
        "second": round(float(recall.second.mean()), 5),
        "control": round(float(recall.control.mean()), 5),
        "recall": round(recall.mean, 5),
        "error": round(recall.error, 5),
        "is_evident": recall.is_evident,
        "nearest": int(recall.distances.min()),
        "farthest": int(recall.distances.max()),
        "by_distance": [{name: round(value, 5) for name, value in row.items()} for row in recall.by_distance()],
    }


def measure_reach(subject: Subject) -> dict:
    """Gradient reach of the best weights as plain JSON, beside the looks that were taken while they were learnt."""
    windows = gradient_reach.choose_windows(subject.corpus.validation.songs)
    found = {"unit": subject.config.tokenizer, "windows": windows.shape[1], "is_enough": True, "looks": subject.looks}
    if not windows.shape[1]:
        return found | {"is_enough": False}
    trained, untrained = (
        gradient_reach.gradient_reach(network, windows) for network in (subject.network, subject.untrained)
    )
    return found | reach_in_numbers(trained) | {"untrained": reach_in_numbers(untrained)}


def reach_in_numbers(norms: list[float]) -> dict:
    return {"norms": significant(norms), "reach": gradient_reach.reach_of(norms)}


MEASURES: dict[str, Callable[[Subject], dict]] = {
    Insight.Kind.MEMORY_RULER: measure_memory,
    Insight.Kind.CHORUS_RECALL: measure_recall,
    Insight.Kind.GRADIENT_REACH: measure_reach,
}


def rounded(values: list[float]) -> list[float]:
    return [round(value, 5) for value in values]


def significant(values: list[float]) -> list[float]:
    """Four digits each: gradients are small, and a hundredth of a per cent of them is more than enough."""
    return [float(f"{value:.4g}") for value in values]
