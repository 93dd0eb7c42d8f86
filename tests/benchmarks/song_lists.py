"""How long a person waits for the lists of a dataset of a million songs, and how many queries each takes.

    python -m tests.benchmarks.song_lists
    python -m tests.benchmarks.song_lists --songs 100000

A thousand songs are imported and their rows repeated by the database. Without DATABASE_URL it works on a SQLite
database in a folder of its own; each page is asked for a few times through the whole of Django.
"""

import argparse
import os
import statistics
import tempfile
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path

IMPORTED = 1_000
TIMES = 15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=1_000_000)
    songs = parser.parse_args().songs
    with tempfile.TemporaryDirectory() as folder:
        # Before Django reads its settings: nothing of this touches what a person keeps.
        os.environ |= {"DJANGO_SETTINGS_MODULE": "lyricsite.settings", "DATA_DIR": folder, "MEDIA_ROOT": folder}
        os.environ.setdefault("SECRET_KEY", "benchmark")
        import django

        django.setup()
        measure(Path(folder), songs)


def measure(folder: Path, songs: int) -> None:
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.db import connection
    from django.test import Client
    from django.test.utils import setup_test_environment

    from training.services import datasets

    setup_test_environment()  # which lets a test client in as it is
    call_command("migrate", verbosity=0)
    owner, _ = get_user_model().objects.get_or_create(username="benchmark")
    dataset = large_dataset(folder, owner, songs)
    print(f"{dataset.songs.count():,} songs, {connection.vendor}")
    client = Client()
    client.force_login(owner)
    for address in addresses(dataset, songs):
        client.get(address)
        with counted_queries() as queries:
            status = client.get(address).status_code
        middle, best = seconds_of(partial(client.get, address))
        print(f"{middle * 1e3:6.0f} ms, at best {best * 1e3:4.0f} ms, {len(queries):2} queries, {status} {address}")
    datasets.delete_dataset(dataset=dataset)


def addresses(dataset, songs: int) -> list[str]:
    from django.urls import reverse

    pages = reverse("training:song-list", args=[dataset.pk])
    late = max(1, songs - IMPORTED)
    return [
        reverse("training:dataset-list"),
        reverse("training:dataset-detail", args=[dataset.pk]),
        pages,
        f"{pages}?from={late}",
        "/api/v1/datasets/",
        f"/api/v1/datasets/{dataset.pk}/songs/",
        f"/api/v1/datasets/{dataset.pk}/songs/?from={late}",
    ]


@contextmanager
def counted_queries():
    """The statements that run meanwhile, whichever thread and connection they belong to."""
    from django.db.backends.utils import CursorWrapper

    statements: list[str] = []
    execute = CursorWrapper.execute

    def counting(cursor, statement, parameters=None):
        statements.append(statement)
        return execute(cursor, statement, parameters)

    CursorWrapper.execute = counting
    try:
        yield statements
    finally:
        CursorWrapper.execute = execute


def seconds_of(do) -> tuple[float, float]:
    """The median and the least of a few runs."""
    seconds = []
    for _ in range(TIMES):
        started = time.perf_counter()
        do()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds), min(seconds)


def large_dataset(folder: Path, owner, songs: int):
    """A dataset of ``songs`` songs: `IMPORTED` of them from a file, the others the same again at later places."""
    from django.core.files import File
    from django.db import connection

    from tests.benchmarks.song_files import generate_csv
    from training.models import Song
    from training.services import datasets

    path = folder / "songs.csv"
    generate_csv(path, IMPORTED)
    with path.open("rb") as stream:
        job = datasets.import_in_foreground(owner=owner, name="A million songs", file=File(stream, name=path.name))
    own = ("id", "ordinal", "imported_by_id", "record_number")
    columns = ", ".join(
        connection.ops.quote_name(field.column) for field in Song._meta.concrete_fields if field.column not in own
    )
    table = connection.ops.quote_name(Song._meta.db_table)
    for start in range(IMPORTED, songs, IMPORTED):
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} (ordinal, {columns}) SELECT ordinal + %s, {columns} FROM {table} "  # noqa: S608
                "WHERE dataset_id = %s AND ordinal <= %s",
                [start, job.dataset_id, IMPORTED],
            )
    return job.dataset


if __name__ == "__main__":
    main()
