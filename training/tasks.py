"""What a worker does when it is told, and how it is told. A message is a doorbell: losing one costs only time."""

import logging
from contextlib import contextmanager
from functools import partial

from celery import current_app, shared_task
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from training import explaining, lifecycle, preparing, retention, supervision
from training.fault_points import fault_point
from training.models import TrainingRun

logger = logging.getLogger(__name__)
# One try of less than a second: a web request that has just stored its row does not wait for a broker that is away.
_IMPATIENT = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, "socket_timeout": 0.8, "max_retries": 0}
BELL_SECONDS = 3600  # an unread bell older than this is dropped; the reconciler has long rung again


@contextmanager
def as_far_as_the_database_answers():
    """Leave the rest of a task to a later bell when the database is away: what waits in its rows waits on."""
    try:
        yield
    except (OperationalError, InterfaceError) as problem:
        connection.close_if_unusable_or_obsolete()
        logger.warning("the database does not answer (%s); the reconciler rings again", type(problem).__name__)


@shared_task(bind=True)
def train_next(self) -> None:
    """Train the first run in line, ring for the one behind it, and explain what was learnt."""
    worker = self.request.hostname or "worker"
    with as_far_as_the_database_answers():
        if lifecycle.is_draining(worker):
            return  # the reconciler rings for another one
        trained = supervision.train_first_in_line(worker)
        if trained and TrainingRun.objects.queued().exists() and not lifecycle.is_draining(worker):
            ring_for_training()
        if trained:
            explaining.explain_first_in_line(worker)


@shared_task(bind=True)
def explain_next(self) -> None:
    """Work out the insights into the run that has waited for them longest."""
    with as_far_as_the_database_answers():
        explaining.explain_first_in_line(self.request.hostname or "worker")


@shared_task(bind=True)
def import_dataset(self, import_id: str) -> None:
    """Read the file of one import, unless somebody else does."""
    if lifecycle.is_draining(self.request.hostname or "worker"):
        return
    token = lifecycle.take_import(import_id)
    if token is not None:
        from training import ingest  # its parsers are of no use to the processes that only ring

        ingest.run_import(import_id, token)


@shared_task(bind=True)
def prepare_models(self) -> None:
    """Make the models ready to write that came without their graphs."""
    with as_far_as_the_database_answers():
        preparing.prepare_all_that_wait(self.request.hostname or "worker")


@shared_task
def maintenance_reconcile() -> None:
    """Take back what is held by nobody and ring for what waits unheard."""
    reconcile_and_ring()


@shared_task
def maintenance_sweep() -> None:
    """Take away checkpoints that are no longer needed and files that no row names."""
    retention.sweep()


def reconcile_and_ring(*, at_once: bool = False) -> lifecycle.Reconciled:
    """One sweep and its bells; ``at_once`` also when another process made one a moment ago."""
    done = lifecycle.reconcile() if at_once else lifecycle.reconcile_if_due()
    bells = [(train_next,)] * len(done.runs_to_ring) + [(import_dataset, pk) for pk in done.imports_to_ring]
    bells += [(explain_next,)] * done.rings_to_explain
    bells += [(prepare_models,)] * done.rings_to_prepare
    bells += [(maintenance_sweep,)] * retention.sweep_is_due()
    for bell in bells:
        if not _send(*bell):
            break  # each try may take a second, and the next sweep tries again
    return done


def ring_for_training() -> None:
    """Tell a worker, once the transaction is committed, that a run waits. Never raises, never waits long."""
    transaction.on_commit(_tell_a_trainer, robust=True)


def _tell_a_trainer() -> None:
    fault_point("doorbell.before_send")  # the row is committed, and nobody knows yet
    _send(train_next)


def ring_for_import(import_id: str) -> None:
    """Tell a worker, once the transaction is committed, that this import waits. Never raises, never waits long."""
    transaction.on_commit(partial(_send, import_dataset, import_id), robust=True)


def ring_for_preparing() -> None:
    """Tell a worker, once the transaction is committed, that a model can't write yet. Never raises or waits long."""
    transaction.on_commit(partial(_send, prepare_models), robust=True)


def _send(task, *args) -> bool:
    """Ring, or say in the log that nobody could be told: the reconciler rings again."""
    try:
        with current_app.connection_for_write(transport_options=_IMPATIENT) as broker:
            task.apply_async(args, connection=broker, expires=BELL_SECONDS, retry=False)
    except (BrokerError, RedisError, OSError) as problem:
        logger.warning("%s could not be rung (%s); the reconciler will", task.name, type(problem).__name__)
        return False
    return True
