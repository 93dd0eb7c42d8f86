"""Who listens: each worker's main process beats its row, so that a page can say when nobody does."""

from django.db.models.functions import Now

from training.models import Worker


def worker_beat(name: str, *, host: str, pid: int, queues: list[str], processes: int = 1) -> None:
    """Say that the worker lives; its row appears with the first beat, and again after somebody removed it."""
    listens = f",{','.join(sorted(queues))},"
    seen = Worker.objects.filter(name=name, pid=pid).update(seen_at=Now(), queues=listens)
    if not seen:  # its first beat, or a new process under an old name
        columns = {"host": host, "pid": pid, "queues": listens, "processes": processes, "is_draining": False}
        Worker.objects.update_or_create(name=name, defaults={**columns, "seen_at": Now(), "started_at": Now()})


def announce_drain(name: str) -> None:
    """Say that the worker ends soon: it takes nothing new, and its supervisors hand back what they hold."""
    Worker.objects.filter(name=name).update(is_draining=True)


def is_draining(name: str) -> bool:
    return Worker.objects.filter(name=name, is_draining=True).exists()


def forget_worker(name: str, pid: int) -> None:
    Worker.objects.filter(name=name, pid=pid).delete()
