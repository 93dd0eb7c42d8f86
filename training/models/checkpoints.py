"""Checkpoints: immutable folders of weights.

One that is published is a model people can pick; one that is not is what its run may go on from.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from training.language_model.serving_files import MANIFEST_FILE
from training.models.datasets import Dataset, OwnedQuerySet, Visibility
from training.models.identifiers import new_id
from training.models.runs import TrainingRun


class CheckpointQuerySet(OwnedQuerySet):
    def ready(self) -> "CheckpointQuerySet":
        return self.filter(state=Checkpoint.State.READY)

    def published(self) -> "CheckpointQuerySet":
        """The models: ready checkpoints that were given a name in the list."""
        return self.ready().filter(published_at__isnull=False)

    def resume_points(self) -> "CheckpointQuerySet":
        """What runs may go on from, damaged or not, but for what is being deleted."""
        return self.filter(published_at__isnull=True).exclude(state=Checkpoint.State.DELETING)

    def able_to_write(self) -> "CheckpointQuerySet":
        """Those whose graphs are there."""
        return self.filter(manifest__files__has_key=MANIFEST_FILE)

    def cannot_write(self) -> "CheckpointQuerySet":
        """Those that have no graphs yet: imported ones, and those from before there were any."""
        return self.exclude(manifest__files__has_key=MANIFEST_FILE)

    def mark_corrupt(self) -> int:
        """Say of those that are ready that their files are no longer what was published."""
        return self.filter(state=Checkpoint.State.READY).update(state=Checkpoint.State.CORRUPT)


class Checkpoint(models.Model):
    """A network's weights at one step, with all that is needed to use them."""

    class State(models.TextChoices):
        READY = "ready", "Ready"
        CORRUPT = "corrupt", "Damaged"
        DELETING = "deleting", "Being deleted"

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="checkpoints")
    run = models.ForeignKey(TrainingRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="checkpoints")
    dataset = models.ForeignKey(Dataset, on_delete=models.SET_NULL, null=True, blank=True, related_name="checkpoints")
    name = models.CharField(max_length=120)
    visibility = models.CharField(max_length=7, choices=Visibility.choices, default=Visibility.PRIVATE)
    state = models.CharField(max_length=8, choices=State.choices, default=State.READY)
    attempt_token = models.UUIDField(null=True, blank=True)
    step = models.PositiveIntegerField(default=0)
    epoch = models.FloatField(default=0)
    is_best = models.BooleanField(default=False)
    # The database has the default too: a worker that was started before this column goes on writing rows without it.
    is_pinned = models.BooleanField(
        default=False, db_default=False, help_text="Kept until its owner takes the pin out."
    )
    published_at = models.DateTimeField(null=True, blank=True)
    folder = models.CharField(max_length=200, unique=True, help_text="Where its files lie in the storage.")
    manifest = models.JSONField(default=dict, help_text="Size and sha256 of every file of the folder.")
    sha256 = models.CharField(max_length=64, help_text="Of model.safetensors.")
    size_bytes = models.BigIntegerField()
    architecture = models.CharField(max_length=20)
    tokenizer = models.CharField(max_length=20)
    parameters = models.PositiveIntegerField()
    vocabulary_size = models.PositiveIntegerField()
    serving_error = models.CharField(max_length=400, blank=True, help_text="Why it will never write.")
    serving_tries = models.PositiveSmallIntegerField(default=0, help_text="To make it ready to write.")
    serving_held_until = models.DateTimeField(null=True, blank=True, help_text="By the worker that makes it ready.")
    config = models.JSONField(default=dict)
    metrics = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CheckpointQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["owner", "-created_at"], name="checkpoint_owner_newest")]
        constraints = [
            models.UniqueConstraint(fields=["run", "step"], name="checkpoint_once_per_step"),
            models.UniqueConstraint(
                fields=["run"], condition=Q(published_at__isnull=False), name="checkpoint_one_model_per_run"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("training:model-detail", args=[self.pk])

    @property
    def can_write(self) -> bool:
        """Whether the graphs that lyrics are written with are there."""
        return MANIFEST_FILE in self.manifest.get("files", {})

    @property
    def code_version(self) -> str:
        """The version of this program that first put it into the storage; "" where that was not written down."""
        return self.manifest.get("code", "")

    @property
    def stored_bytes(self) -> int:
        """What all its files take in the storage."""
        return sum(file["size"] for file in self.manifest.get("files", {}).values())

    @property
    def model_file(self) -> str:
        """The storage name of the one file that people download and import."""
        return f"{self.folder}/model.safetensors"
