"""An account with something in every room, made through the real services and real workers."""

from dataclasses import dataclass
from io import StringIO

from django.core.files.base import ContentFile
from django.core.management import call_command

from generator.models import Collection, Lyric
from generator.services import collections, history, lyrics, sharing, writing
from lyricsite.bootstrap import SONGBOOK_FILE
from tests.dirty_songs import ALL, dirty_table
from tests.processes import wait_until
from training import lifecycle
from training.models import Checkpoint, Dataset, Race, TrainingRun
from training.services import datasets, races, runs, songs

BRIEF = {
    "threads": 1,
    "hidden_size": 64,
    "embedding_size": 32,
    "steps": 120,
    "epochs": 50,
    "evaluations": 4,
    "sample_tokens": 120,
}
ENDLESS = {"threads": 1, "hidden_size": 64, "embedding_size": 32, "steps": 500_000, "epochs": 1000, "patience": 0}


@dataclass
class Room:
    dataset: Dataset
    failed_dataset: Dataset
    succeeded: TrainingRun
    failed: TrainingRun
    running: TrainingRun
    paused: TrainingRun
    queued: TrainingRun
    race: Race
    model: Checkpoint
    lyric: Lyric
    collection: Collection


def furnish(user) -> Room:
    """Fill the account of ``user``; needs workers that listen."""
    call_command("import_songs", str(SONGBOOK_FILE), dataset="Starter songbook", owner=user.username, stdout=StringIO())
    dataset = Dataset.objects.get(owner=user, name="Starter songbook")
    failed_dataset = datasets.create_dataset(
        owner=user, name="Nothing to sing", file=ContentFile(b"title,lyrics\nSilence,\n", name="silence.csv")
    )
    finished = [
        runs.start_run(owner=user, dataset=dataset, architecture=cell, preset="tiny", overrides=BRIEF)
        for cell in ("rnn", "gru", "lstm")
    ]
    wait_until(lambda: all(_reload(run).is_finished for run in finished), what="three trainings")
    wait_until(lambda: all(lifecycle.explaining_of(run) == "ended" for run in finished), what="why they remember")
    wait_until(lambda: _reload(failed_dataset).state == Dataset.State.FAILED, what="an import that fails")
    paused = runs.start_run(owner=user, dataset=dataset, architecture="gru", preset="tiny", overrides=ENDLESS)
    wait_until(lambda: _reload(paused).step > 50, what="a training to pause")
    runs.pause_run(run=paused, by=user)
    wait_until(lambda: _reload(paused).state == TrainingRun.State.PAUSED, what="a paused training")
    running = runs.start_run(owner=user, dataset=dataset, architecture="gru", preset="tiny", overrides=ENDLESS)
    wait_until(lambda: _reload(running).step > 50, what="a running training")
    queued = runs.start_run(
        owner=user, dataset=dataset, architecture="lstm", preset="lunch", name="Over lunch, in words",
        overrides={"tokenizer": "word"},
    )  # fmt: skip
    race = races.start_race(
        owner=user, dataset=dataset, architectures=["rnn", "lstm", "gru"], seeds=[1, 2], budget={"tokens": 500_000}
    )
    failed = _failed_run(user, dataset)
    model = finished[-1].checkpoints.get()
    lyric, collection = _lyrics(user, model)
    return Room(dataset, failed_dataset, finished[-1], failed, running, paused, queued, race, model, lyric, collection)


def _reload(row):
    row.refresh_from_db()
    return row


def repaired_dataset(user) -> Dataset:
    """A dataset of everything that can be wrong with songs, at its third version; needs no worker."""
    file = ContentFile(dirty_table(ALL), name="scraped songs.csv")
    dataset = datasets.import_in_foreground(owner=user, name="Lantern songs", file=file).dataset
    dataset.refresh_from_db()
    lantern = dataset.songs_in_use().get(title="Lantern Road")
    songs.change_song(song=lantern, by=user, text=lantern.text.replace("gravel", "pavement"), year=1987)
    dataset.refresh_from_db()
    songs.change_song(song=dataset.songs_in_use().get(title="Nachtzug"), by=user, excluded=True)
    return _reload(dataset)


def _failed_run(user, dataset: Dataset) -> TrainingRun:
    """A run as the worker leaves it when the loss is no longer a number."""
    run = runs.start_run(
        owner=user, dataset=dataset, architecture="rnn", preset="tiny", name="Too fast", overrides=BRIEF
    )
    claim = lifecycle.claim(run.pk, worker="training@showroom", host="showroom", pid=1)
    error = "The loss was no longer a number at step 41. Lower the learning rate to half and try again."
    lifecycle.finish(run.pk, claim.token, "failed", message=error, error=error, error_code="diverged")
    return _reload(run)


def _lyrics(user, model: Checkpoint) -> tuple[Lyric, Collection]:
    """Three kept lyrics in a collection, the last of them and the collection shared, and a draft in the history."""
    collection = collections.create_collection(user=user, name="First light", description="What came before coffee.")
    for seed, line in enumerate(("Down by the river", "The night is a lantern", "Carry me home"), start=1):
        recipe, prompt = writing.read_recipe({"seed": seed, "temperature": 0.6, "max_tokens": 300}, line)
        generation = writing.generate(user=user, model=model, prompt=prompt, recipe=recipe)
        lyric = lyrics.keep(user=user, generation=generation)
        lyrics.update_lyric(lyric=lyric, title=line, tags=["first light"])
        lyrics.set_bookmark(lyric=lyric, bookmarked=seed != 2)
        collections.add_lyric(collection=collection, lyric=lyric)
    history.note(user=user, generation=generation)
    for thing in (lyric, collection):
        sharing.share(thing)
    return lyric, collection
