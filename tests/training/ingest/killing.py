"""Imports that end in the middle of something, as they do when a worker is killed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from training import ingest, lifecycle
from training.ingest import reading
from training.ingest.hold import Hold
from training.models import Dataset, Import


class Killed(BaseException):
    """Nobody catches it, as nobody catches a SIGKILL."""


@contextmanager
def killed_at(steps: int, monkeypatch) -> Iterator[None]:
    """Kill the import after this many steps: a renewed lease and a taken record count as one each."""
    left = [steps]

    def killing(method: Callable) -> Callable:
        def step(*args, **kwargs):
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return method(*args, **kwargs)

        return step

    with monkeypatch.context() as patch:
        patch.setattr(Hold, "renew", killing(Hold.renew))
        patch.setattr(reading.Reading, "take", killing(reading.Reading.take))
        yield


def attempt(job: Import) -> None:
    """Do what a worker does that claims the import; may be killed on the way."""
    token = lifecycle.claim_import(job.pk)
    assert token is not None
    ingest.run_import(job.pk, token)


def take_back(job: Import) -> None:
    """Do what the reconciler does once the lease has run out."""
    Import.objects.filter(pk=job.pk, state=Import.State.RUNNING).update(
        state=Import.State.QUEUED, lease_token=None, lease_expires_at=None
    )


def stored(dataset: Dataset) -> list[dict]:
    """Every song of the dataset, without what only says whose it is."""
    dataset.refresh_from_db()
    rows = dataset.songs.order_by("ordinal", "added_in").values()
    return [{name: row[name] for name in row if name not in ("id", "dataset_id", "imported_by_id")} for row in rows]
