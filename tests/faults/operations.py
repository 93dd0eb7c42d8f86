"""Every operation that the API's schema names, with addresses that lead to something."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass

from drf_spectacular.generators import SchemaGenerator

from generator.services import collections, lyrics
from tests.generator.tiny_models import publish
from tests.songs import make_ready_dataset
from tests.training.finished_runs import make_finished_run
from tests.training.races import make_race


@dataclass(frozen=True)
class Operation:
    """One method of one address, the names of what its query may hold, and the types of what it answers."""

    method: str
    path: str
    parameters: tuple[str, ...] = ()
    content_types: tuple[str, ...] = ()

    def address(self, world: dict[str, str]) -> str:
        """The path with the ids of ``world`` in it."""
        noun = self.path.removeprefix("/api/v1/").split("/", 1)[0]
        return self.path.format(id=world.get(noun, ""), **world)


@functools.cache
def operations() -> tuple[Operation, ...]:
    return tuple(_operations())


def reading_operations(parameter: str | None = None) -> list[Operation]:
    """Those that only read, and whose query may hold ``parameter``; a stream of events has no end to wait for."""
    found = [one for one in operations() if one.method == "get" and not one.path.endswith("/events/")]
    return [one for one in found if parameter is None or parameter in one.parameters]


def make_world(user) -> dict[str, str]:
    """One of everything, for the ids that an address needs; ``user`` may do what operators may."""
    user.is_staff = True
    user.save(update_fields=["is_staff"])
    dataset = make_ready_dataset(user)
    race = make_race(dataset)
    run = make_finished_run(dataset, race=race)
    model = publish(user, run=run, dataset=dataset)
    song = dataset.songs.first()
    lyric = lyrics.save_lyric(user=user, text="oh my lantern")
    collection = collections.create_collection(user=user, name="Lanterns")
    return {
        "datasets": dataset.pk,
        "dataset_id": dataset.pk,
        "song_id": str(song.pk),
        "group": song.duplicate_group,
        "runs": run.pk,
        "run_id": run.pk,
        "checkpoint_id": model.pk,
        "races": race.pk,
        "models": model.pk,
        "model": model.pk,
        "lyrics": lyric.pk,
        "collections": collection.pk,
        "entry_id": collections.add_lyric(collection=collection, lyric=lyric).pk,
    }


def _operations() -> Iterator[Operation]:
    schema = SchemaGenerator().get_schema(request=None, public=True)
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            names = [found["name"] for found in operation.get("parameters", []) if found["in"] == "query"]
            content = operation["responses"].get("200", {}).get("content", {})
            yield Operation(method, path, tuple(names), tuple(content))
