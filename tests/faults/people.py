"""Who asks, what two people have, and every route of the site: for the tests of who may do what."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.signals import request_finished
from django.db import close_old_connections, connection
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from generator.models import Collection, CollectionEntry, Lyric
from generator.services import collections, sharing
from lyricsite.models import ApiToken
from tests.conftest import make_user
from tests.generator.tiny_models import publish
from tests.songs import make_ready_dataset
from tests.training.runs import make_run
from training import lifecycle
from training.models import Checkpoint, Dataset, DatasetFile, DatasetVersion, Import, Race, Rejection, TrainingRun

ANYBODY_ASKING_TOUCHES = ("sessions", "admin.logentry", "contenttypes")
INDEX_OF_SONGS = "training.songwords"  # SQLite keeps it elsewhere
SONG_FILE = b"title,artist,lyrics\nA lantern,Nobody,oh my lantern oh my home\n"
COLUMNS_OF_USE = {"last_used_at", "last_login"}


@dataclass
class Belongings:
    """One of each kind of thing, all of one person."""

    dataset: Dataset
    job: Import
    run: TrainingRun
    race: Race
    model: Checkpoint
    lyric: Lyric
    collection: Collection
    token: ApiToken

    @property
    def song(self):
        return self.dataset.songs.first()

    @property
    def checkpoint(self) -> Checkpoint:
        return self.model

    @property
    def entry(self) -> CollectionEntry:
        return self.collection.entries.first()

    @property
    def of_a_kind(self) -> tuple:
        return self.dataset, self.run, self.race, self.model, self.lyric, self.collection, self.entry

    @property
    def ids(self) -> set[str]:
        return {thing.pk for thing in self.of_a_kind}


def give_belongings(owner, *, visibility="private", name="Secret") -> Belongings:
    dataset = make_ready_dataset(owner, name=f"{name} songs", visibility=visibility)
    now = timezone.now()
    file = DatasetFile.objects.create(
        dataset=dataset, file=ContentFile(SONG_FILE, "songs.csv"), size_bytes=len(SONG_FILE), sha256="0" * 64
    )
    job = Import.objects.create(dataset=dataset, file=file, state="succeeded", version=1, finished_at=now)
    Rejection.objects.create(imported_by=job, record_number=1, line=1, reason="empty", message="x", snippet="x")
    DatasetVersion.objects.create(dataset=dataset, number=1, imported_by=job, made_by=owner)
    race = Race.objects.create(
        owner=owner,
        name=f"{name} race",
        dataset=dataset,
        dataset_version=1,
        architectures=["rnn", "gru"],
        seeds=[1],
        budget_tokens=768,
        config={},
        visibility=visibility,
    )
    run = make_run(dataset, name=f"{name} run", visibility=visibility, race=race)
    model = publish(owner, name=f"{name} model", visibility=visibility, run=run, dataset=dataset, step=12)
    lyric = Lyric.objects.create(owner=owner, title=f"{name} lyric", text="oh my lantern", model=model)
    collection = collections.create_collection(user=owner, name=f"{name} collection")
    collections.add_lyric(collection=collection, lyric=lyric)
    for thing in (lyric, collection):
        sharing.share(thing)
    token, _ = ApiToken.issue(user=owner, name=f"{name} token")
    return Belongings(dataset, job, run, race, model, lyric, collection, token)


@dataclass
class Cast:
    """Everybody who asks, and the things of ``mara``: private ones, and ones shared with all."""

    private: Belongings
    shared: Belongings
    people: dict = field(default_factory=dict)
    tokens: dict = field(default_factory=dict)

    def client(self, role: str) -> Client:
        """A client of its own for each question: no answer leaves anything in the next one's cookies."""
        if role in self.tokens:
            return Client(headers={"Authorization": f"Bearer {self.tokens[role]}"}, raise_request_exception=False)
        client = Client(raise_request_exception=False)
        if role in self.people:
            client.force_login(self.people[role])
        return client


def make_cast() -> Cast:
    mara, tom, clerk = make_user("mara"), make_user("tom"), make_user("clerk", is_staff=True)
    ada = make_user("ada", is_staff=True, is_superuser=True)
    row, revoked = ApiToken.issue(user=mara, name="revoked")
    row.delete()
    _, reading = ApiToken.issue(user=mara, name="reading", scope="read")
    lifecycle.worker_beat("training@here", host="here", pid=1, queues=["training"])
    return Cast(
        private=give_belongings(mara),
        shared=give_belongings(mara, visibility="shared", name="Shared"),
        people={"other": tom, "owner": mara, "clerk": clerk, "superuser": ada},
        tokens={"revoked token": revoked, "reading token": reading},
    )


