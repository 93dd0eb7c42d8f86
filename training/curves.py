"""The measured points of a run, as a chart and a table need them."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from django.http import HttpResponse

from training import exports
from training.models import MetricPoint, TrainingRun

MOST_TRAINING_POINTS = 400  # more than a screen has pixels to tell apart
COLUMNS = ("step", "epoch", "seconds", "train_loss", "valid_loss", "nats_per_character")
POINT_COLUMNS = (*COLUMNS, "gradient_norm")
CSV_COLUMNS = (*COLUMNS, "learning_rate", "gradient_norm", "tokens_per_second")


@dataclass(frozen=True)
class Point:
    """One measured moment. Losses in nats per token, None where nothing was measured; seconds of training so far."""

    step: int
    epoch: float
    seconds: float
    train_loss: float | None
    valid_loss: float | None
    nats_per_character: float | None
    gradient_norm: float | None = None

    def as_list(self) -> list:
        return [getattr(self, column) for column in COLUMNS]


def points_of(run: TrainingRun, *, after: int = 0) -> list[Point]:
    """Return the points of ``run`` in order of their steps, those alone that came after the sequence number ``after``.

    Every judgement on kept-aside songs is there; of the rest at most `MOST_TRAINING_POINTS`, evenly spread.
    """
    rows = run.metric_points.filter(sequence__gt=after).order_by("step").values_list(*POINT_COLUMNS)
    return thinned([Point(*map(finite, row)) for row in rows])


def thinned(points: list[Point], most: int = MOST_TRAINING_POINTS) -> list[Point]:
    """Return all judged points, and about ``most`` of the others, the last of all among them."""
    stride = math.ceil(len(points) / most) or 1
    last = len(points) - 1
    return [
        point
        for index, point in enumerate(points)
        if point.valid_loss is not None or index % stride == 0 or index == last
    ]


def judged(points: Iterable[Point]) -> list[Point]:
    """Return the points at which the network was judged on songs kept aside."""
    return [point for point in points if point.valid_loss is not None]


def chart_data(run: TrainingRun, points: list[Point], level: dict | None = None) -> dict:
    """Return what `static/js/loss_chart.js` draws; the attempt says when it has to begin anew.

    Only of a run that learns the chart reaches as far as is planned: it fills.

    ``level`` is the height of the run's baseline, as `training.baselines.level_of` tells it.
    """
    planned = {"step": run.steps, "epoch": run.epochs} if run.state == TrainingRun.State.RUNNING else {}
    return {
        "attempt": run.attempts,
        "planned": planned,
        "baseline": level,
        "points": [point.as_list() for point in points],
    }


def metrics_csv(run: TrainingRun) -> HttpResponse:
    """Return every measured point of ``run`` as a table to download."""
    rows = MetricPoint.objects.filter(run=run).order_by("step").values_list(*CSV_COLUMNS)
    text = exports.csv_text(CSV_COLUMNS, (map(finite, row) for row in rows.iterator()))
    return exports.csv_download(text, f"{run.name} metrics")


def finite(value: float | None) -> float | None:
    """Return ``value``, or None for what is no number: JSON has no word for it."""
    return value if value is not None and math.isfinite(value) else None
