"""Runs side by side, by the one measure that all of them share: nats per character.

runs ──those that differ in nothing but their seed──▶ entrants ──▶ curves, score card, settings, one sentence
"""

import itertools
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from training.baselines import SPLIT, baselines_of
from training.curves import finite
from training.language_model.config import FIELDS
from training.language_model.presets import ARCHITECTURES, cell_name
from training.models import Dataset, MetricPoint, TrainingRun

# In the order in which they are shown, with the names by which they are spoken of: RNN, LSTM, minGRU.
CELLS = {one["name"]: cell_name(one["name"]) for one in ARCHITECTURES}
FEWEST_RUNS, MOST_RUNS = 2, 10
MOST_LISTED = 60
A_HAIR = 0.005  # what two decimals do not show
# What the machine decided or what changes no figure; two runs that differ in these alone are the same but for chance.
UNINTERESTING = {
    *("seed", "order_seed", "architecture", "steps", "threads", "device", "precision", "evaluations"),
    *("sample_prompt", "sample_tokens", "sample_temperature"),
}


@dataclass(frozen=True)
class Look:
    """One judgement on the songs kept aside; ``tokens`` and ``seconds`` are what was read and spent until then."""

    step: int
    epoch: float
    tokens: float
    seconds: float
    nats_per_character: float


@dataclass(frozen=True)
class Score:
    """A figure over the seeds of an entrant. ``spread`` is their standard deviation, None for a single one."""

    mean: float | None = None
    spread: float | None = None
    count: int = 0

    @classmethod
    def of(cls, values: Iterable[float | None]) -> "Score":
        known = [value for value in values if value is not None]
        if not known:
            return cls()
        return cls(statistics.fmean(known), statistics.stdev(known) if len(known) > 1 else None, len(known))


@dataclass
class Contender:
    """One of the compared runs with what it learnt, look by look."""

    run: TrainingRun
    looks: list[Look] = field(default_factory=list)
    baseline: float | None = None  # nats per character of counting words in the same songs; None until it is known

    @property
    def nats_per_character(self) -> float | None:
        """As its model has it; while it learns, its best look so far."""
        kept = finite(self.run.metrics.get("nats_per_character"))
        return kept if kept is not None else min((look.nats_per_character for look in self.looks), default=None)

    @property
    def bits_per_character(self) -> float | None:
        return self.nats_per_character and self.nats_per_character / math.log(2)

    @property
    def perplexity(self) -> float | None:
        return finite(self.run.metrics.get("perplexity"))

    @property
    def tokens_per_second(self) -> float | None:
        return finite(self.run.tokens_per_second)

    @property
    def seconds(self) -> float | None:
        return self.looks[-1].seconds if self.looks else None

    def seconds_to(self, loss: float | None) -> float | None:
        """Seconds until the first look that was no worse than ``loss``; None if there was none."""
        if loss is None:
            return None
        return next((look.seconds for look in self.looks if round(look.nats_per_character, 6) <= loss), None)


@dataclass
class Entrant:
    """Runs that differ in nothing but their seed, under one name."""

    contenders: list[Contender]
    label: str = ""

    @property
    def first(self) -> TrainingRun:
        return self.contenders[0].run

    @property
    def architecture(self) -> str:
        return self.first.architecture

    @property
    def runs(self) -> list[TrainingRun]:
        return [one.run for one in self.contenders]

    @property
    def score(self) -> Score:
        return Score.of(one.nats_per_character for one in self.contenders)

    @property
    def baseline(self) -> float | None:
        return self.score_of("baseline").mean

    def score_of(self, name: str) -> Score:
        return Score.of(getattr(one, name) for one in self.contenders)

    @property
    def looks(self) -> list[Look]:
        """The mean over its seeds, look by look; those of the one that is furthest while the others are behind."""
        judged = [one.looks for one in self.contenders if one.looks]
        if len({len(looks) for looks in judged}) > 1:
            return max(judged, key=len)
        return [
            Look(
                **{name: statistics.fmean(getattr(look, name) for look in looks) for name in Look.__dataclass_fields__}
            )
            for looks in zip(*judged, strict=True)
        ]


