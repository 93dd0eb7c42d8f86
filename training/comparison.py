"""Runs of one dataset side by side, by the one measure that all of them share."""

from dataclasses import dataclass, field

from training.curves import Point, finite
from training.language_model.config import FIELDS
from training.language_model.presets import ARCHITECTURES, cell_name
from training.models import Dataset, MetricPoint, TrainingRun

CELLS = tuple(one["name"] for one in ARCHITECTURES)
MOST_RUNS = 8
MOST_LISTED = 60
UNINTERESTING = {"architecture", "steps", "threads", "device", "sample_prompt", "sample_tokens", "sample_temperature"}


@dataclass
class Contender:
    """One of the compared runs with its curve and its scores."""

    run: TrainingRun
    label: str = ""
    looks: list[Point] = field(default_factory=list)
    is_best: bool = False

    @property
    def best_look(self) -> Point | None:
        scored = [look for look in self.looks if look.nats_per_character is not None]
        return min(scored, key=lambda look: look.nats_per_character, default=None)

    @property
    def nats_per_character(self) -> float | None:
        kept = finite(self.run.metrics.get("nats_per_character"))
        return kept if kept is not None else self.best_look and self.best_look.nats_per_character

    @property
    def perplexity(self) -> float | None:
        return finite(self.run.metrics.get("perplexity"))

    @property
    def seconds(self) -> float | None:
        return self.looks[-1].seconds if self.looks else None

    def as_curve(self) -> dict:
        points = [[look.step, look.epoch, look.seconds, look.nats_per_character] for look in self.looks]
        return {"cell": self.run.architecture, "label": self.label, "points": points}


def comparable_runs(visible, dataset: Dataset) -> list[TrainingRun]:
    """Return those of the ``visible`` runs that learn or have learnt from ``dataset``, newest first."""
    begun = [TrainingRun.State.SUCCEEDED, TrainingRun.State.RUNNING]
    return list(visible.filter(state__in=begun, dataset=dataset).order_by("-created_at")[:MOST_LISTED])


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


def compare(runs: list[TrainingRun]) -> list[Contender]:
    """Return the runs with curves, labels and the best one marked, in the order in which cells are offered."""
    contenders = [Contender(run) for run in sorted(runs, key=lambda run: CELLS.index(run.architecture))]
    _add_looks({contender.run.pk: contender for contender in contenders})
    _add_labels(contenders)
    scored = [one for one in contenders if one.nats_per_character is not None]
    if len(scored) > 1:
        min(scored, key=lambda one: one.nats_per_character).is_best = True
    return contenders


def verdict(contenders: list[Contender]) -> str:
    """Return the one sentence that the comparison comes to."""
    scored = sorted(
        (one for one in contenders if one.nats_per_character is not None), key=lambda one: one.nats_per_character
    )
    if len(scored) < 2:
        return "There is nothing to compare yet: two runs need a first look at the kept-aside songs."
    best, second, last = scored[0], scored[1], scored[-1]
    lead = second.nats_per_character - best.nats_per_character
    margin = "by a hair" if lead < 0.005 else f"by {lead:.2f}"
    sentence = f"{best.label} knows these songs best: {best.nats_per_character:.2f} nats per character, ahead {margin}"
    if last is second:
        return f"{sentence} of {second.label}."
    return f"{sentence} of {second.label}; {last.label} comes last with {last.nats_per_character:.2f}."


def differing_settings(contenders: list[Contender]) -> list[tuple[str, list]]:
    """Return the settings in which the runs differ, each with its value per run."""
    rows = []
    for name, described in FIELDS.items():
        # A run from before there was such a setting trained as its default says.
        values = [one.run.config.get(name, described.default) for one in contenders]
        if name not in UNINTERESTING and len({repr(value) for value in values}) > 1:
            rows.append((name, values))
    return rows


def _add_looks(contenders: dict[str, Contender]) -> None:
    rows = MetricPoint.objects.filter(run__in=contenders, valid_loss__isnull=False).order_by("run_id", "step")
    columns = ("run_id", "step", "epoch", "seconds", "train_loss", "valid_loss", "nats_per_character")
    for run_id, *values in rows.values_list(*columns):
        contenders[run_id].looks.append(Point(*map(finite, values)))


def _add_labels(contenders: list[Contender]) -> None:
    """Name each run by its cell where that is enough, by its own name where two have the same cell."""
    cells = [one.run.architecture for one in contenders]
    for one in contenders:
        cell = cell_name(one.run.architecture)
        one.label = cell if cells.count(one.run.architecture) == 1 else f"{cell} “{_short(one.run.name)}”"


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else name[: most - 1].rstrip() + "…"
