"""A run as it happens, for streams: what was written down since a sequence number, in the contract's words.

All streams of a process look at their runs together, twice a second with one question; only a stream whose run has
moved reads what is new. Five hundred quiet pages cost as much as one.
"""

import asyncio
import json
import random
import weakref
from collections.abc import AsyncIterator
from dataclasses import dataclass

from django.db import DatabaseError
from django.db.models import Q
from django.http import HttpRequest

from training.curves import CSV_COLUMNS, finite
from training.database import is_away
from training.models import Checkpoint, RunEvent, TrainingRun
from training.streaming import read

LOOK_SECONDS = 0.5
AWAY_SECONDS = 2  # between two tries to read while the database is away
MOST_AT_ONCE = 100  # of each kind: what lies in memory for a reader who is slow
SAMPLE_COLUMNS = ("step", "epoch", "prompt", "text", "temperature", "seed", "nats_per_character")


@dataclass(frozen=True)
class News:
    """Events in order, each (name, sequence number, data), up to the row's number ``reached``.

    ``has_more`` when others are written already, ``is_over`` when no other can follow.
    """

    events: list[tuple[str, int, dict]]
    reached: int
    has_more: bool = False
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

    What is written has a number of its own, each higher than the one before. Progress, and at last the end, go under
    the row's number: whoever comes back with it hears them again, and whatever a second try may bring later.
    A number that this run has not reached is not one of its own: then everything comes, from the beginning.
    The row is read first: whatever is written meanwhile has a higher number than its ``sequence`` and comes next time.
    """
    run = TrainingRun.objects.visible_to(reader).filter(pk=run_id).first()
    if run is None:
        return None
    if after > run.sequence:
        after = 0
    written = _written(run, after)
    if len(written) > MOST_AT_ONCE:
        some = written[:MOST_AT_ONCE]
        return News(some, reached=some[-1][1], has_more=True)
    reached = written[-1][1] if written else after
    if run.is_finished:
        ending = [("progress", run.sequence, progress_of(run)), ("end", run.sequence, _ending(run, reader))]
        return News(written + ending, reached=run.sequence, is_over=True)
    if run.sequence > reached:
        written.append(("progress", run.sequence, progress_of(run)))
    return News(written, reached=run.sequence)


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
    """Yield a run's events as text for `streaming.event_stream`, from the first after number ``after`` to its end.

    While the database is away the stream waits: its reader misses nothing and hears on once it is back.
    """
    # After a deploy not all readers come back in the same moment.
    yield f"retry: {random.randint(1000, 3000)}\n\n"
    while True:
        try:
            news = await read(news_of, run_id, reader, after)
        except DatabaseError as error:
            if not is_away(error):
                raise
            await asyncio.sleep(AWAY_SECONDS)
            continue
        if news is None:
            return
        for name, number, data in news.events:
            yield event_text(name, number, data)
        after = news.reached
        if news.is_over:
            return
        if not news.has_more:
            await _lookout().moved(run_id, after)


# ── One look for all ─────────────────────────────────────────────────────────────────────────────────────────────


def reached_by(run_ids: set[str]) -> dict[str, int]:
    """Return the number that each of these runs has reached; one that is gone has none."""
    return dict(TrainingRun.objects.filter(pk__in=run_ids).values_list("pk", "sequence"))


class Lookout:
    """Looks at the runs that streams of one event loop wait for, as long as any does."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future, tuple[str, int]] = {}
        self._task: asyncio.Task | None = None

    async def moved(self, run_id: str, heard: int) -> None:
        """Return once the run has another number than ``heard``, or is gone."""
        future = asyncio.get_running_loop().create_future()
        self._waiting[future] = (run_id, heard)
        if self._task is None:
            self._task = asyncio.ensure_future(self._look())
        try:
            await future
        finally:
            self._waiting.pop(future, None)

    async def _look(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(LOOK_SECONDS)
                await self._look_once()
        except Exception as error:  # it fails where it is waited for
            for future in self._waiting:
                if not future.done():
                    future.set_exception(error)
        finally:
            self._task = None

    async def _look_once(self) -> None:
        asked = dict(self._waiting)  # who comes while the answer is on its way was not asked about
        try:
            numbers = await read(reached_by, {run_id for run_id, _ in asked.values()})
        except DatabaseError as error:
            if not is_away(error):
                raise
            return
        for future, (run_id, heard) in asked.items():
            if numbers.get(run_id) != heard and not future.done():
                future.set_result(None)


_lookouts: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Lookout] = weakref.WeakKeyDictionary()


def _lookout() -> Lookout:
    return _lookouts.setdefault(asyncio.get_running_loop(), Lookout())
