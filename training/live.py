"""A run as it happens, for streams: what was written down since a sequence number, in the contract's words."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass

from django.db.models import Q
from django.http import HttpRequest

from training.curves import CSV_COLUMNS, finite
from training.models import Checkpoint, RunEvent, TrainingRun
from training.streaming import read

LOOK_SECONDS = 0.5
MOST_AT_ONCE = 500
SAMPLE_COLUMNS = ("step", "epoch", "prompt", "text", "temperature", "seed", "nats_per_character")


@dataclass(frozen=True)
class News:
    """Events in order, each (name, sequence number, data); ``is_over`` when no other can follow."""

    events: list[tuple[str, int, dict]]
    is_over: bool = False


def progress_of(run: TrainingRun) -> dict:
    """Return how far ``run`` is: the contract's ``progress``, and what its worker does right now."""
    return {
        "step": run.step,
        "steps": run.steps,
        "epoch": run.epoch,
        "epochs": run.epochs,
        "tokens": run.tokens,
        "tokens_per_second": finite(run.tokens_per_second),
        "eta_seconds": finite(run.eta_seconds),
        "learning_rate": finite(run.learning_rate),
        "gradient_norm": finite(run.gradient_norm),
        "memory_bytes": run.memory_bytes,
        "utilisation": finite(run.utilisation),
        "device": run.facts.get("device", ""),
        "percent": run.percent,
        "phase": run.phase,
    }


def news_of(run_id: str, reader, after: int) -> News | None:
    """Return what ``reader`` may know of a run and has not heard after the number ``after``; None when it is gone.

    Every number is higher than the one before. What is written has its own; progress goes under the row's number, and
    the two last events under numbers past it, since nothing follows a finished run.
    The row is read first: whatever is written meanwhile has a higher number than its ``sequence`` and comes next time.
    """
    run = TrainingRun.objects.filter(pk=run_id).first()
    if run is None:
        return None
    written = _written(run, after)
    if len(written) > MOST_AT_ONCE:
        return News(written[:MOST_AT_ONCE])
    reached = written[-1][1] if written else after
    if run.is_finished:
        last = max(reached, run.sequence)
        ending = [("progress", last + 1, progress_of(run)), ("end", last + 2, _ending(run, reader))]
        return News(written + ending, is_over=True)
    if run.sequence > reached:
        written.append(("progress", run.sequence, progress_of(run)))
    return News(written)


def _written(run: TrainingRun, after: int) -> list[tuple[str, int, dict]]:
    """Return metrics, samples and changes of state between ``after`` and the row's own number, merged in order."""
    fresh = Q(sequence__gt=after, sequence__lte=run.sequence)
    found = []
    for kind, rows, columns in (
        ("metric", run.metric_points, CSV_COLUMNS),
        ("sample", run.samples, SAMPLE_COLUMNS),
        ("state", run.events.filter(kind=RunEvent.Kind.STATE), ("state", "message")),
    ):
        newest = rows.filter(fresh).order_by("sequence").values("sequence", *columns)[: MOST_AT_ONCE + 1]
        found += [(kind, row.pop("sequence"), _plain(row)) for row in newest]
    return sorted(found, key=lambda event: event[1])


def _plain(row: dict) -> dict:
    return {name: finite(value) if isinstance(value, float) else value for name, value in row.items()}


def _ending(run: TrainingRun, reader) -> dict:
    models = Checkpoint.objects.published().visible_to(reader).filter(run=run)
    return {"state": run.state, "error": run.error, "model": models.values_list("pk", flat=True).first()}


def event_text(name: str, number: int, data: dict) -> str:
    """Return one event as it is sent. JSON has no line breaks of its own, so the data is one line."""
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(data, allow_nan=False)}\n\n"


def last_heard(request: HttpRequest) -> int:
    """Return the number of the last event that a reader has: its ``Last-Event-ID``, else ``?after=``; 0 for none."""
    said = request.headers.get("Last-Event-ID", "") or request.GET.get("after", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else 0


async def run_events(run_id: str, *, reader, after: int = 0) -> AsyncIterator[str]:
    """Yield a run's events as text for `streaming.event_stream`, from the first after number ``after`` to its end."""
    yield "retry: 1000\n\n"
    while True:
        news = await read(news_of, run_id, reader, after)
        if news is None:
            return
        for name, number, data in news.events:
            yield event_text(name, number, data)
            after = number
        if news.is_over:
            return
        await asyncio.sleep(LOOK_SECONDS)
