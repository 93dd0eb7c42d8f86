"""Reads every file that a row names, and says which is missing or no longer what was published."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from training import storage
from training.models import Checkpoint, DatasetFile


@dataclass
class Inventory:
    """What was looked at, and what was amiss in it."""

    files: int = 0
    size_bytes: int = 0
    missing: int = 0
    mismatched: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Named:
    """A file that a row names."""

    owner: str  # what it belongs to, in words
    folder: str
    name: str
    expected: dict


def take() -> Inventory:
    """Look at every file. Raises: storage.StorageAway."""
    seen = Inventory()
    for file in named_files():
        seen.files += 1
        seen.size_bytes += file.expected["size"]
        try:
            storage.open_verified(file.folder, file.name, file.expected).close()
        except storage.StorageDamaged as problem:
            is_missing = isinstance(problem.__cause__, FileNotFoundError)
            seen.missing += is_missing
            seen.mismatched += not is_missing
            seen.problems.append(f"{file.owner}: {file.folder}/{problem}")
    return seen


def named_files() -> Iterator[Named]:
    """Every file that has to be there; what is being deleted has not, and what was found damaged is known."""
    for row in Checkpoint.objects.ready().order_by("pk").iterator(chunk_size=200):
        kind = "model" if row.published_at else "checkpoint"
        for name, expected in row.manifest.get("files", {}).items():
            yield Named(f"{kind} {row.pk} ({row})", row.folder, name, expected)
    for row in DatasetFile.objects.order_by("pk").iterator(chunk_size=200):
        folder, _, name = row.file.name.rpartition("/")
        yield Named(f"upload of dataset {row.dataset_id}", folder, name, {"size": row.size_bytes, "sha256": row.sha256})
