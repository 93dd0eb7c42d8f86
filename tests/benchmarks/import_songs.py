"""How fast songs are imported, in how much memory, and how long others wait meanwhile.

    python -m tests.benchmarks.import_songs                      57,650 songs, everything on
    python -m tests.benchmarks.import_songs --bare               duplicates, language and full-text search off
    python -m tests.benchmarks.import_songs --songs 1000000 --without near,language --other-writes

Without DATABASE_URL it works on a SQLite database in a folder of its own. The CPU seconds are those of this process;
"of parsing alone" is the ratio to parsing the same file in the same run, which a busy machine changes little.
"""

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from pathlib import Path

SWITCHES = {
    "duplicates": "duplicates", "near": "near_duplicates", "language": "detect_language", "search": "full_text",
}  # fmt: skip
PAUSE_SECONDS = 0.02  # between two writes of somebody else


def main() -> None:
    arguments = read_arguments()
    with tempfile.TemporaryDirectory() as folder:
        # Before Django reads its settings: nothing of this touches what a person keeps.
        os.environ |= {"DJANGO_SETTINGS_MODULE": "lyricsite.settings", "DATA_DIR": folder, "MEDIA_ROOT": folder}
        os.environ.setdefault("SECRET_KEY", "benchmark")
        import django

        django.setup()
        measure(Path(folder), arguments)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--songs", type=int, default=57_650)
    parser.add_argument("--everything", action="store_true", help="every step on; so it is without --bare")
    parser.add_argument("--bare", action="store_true", help="without " + ", ".join(SWITCHES))
    parser.add_argument("--without", default="", metavar="STEPS", help="some of them, with commas between")
    parser.add_argument("--memory", action="store_true", help="how memory grows with the songs, every tenth of them")
    parser.add_argument("--other-writes", action="store_true", help="how long another process waits for its writes")
    arguments = parser.parse_args()
    arguments.off = list(SWITCHES) if arguments.bare else [step for step in arguments.without.split(",") if step]
    return arguments


def measure(folder: Path, arguments: argparse.Namespace) -> None:
    from django.contrib.auth import get_user_model
    from django.core.files import File
    from django.core.management import call_command
    from django.db import connection

    from tests.benchmarks.song_files import generate_csv
    from training.services import datasets

    call_command("migrate", verbosity=0)
    path = folder / "songs.csv"
    # In a process of its own: what it needs of memory is not the import's.
    writer = multiprocessing.get_context("spawn").Process(target=generate_csv, args=(path, arguments.songs, 1))
    writer.start()
    writer.join()
    print(
        f"{arguments.songs:,} songs, {path.stat().st_size / 1e6:,.0f} MB, {connection.vendor}, without {arguments.off}"
    )
    parsing = parse(path)
    owner, _ = get_user_model().objects.get_or_create(username="benchmark", defaults={"is_staff": True})
    before = peak_megabytes()
    growth = Growth(arguments.songs)
    with OtherWrites(arguments.other_writes) as others, path.open("rb") as stream:
        wall, cpu = time.perf_counter(), time.process_time()
        job = datasets.import_in_foreground(
            owner=owner,
            name=f"Benchmark {time.time()}",
            file=File(stream, name=path.name),
            options={SWITCHES[step]: False for step in arguments.off},
            on_progress=growth.note if arguments.memory else None,
        )
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"state              {job.state} {job.error}")
    print(f"accepted           {job.report['accepted']:,}, duplicates {job.report['duplicates']}")
    print(f"wall               {wall:.1f} s")
    print(f"songs/CPU-second   {arguments.songs / cpu:,.0f} ({cpu / arguments.songs * 1e6:.0f} us a song)")
    each = parsing / arguments.songs * 1e6
    print(f"of parsing alone   {cpu / parsing:.1f} times its CPU seconds ({each:.0f} us a song)")
    print(f"peak memory        {peak_megabytes():.0f} MB, {before:.0f} MB of it before the import")
    growth.tell()
    others.tell()
    datasets.delete_dataset(dataset=job.dataset)


def parse(path: Path) -> float:
    """How many CPU seconds reading the file takes when nothing is done with its songs."""
    from training.importers import inspect, iterate_records

    options = inspect(path).options
    started = time.process_time()
    for _ in iterate_records(path, options):
        pass
    return time.process_time() - started


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


class Growth:
    """The peak of memory at every tenth of the songs."""

    def __init__(self, songs: int) -> None:
        self.step = max(1, songs // 10)
        self.seen: dict[int, float] = {}

    def note(self, records: int, _bytes: int) -> None:
        self.seen.setdefault(records // self.step, peak_megabytes())

    def tell(self) -> None:
        if self.seen:
            print("memory             " + " ".join(f"{tenth * 10}%:{peak:.0f}" for tenth, peak in self.seen.items()))


class OtherWrites:
    """Another process that writes a small row now and then, and notes how long each write took."""

    def __init__(self, is_wanted: bool) -> None:
        self.is_wanted = is_wanted
        self.seconds: list[float] = []

    def __enter__(self) -> "OtherWrites":
        if self.is_wanted:
            processes = multiprocessing.get_context("spawn")
            self.told, self.answer = processes.Pipe()
            self.process = processes.Process(target=write_until_told, args=(self.answer,))
            self.process.start()
            self.told.recv()
        return self

    def __exit__(self, *_) -> None:
        if self.is_wanted:
            self.told.send("end")
            self.seconds = sorted(self.told.recv())
            self.process.join()

    def tell(self) -> None:
        if self.seconds:
            count = len(self.seconds)
            middle, late, last = (self.seconds[min(count - 1, int(count * share))] for share in (0.5, 0.99, 1))
            print(
                f"other writes       {count:,}: half within {middle * 1e3:.0f} ms, 99 % within {late * 1e3:.0f} ms,"
                f" the longest {last * 1e3:.0f} ms"
            )


def write_until_told(pipe) -> None:
    import django

    django.setup()
    from django.db.models.functions import Now

    from training.models import SingleFlight

    SingleFlight.objects.update_or_create(name="benchmark", defaults={"held_until": Now()})
    pipe.send("ready")
    seconds = []
    while not pipe.poll(PAUSE_SECONDS):
        started = time.perf_counter()
        SingleFlight.objects.filter(name="benchmark").update(held_until=Now())
        seconds.append(time.perf_counter() - started)
    pipe.recv()
    pipe.send(seconds)


if __name__ == "__main__":
    main()
