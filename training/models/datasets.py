"""Datasets: an uploaded file, the imports made of it, and the songs, valid from one version to another."""

from collections.abc import Iterator, Sequence

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from training.models.identifiers import new_id

NEVER = 2**31 - 1  # "removed in" of a song nobody has removed


class Visibility(models.TextChoices):
    PRIVATE = "private", "only me"
    SHARED = "shared", "everyone signed in"


class OwnedQuerySet(models.QuerySet):
    def owned_by(self, user) -> "OwnedQuerySet":
        return self.filter(owner=user)

    def visible_to(self, user) -> "OwnedQuerySet":
        """What ``user`` may read: their own and what is shared with everyone signed in."""
        return self.filter(Q(owner=user) | Q(visibility=Visibility.SHARED))


class DatasetQuerySet(OwnedQuerySet):
    def ready(self) -> "DatasetQuerySet":
        return self.filter(state=Dataset.State.READY)


class Dataset(models.Model):
    """A named collection of songs with immutable, numbered versions."""

    class State(models.TextChoices):
        UPLOADED = "uploaded", "Uploaded"
        NEEDS_MAPPING = "needs_mapping", "Needs its columns named"
        IMPORTING = "importing", "Importing"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=120)
    description = models.TextField(max_length=2000, blank=True)
    visibility = models.CharField(max_length=7, choices=Visibility.choices, default=Visibility.PRIVATE)
    state = models.CharField(max_length=13, choices=State.choices, default=State.UPLOADED)
    version = models.PositiveIntegerField(default=0, help_text="The newest complete version; 0 before the first.")
    error = models.TextField(blank=True)
    format = models.CharField(max_length=20, blank=True)
    encoding = models.CharField(max_length=20, blank=True)
    mapping = models.JSONField(default=dict, blank=True, help_text="Which column holds lyrics, title, artist …")
    options = models.JSONField(default=dict, blank=True)
    report = models.JSONField(default=dict, blank=True)
    statistics = models.JSONField(default=dict, blank=True)
    content_hash = models.CharField(max_length=64, blank=True)
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 - NULL is not a duplicate
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["owner", "-created_at"], name="dataset_owner_newest")]
        constraints = [
            models.UniqueConstraint(fields=["owner", "idempotency_key"], name="dataset_once_per_key"),
            models.CheckConstraint(
                condition=Q(
                    state__in=["uploaded", "needs_mapping", "importing", "ready", "failed", "cancelled"],
                ),
                name="dataset_state_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("training:dataset-detail", args=[self.pk])

    def songs_in_use(self, version: int | None = None) -> "SongQuerySet":
        """The songs of ``version`` (the newest when None) that a network would learn from."""
        return self.songs.of_version(self.version if version is None else version).in_use()


class DatasetFile(models.Model):
    """A file as it was uploaded; kept, so that a corrected mapping needs no second upload."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="files")
    file = models.FileField(upload_to="uploads/%Y/%m", max_length=200)
    original_name = models.CharField(max_length=255, blank=True)
    size_bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.original_name or self.file.name


class Import(models.Model):
    """One reading of a file into a dataset: it makes the dataset's next version."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)

    class Phase(models.TextChoices):
        """What a running import is about; each phase can be done again from its beginning."""

        GATHERING = "gathering", "gathering the songs"
        READING = "reading", "reading the file"
        COMPARING = "comparing", "looking for copies"
        INDEXING = "indexing", "making the songs searchable"
        COUNTING = "counting", "counting"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="imports")
    file = models.ForeignKey(
        DatasetFile,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="imports",
        help_text="Null until the songs of a combined dataset are gathered into a file.",
    )
    recipe = models.JSONField(default=dict, blank=True, help_text="Which songs of which datasets a combined one takes.")
    state = models.CharField(max_length=9, choices=State.choices, default=State.QUEUED)
    version = models.PositiveIntegerField(help_text="The version of the dataset that this import makes.")
    mapping = models.JSONField(default=dict)
    options = models.JSONField(default=dict)
    report = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    phase = models.CharField(max_length=9, choices=Phase.choices, blank=True)
    counts = models.JSONField(
        default=dict, blank=True, help_text="What was counted so far, written with each batch: where to go on."
    )
    records_read = models.PositiveIntegerField(default=0)
    bytes_read = models.BigIntegerField(default=0)
    bytes_total = models.BigIntegerField(default=0)
    attempts = models.PositiveIntegerField(default=0)
    lease_token = models.UUIDField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    rung_at = models.DateTimeField(null=True, blank=True, help_text="When a worker was last told of it.")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["state", "created_at"], name="import_queue")]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset"],
                condition=Q(state__in=["queued", "running"]),
                name="import_one_at_a_time_per_dataset",
            ),
            models.CheckConstraint(
                condition=Q(state="running", lease_token__isnull=False)
                | (~Q(state="running") & Q(lease_token__isnull=True)),
                name="import_running_iff_leased",
            ),
        ]

    def __str__(self) -> str:
        return f"import {self.pk} of {self.dataset_id}"

    @property
    def percent(self) -> int:
        return min(100, 100 * self.bytes_read // self.bytes_total) if self.bytes_total else 0

    @property
    def songs_per_second(self) -> float:
        """How many records a second of reading gives; 0 before the first second is over."""
        seconds = self.counts.get("seconds", 0)
        return round(self.counts["records"] / seconds, 1) if seconds >= 1 else 0.0

    @property
    def seconds_left(self) -> int | None:
        """How long reading the rest of the file takes at the speed so far; None where nobody can say."""
        seconds, read = self.counts.get("seconds", 0), self.bytes_read
        if self.state != self.State.RUNNING or self.phase != self.Phase.READING or seconds < 1 or not read:
            return None
        return round(seconds * max(0, self.bytes_total - read) / read)


class DatasetVersion(models.Model):
    """One immutable state of a dataset: the songs valid at ``number``, what they count and what made it."""

    class Kind(models.TextChoices):
        IMPORT = "import", "import"
        EDIT = "edit", "songs changed by hand"
        RESTORE = "restore", "copies taken back"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=7, choices=Kind.choices, default=Kind.IMPORT)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    imported_by = models.OneToOneField(Import, on_delete=models.SET_NULL, null=True, related_name="made_version")
    note = models.CharField(max_length=300, blank=True, help_text="What changed, in a sentence.")
    content_hash = models.CharField(max_length=64, blank=True)
    statistics = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["dataset", "number"], name="version_once_per_number")]

    def __str__(self) -> str:
        return f"version {self.number} of {self.dataset_id}"


