"""Who listens: each worker's main process beats its row, so that a page can say when nobody does."""

from django.db.models.functions import Now

from training.models import Worker

NOT_DRAINING = {"is_draining": False, "drain_requested_at": None, "drain_requested_by": ""}


def worker_beat(name: str, *, host: str, pid: int, queues: list[str], processes: int = 1) -> None:
    """Say that the worker lives; its row appears with the first beat, and again after somebody removed it."""
    listens = f",{','.join(sorted(queues))},"
    seen = Worker.objects.filter(name=name, pid=pid, host=host).update(seen_at=Now(), queues=listens)
    if not seen:  # its first beat, or a new process under an old name: whoever was told to stay down was started again
        columns = {"host": host, "pid": pid, "queues": listens, "processes": processes, **NOT_DRAINING}
        Worker.objects.update_or_create(name=name, defaults={**columns, "seen_at": Now(), "started_at": Now()})


def announce_drain(name: str) -> None:
    """Say that the worker ends soon: it takes nothing new, and its supervisors hand back what they hold."""
    Worker.objects.filter(name=name).update(is_draining=True)


def drain_worker(name: str, *, by) -> bool:
    """Have the worker take nothing new, hand back what it holds, and end; False when there is none of that name.

    It stays down until somebody starts it again: its main process looks at `is_to_stay_down`.
    """
    workers = Worker.objects.filter(name=name)
    asked = {"is_draining": True, "drain_requested_at": Now(), "drain_requested_by": str(by)[:200]}
    return workers.filter(drain_requested_at__isnull=True).update(**asked) == 1 or workers.exists()


def is_draining(name: str) -> bool:
    return Worker.objects.filter(name=name, is_draining=True).exists()


def is_to_stay_down(name: str, pid: int) -> bool:
    """Whether staff asked this very process to end and not to be started again by itself."""
    return Worker.objects.filter(name=name, pid=pid, drain_requested_at__isnull=False).exists()


def forget_worker(name: str, pid: int) -> None:
    """Remove the row of a worker that has ended; one that staff had emptied stays, so that a page can say so."""
    Worker.objects.filter(name=name, pid=pid, drain_requested_at__isnull=True).delete()