@dataclass(frozen=True)
class Comparison:
    """Entrants in the order of the cells, and the loss that the time is taken to."""

    entrants: list[Entrant]
    target_loss: float | None

    @property
    def contenders(self) -> list[Contender]:
        return [one for entrant in self.entrants for one in entrant.contenders]

    @property
    def runs(self) -> list[TrainingRun]:
        return [one.run for one in self.contenders]

    @property
    def ranking(self) -> list[Entrant]:
        """Those with a score, the best first."""
        scored = [entrant for entrant in self.entrants if entrant.score.mean is not None]
        return sorted(scored, key=lambda entrant: entrant.score.mean)

    @property
    def is_numbered(self) -> bool:
        """Whether some have the same cell, so that their labels alone do not say which runs they are."""
        return len({entrant.architecture for entrant in self.entrants}) < len(self.entrants)

    @property
    def same_batches(self) -> bool | None:
        """Whether all runs read the same batches in the same order, as many of them; None until each has said which."""
        hashes = [run.facts.get("batch_hash") for run in self.runs]
        if not hashes or not all(hashes):
            return None
        return (
            len(
                {
                    (batches, run.steps, run.config.get("sequence_length"))
                    for batches, run in zip(hashes, self.runs, strict=True)
                }
            )
            == 1
        )

    @property
    def same_songs(self) -> bool:
        """Whether all were judged by the same songs kept aside: otherwise no figure can be compared."""
        judged = {
            (run.dataset_id, run.dataset_version, run.dataset_hash, *(run.config.get(name) for name in SPLIT))
            for run in self.runs
        }
        return len(judged) < 2

    @property
    def read_alike(self) -> bool:
        """Whether a token is the same thing for all of them."""
        names = [name for name, one in FIELDS.items() if one.metadata["group"] == "text"]
        return len({tuple(run.config.get(name) for name in names) for run in self.runs}) < 2

    @property
    def baseline(self) -> float | None:
        """The one baseline that all of them have to beat, None where there is none or not the same for all."""
        found = {one.baseline for one in self.contenders}
        return found.pop() if len(found) == 1 else None

    @property
    def behind_baseline(self) -> list[Entrant]:
        """Those that counting words beats, as far as they have learnt: they should not have needed a network."""
        return [
            entrant
            for entrant in self.entrants
            if entrant.baseline and entrant.score.mean and entrant.score.mean >= entrant.baseline
        ]


# ── who is compared ──────────────────────────────────────────────────────────────────────────────────────────────


def begun(runs):
    """Return those of the query ``runs`` that have learnt something or are at it."""
    return runs.filter(state__in=[TrainingRun.State.SUCCEEDED, TrainingRun.State.RUNNING])


def usual_choice(runs: list[TrainingRun], *, with_run: str | None = None) -> list[TrainingRun]:
    """Return one run of each cell, all reading alike: words or characters, whatever has more cells.

    Of each cell it is the newest finished one: that says more than one that is still learning, however new. The run
    with the id ``with_run`` is there in any case, and the others read as it does.
    """
    runs = sorted(runs, key=lambda run: (run.pk != with_run, not run.is_finished))
    best: list[TrainingRun] = []
    for tokenizer in dict.fromkeys(run.config.get("tokenizer") for run in runs):
        newest = {}
        for run in runs:
            if run.config.get("tokenizer") == tokenizer:
                newest.setdefault(run.architecture, run)
        if len(newest) > len(best):
            best = list(newest.values())
        if any(run.pk == with_run for run in newest.values()):
            return list(newest.values())
    return best


def comparable_runs(visible, dataset: Dataset) -> list[TrainingRun]:
    """Return those of the ``visible`` runs that learn or have learnt from ``dataset``, newest first."""
    return list(begun(visible).filter(dataset=dataset).order_by("-created_at")[:MOST_LISTED])


def compare(runs: Iterable[TrainingRun], *, target_loss: float | None = None) -> Comparison:
    """Return the runs as entrants, in the order of the cells.

    ``target_loss`` is what the time is taken to; left out, the lowest loss that every run has reached.
    """
    contenders = [Contender(run) for run in runs]
    _add_looks({one.run.pk: one for one in contenders})
    _add_baselines(contenders)
    entrants = _entrants(contenders)
    _add_labels(entrants)
    return Comparison(entrants, target_loss if target_loss is not None else _reached_by_all(contenders))


def loss_from(written: str) -> float | None:
    """Return the loss that a person wrote, None where it is none that there could be."""
    try:
        value = float(written)
    except ValueError:
        return None
    return value if 0 < value < 100 else None


def _place(run: TrainingRun) -> int:
    return [*CELLS, run.architecture].index(run.architecture)


def _entrants(contenders: list[Contender]) -> list[Entrant]:
    """Group what differs in its seed alone. Where that would leave a single entrant, each run is one of its own."""
    groups: dict[tuple, list[Contender]] = {}
    for one in sorted(contenders, key=lambda one: (_place(one.run), one.run.seed)):
        groups.setdefault(_all_but_the_seed(one.run), []).append(one)
    if len(groups) == 1:
        return [Entrant([one]) for one in contenders]
    entrants: list[Entrant] = []
    for group in groups.values():
        are_seeds = len({one.run.seed for one in group}) == len(group)
        entrants += [Entrant(group)] if are_seeds else [Entrant([one]) for one in group]
    return entrants


