"""What an operator's Prometheus reads: how long the line is, what runs, what was lost, how full the disk is.

Read from the rows when it is asked, so every web process tells the same; what only a process itself knows has its id.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db.models import Count, Min, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from training import streaming
from training.lifecycle.line import free_hands
from training.models import Attempt, Import, TrainingRun, Worker

LEASE_RAN_OUT = "Its worker vanished."  # what the reconciler writes; another reason is a training process that died


def text() -> bytes:
    """Every metric in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Platform())
    return generate_latest(registry)


class _Platform:
    def describe(self) -> list[Metric]:
        return []  # the names are known without asking the database

    def collect(self) -> Iterator[Metric]:
        yield _of_states("lyrics_runs", "Training runs by state.", TrainingRun.State.values, TrainingRun)
        yield _of_states("lyrics_imports", "Imports by state.", Import.State.values, Import)
        yield GaugeMetricFamily("lyrics_queue_age_seconds", "How long the first waiting run has waited.", _queue_age())
        yield _attempts()
        yield _lease_failures()
        yield _training_speed()
        yield GaugeMetricFamily("lyrics_workers", "Workers that were heard of.", Worker.objects.alive().count())
        yield GaugeMetricFamily("lyrics_free_hands", "Runs more that workers could train.", free_hands())
        yield _open_streams()
        yield _free_disk()


def _of_states(name: str, help_text: str, states: list[str], model) -> Metric:
    counted = dict(model.objects.order_by().values_list("state").annotate(Count("pk")))
    metric = GaugeMetricFamily(name, help_text, labels=["state"])
    for state in states:
        metric.add_metric([state], counted.get(state, 0))
    return metric


def _queue_age() -> float:
    oldest = TrainingRun.objects.queued().aggregate(oldest=Min("queued_at"))["oldest"]
    return 0.0 if oldest is None else max(0.0, (timezone.now() - oldest).total_seconds())


def _attempts() -> Metric:
    metric = CounterMetricFamily("lyrics_attempts", "Attempts at runs that ended, and how.", labels=["outcome"])
    ended = Attempt.objects.exclude(outcome="")
    counted = dict(ended.order_by().values_list("outcome").annotate(Count("pk")))
    for outcome in Attempt.Outcome.values:
        metric.add_metric([outcome], counted.get(outcome, 0))
    return metric


def _lease_failures() -> Metric:
    lost = Attempt.objects.filter(outcome=Attempt.Outcome.LOST, reason=LEASE_RAN_OUT)
    return CounterMetricFamily("lyrics_lease_failures", "Attempts whose lease nobody renewed.", lost.count())


def _training_speed() -> Metric:
    total = TrainingRun.objects.running().aggregate(total=Sum("tokens_per_second"))["total"]
    return GaugeMetricFamily("lyrics_training_tokens_per_second", "Of all runs that are trained now.", total or 0.0)


def _open_streams() -> Metric:
    metric = GaugeMetricFamily("lyrics_open_streams", "Streams that this web process serves.", labels=["process"])
    metric.add_metric([str(os.getpid())], streaming.open_streams())
    return metric


def _free_disk() -> Metric:
    metric = GaugeMetricFamily("lyrics_free_disk_bytes", "Room left where files are kept.", labels=["folder"])
    for folder in sorted({Path(settings.MEDIA_ROOT), Path(settings.DATA_DIR)}):
        if folder.is_dir():
            metric.add_metric([str(folder)], shutil.disk_usage(folder).free)
    return metric