class SongQuerySet(models.QuerySet):
    def of_version(self, version: int) -> "SongQuerySet":
        return self.filter(added_in__lte=version, removed_in__gt=version)

    def in_use(self) -> "SongQuerySet":
        return self.filter(excluded_as__isnull=True)

    def pages(self, *columns: str, size: int = 500) -> Iterator[list[tuple]]:
        """Lists of at most ``size`` tuples (ordinal, *columns) by ordinal, each from a query of its own.

        A query left open while we write would hold a view of the past, under which SQLite lets nobody write.
        """
        last = 0
        while page := list(self.filter(ordinal__gt=last).order_by("ordinal").values_list("ordinal", *columns)[:size]):
            yield page
            last = page[-1][0]

    def at(self, ordinals: Sequence[int], *columns: str) -> list[tuple]:
        """The tuples (ordinal, *columns) of the songs at these places, in their order."""
        return list(self.filter(ordinal__in=ordinals).order_by("ordinal").values_list("ordinal", *columns))


class Song(models.Model):
    """One song of a dataset, valid from version ``added_in`` to before ``removed_in``."""

    class Excluded(models.TextChoices):
        EXACT = "exact", "the same words as another song"
        NORMALISED = "normalised", "the same words, written differently"
        NEAR = "near", "nearly the same as another song"
        LANGUAGE = "language", "in another language"
        PERSON = "person", "left out by hand"

    # Without indexes of their own: the unique constraints below begin with them, and every index slows an import.
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, db_index=False, related_name="songs")
    imported_by = models.ForeignKey(
        Import, on_delete=models.CASCADE, null=True, blank=True, db_index=False, related_name="songs"
    )
    record_number = models.PositiveIntegerField(null=True, blank=True, help_text="Which record of the file it was.")
    line_number = models.PositiveIntegerField(null=True, blank=True, help_text="Where that record begins.")
    ordinal = models.PositiveIntegerField(help_text="Its place in the dataset, from 1; the same in every version.")
    added_in = models.PositiveIntegerField()
    removed_in = models.PositiveIntegerField(default=NEVER)
    title = models.CharField(max_length=300, blank=True)
    artist = models.CharField(max_length=300, blank=True)
    genre = models.CharField(max_length=100, blank=True)
    year = models.SmallIntegerField(null=True, blank=True)
    language = models.CharField(max_length=35, blank=True, help_text="As detected; as the file says where unsure.")
    language_confidence = models.FloatField(null=True, blank=True, help_text="0 to 1; null when it was not detected.")
    language_in_file = models.CharField(max_length=35, blank=True, help_text="What the file's column said.")
    text = models.TextField(help_text="Normalised: what a network learns from.")
    raw_text = models.TextField(blank=True, help_text="As it stood in the file, where that differs.")
    sections = models.JSONField(default=list, blank=True)
    marks = models.JSONField(default=list, blank=True, help_text="What cleaning noticed and left: repeats, stubs …")
    line_count = models.PositiveIntegerField(default=0)
    word_count = models.PositiveIntegerField(default=0)
    character_count = models.PositiveIntegerField(default=0)
    text_hash = models.CharField(max_length=32, help_text="BLAKE2b of the text; equal for exact duplicates.")
    normalised_hash = models.CharField(max_length=32, blank=True, help_text="Equal for normalised duplicates.")
    duplicate_group = models.CharField(
        max_length=32, blank=True, help_text="The text_hash of the song in use that copies share; empty without copies."
    )
    excluded_as = models.CharField(  # noqa: DJ001 - the contract says null for a song in use
        max_length=10, choices=Excluded.choices, null=True, blank=True
    )

    objects = SongQuerySet.as_manager()

    class Meta:
        ordering = ["ordinal"]
        indexes = [
            models.Index(fields=["dataset", "duplicate_group"], name="song_of_group", condition=~Q(duplicate_group="")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["imported_by", "record_number"], name="song_once_per_record"),
            models.UniqueConstraint(fields=["dataset", "ordinal", "added_in"], name="song_once_per_version"),
            models.CheckConstraint(condition=Q(removed_in__gt=models.F("added_in")), name="song_valid_some_time"),
        ]

    def __str__(self) -> str:
        return self.title or f"song {self.ordinal}"


class Rejection(models.Model):
    """A record that could not become a song, and why."""

    imported_by = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rejections")
    record_number = models.PositiveIntegerField(null=True, blank=True)
    line = models.PositiveIntegerField(null=True, blank=True)
    column = models.CharField(max_length=120, blank=True)
    reason = models.CharField(max_length=20)
    message = models.CharField(max_length=300)
    snippet = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"