def _all_but_the_seed(run: TrainingRun) -> tuple:
    settings = (repr(run.config.get(name, one.default)) for name, one in FIELDS.items() if name not in UNINTERESTING)
    return (run.architecture, run.dataset_id, run.dataset_version, run.race_id, *settings)


def _add_labels(entrants: list[Entrant]) -> None:
    """Name each by its cell where that is enough, by cell and number where several have the same."""
    cells = [entrant.architecture for entrant in entrants]
    counted: dict[str, int] = {}
    for entrant in entrants:
        cell = entrant.architecture
        counted[cell] = counted.get(cell, 0) + 1
        name = CELLS.get(cell, cell)
        entrant.label = name if cells.count(cell) == 1 else f"{name} {counted[cell]}"


def _add_looks(contenders: dict[str, Contender]) -> None:
    rows = MetricPoint.objects.filter(run__in=contenders, nats_per_character__isnull=False).order_by("run_id", "step")
    for run_id, step, epoch, seconds, nats in rows.values_list(
        "run_id", "step", "epoch", "seconds", "nats_per_character"
    ):
        one = contenders[run_id]
        if finite(nats) is not None:
            one.looks.append(Look(step, epoch, step * _tokens_per_step(one.run), seconds, nats))


def _add_baselines(contenders: list[Contender]) -> None:
    found = baselines_of([one.run for one in contenders])
    for one in contenders:
        if baseline := found.get(one.run.pk):
            one.baseline = finite(baseline.nats_per_character)


def _tokens_per_step(run: TrainingRun) -> float:
    """Tokens read in one step: as counted, before that as planned. The last window of an epoch may be shorter."""
    if run.step and run.tokens:
        return run.tokens / run.step
    return run.config.get("batch_size", 0) * run.config.get("sequence_length", 0)


def _reached_by_all(contenders: list[Contender]) -> float | None:
    """The lowest loss that each run had at some look, rounded up to two decimals."""
    best = [min(look.nats_per_character for look in one.looks) for one in contenders if one.looks]
    return math.ceil(max(best) * 100 - 1e-6) / 100 if best else None


# ── sentences ────────────────────────────────────────────────────────────────────────────────────────────────────


def verdict(comparison: Comparison) -> str:
    """Return the one sentence that the comparison comes to."""
    ranking = comparison.ranking
    if len(ranking) < 2:
        return "There is nothing to compare yet: two runs need a first look at the kept-aside songs."
    best, second, last = ranking[0], ranking[1], ranking[-1]
    lead = second.score.mean - best.score.mean
    margin = "by a hair" if lead < A_HAIR else f"by {lead:.2f}"
    sentence = f"{best.label} knows these songs best: {best.score.mean:.2f} nats per character, ahead {margin}"
    if last is second:
        return f"{sentence} of {second.label}."
    return f"{sentence} of {second.label}; {last.label} comes last with {last.score.mean:.2f}."


def turn_of_the_race(comparison: Comparison, axis: str) -> tuple[Entrant, Entrant, float | None] | None:
    """Return (winner, its last rival, where on ``axis`` the winner passed it); None without two curves.

    The rival is who was ahead of the winner last; where nobody was, it is the second best and the place is None.
    """
    ranking = [entrant for entrant in comparison.ranking if entrant.looks]
    if len(ranking) < 2:
        return None
    winner = ranking[0]
    rival, passed = ranking[1], None
    for other in ranking[1:]:
        line = [(getattr(look, axis), look.nats_per_character) for look in other.looks]
        ahead = [
            getattr(look, axis)
            for look in winner.looks
            if (height := height_at(line, getattr(look, axis))) is not None and height < look.nats_per_character
        ]
        if ahead and (passed is None or ahead[-1] > passed):
            rival, passed = other, ahead[-1]
    return winner, rival, passed


def height_at(line: Sequence[tuple[float, float]], x: float) -> float | None:
    """Return the height of a line through points at ``x``, None outside it."""
    for (left, low), (right, high) in itertools.pairwise(line):
        if left <= x <= right and right > left:
            return low + (high - low) * (x - left) / (right - left)
    return None


def differing_settings(comparison: Comparison) -> list[tuple[str, list]]:
    """Return the settings in which the entrants differ, each with its value per entrant."""
    rows = []
    for name, described in FIELDS.items():
        # A run from before there was such a setting trained as its default says.
        values = [entrant.first.config.get(name, described.default) for entrant in comparison.entrants]
        if name not in UNINTERESTING and len({repr(value) for value in values}) > 1:
            rows.append((name, values))
    return rows