@dataclass(frozen=True)
class Route:
    """One address of the site, by its pattern."""

    key: str  # its name, or its pattern where it has none
    pattern: str

    @property
    def names_nothing(self) -> bool:
        """Whether its address has no object in it."""
        return "<" not in self.pattern

    def address(self, things: Belongings) -> str:
        """The address of this route for one person's things. Raises: AssertionError for a kind that nobody knows."""

        def value(match: re.Match) -> str:
            try:
                return str(_value_of(match[1] or match[2], self, things))
            except (KeyError, AttributeError):
                raise AssertionError(
                    f"{self.key} is about a <{match[1]}> that nobody can make: add a line for it to `Belongings`, "
                    "`give_belongings` and `_value_of` in tests/faults/people.py."
                ) from None

        plain = re.sub(
            r"<(?:\w+:)?(\w+)>", r"<\1>", re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<\1>", self.pattern)
        )
        return "/" + re.sub(r"<(\w+)>()", value, plain.replace("^", "").replace("$", ""))


def _value_of(name: str, route: Route, things: Belongings):
    of_whom = {
        "dataset": things.dataset,
        "run": things.run,
        "race": things.race,
        "model": things.model,
        "lyric": things.lyric,
        "collection": things.collection,
        "entry": things.entry,
        "token": things.token,
        "trainingrun": things.run,
        "checkpoint": things.model,
        "song": things.song,
        "import": things.job,
        "datasetversion": things.dataset.versions.first(),
        "rejection": things.job.rejections.first(),
        "user": things.dataset.owner,
        "apitoken": things.token,
        "group": None,
    }
    match name:
        case "pk":
            return of_whom[re.match(r"\w+", route.key)[0]].pk
        case "object_id" | "id" if route.pattern.startswith("admin/"):
            kind = re.match(r"admin/\w+/(\w+)", route.pattern)
            thing = of_whom[kind[1]] if kind else things.dataset
            return thing.pk if thing else 1
        case "id" | "name":
            return "training@here"
        case "link":
            return (things.lyric if "lyric" in route.key else things.collection).share_link
        case "song_id":
            return things.song.pk
        case "group":
            return things.song.duplicate_group
        case "kind":
            return "jsonl"
        case "content_type_id":
            return ContentType.objects.get_for_model(things.dataset).pk
        case "app_label":
            return "training"
        case "url":
            return "nowhere/"
    return of_whom[name.removesuffix("_id")].pk


def every_route() -> list[Route]:
    """The routes of the URLconf, in its order."""
    return list(_walk(get_resolver().url_patterns, "", ""))


def _walk(patterns, prefix: str, namespace: str) -> Iterator[Route]:
    for pattern in patterns:
        whole = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            inner = ":".join(filter(None, (namespace, pattern.namespace)))
            yield from _walk(pattern.url_patterns, whole, inner)
        else:
            named = f"{namespace}:{pattern.name}" if namespace else pattern.name
            yield Route(named if pattern.name else whole, whole)


def close(answer) -> None:
    """End an answer, a stream too; the test's own connection stays, which the end of a request would close."""
    request_finished.disconnect(close_old_connections)
    try:
        answer.close()
    finally:
        request_finished.connect(close_old_connections)


def database_digest() -> str:
    """A hash of every row, but for what asking alone touches: sessions, the last use of a token, the last sign-in."""
    digest = hashlib.sha256()
    for model in apps.get_models():
        if model._meta.label_lower.startswith((*ANYBODY_ASKING_TOUCHES, INDEX_OF_SONGS)):
            continue
        columns = [column.attname for column in model._meta.concrete_fields if column.name not in COLUMNS_OF_USE]
        rows = list(model._base_manager.order_by("pk").values_list(*columns))
        digest.update(json.dumps([model._meta.label, rows], default=str).encode())
    return digest.hexdigest()


WRITES = re.compile(r'(?:INSERT(?: OR \w+)? INTO|UPDATE|DELETE FROM) "(\w+)"(?: SET "(\w+)")?')
TABLES_OF_USE = {"django_session", "django_admin_log", "django_content_type"}


@contextmanager
def writes() -> Iterator[list[str]]:
    """The statements of the block that changed a row, but for what asking alone touches."""
    found: list[str] = []

    def note(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        wrote = WRITES.match(sql)
        if wrote and context["cursor"].rowcount and wrote[1] not in TABLES_OF_USE and wrote[2] not in COLUMNS_OF_USE:
            found.append(sql)
        return result

    with connection.execute_wrapper(note):
        yield found
