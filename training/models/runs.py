"""Training runs: the row is the queue and the truth. Only `training.lifecycle` changes a run's state."""

import time

from django.conf import settings
from django.db import models
from django.db.models import Count, F, OuterRef, Q, Subquery, Window
from django.db.models.functions import Coalesce, RowNumber
from django.urls import reverse

from training.models.datasets import Dataset, OwnedQuerySet, Visibility
from training.models.identifiers import new_id
from training.models.races import Race

TERMINAL = ("succeeded", "failed", "cancelled")
HIGHEST_PRIORITY = 10


def last_place() -> int:
    """A place behind every run that waits already: the moment in microseconds."""
    return time.time_ns() // 1000


class TrainingRunQuerySet(OwnedQuerySet):
    def queued(self) -> "TrainingRunQuerySet":
        return self.filter(state=TrainingRun.State.QUEUED)

    def running(self) -> "TrainingRunQuerySet":
        return self.filter(state=TrainingRun.State.RUNNING)

    def unfinished(self) -> "TrainingRunQuerySet":
        return self.exclude(state__in=TERMINAL)

    def in_line(self) -> "TrainingRunQuerySet":
        """Queued runs in the order in which workers take them, fair to every owner.

        Staff's priority counts first. Then the line goes round by round: in each, every owner has a turn, and what an
        owner has running counts as turns already had. Within a round comes first who was served longest ago, and
        within an owner's runs the one with the smallest place.
        """
        own_order = [F("priority").desc(), "place", "pk"]
        own_turn = Window(RowNumber(), partition_by=[F("owner_id")], order_by=own_order)
        line = self.queued().annotate(own_turn=own_turn, turn=F("own_turn") + Coalesce(running_of_owner(), 0))
        # An owner's first turn in the line follows one long ago, a later one follows the one before it.
        served_at = F("owner__turn__served_at").asc(nulls_first=True)
        return line.order_by("-priority", "turn", "own_turn", served_at, "place", "pk")


def running_of_owner() -> Subquery:
    """How many runs of a run's owner a worker holds; null for none."""
    held = TrainingRun.objects.running().filter(owner=OuterRef("owner")).order_by()
    return Subquery(held.values("owner").annotate(held=Count("pk")).values("held"))


class TrainingRun(models.Model):
    """One training of one network on one version of a dataset, with every setting that was used."""

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        SUCCEEDED = "succeeded", "Finished"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="training_runs")
    name = models.CharField(max_length=120)
    visibility = models.CharField(max_length=7, choices=Visibility.choices, default=Visibility.PRIVATE)
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="training_runs")
    dataset_version = models.PositiveIntegerField()
    dataset_hash = models.CharField(max_length=64, blank=True)
    race = models.ForeignKey(Race, on_delete=models.SET_NULL, null=True, blank=True, related_name="runs")
    architecture = models.CharField(max_length=20)
    preset = models.CharField(max_length=20, blank=True)
    config = models.JSONField(help_text="Every value that was used; frozen when queued, steps when first claimed.")
    config_hash = models.CharField(max_length=64)
    seed = models.BigIntegerField()
    starts_from = models.ForeignKey(
        "training.Checkpoint", on_delete=models.SET_NULL, null=True, blank=True, related_name="fine_tunings"
    )
    starts_from_name = models.CharField(max_length=120, blank=True, help_text="Of that model; stays when it goes.")
    idempotency_key = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 - NULL is not a duplicate

    # The queue and the lease. A wish (cancel, pause) is a column, not a state.
    state = models.CharField(max_length=9, choices=State.choices, default=State.QUEUED)
    queued_at = models.DateTimeField()
    priority = models.SmallIntegerField(default=0, help_text="Given by staff: higher ones are taken first.")
    place = models.BigIntegerField(default=last_place, help_text="Orders its owner's waiting runs, smallest first.")
    expected_seconds = models.FloatField(null=True, blank=True, help_text="How long it takes, as guessed when queued.")
    expected_model_bytes = models.BigIntegerField(
        null=True, blank=True, help_text="What its model will take in the storage, as guessed when queued."
    )
    not_before = models.DateTimeField(null=True, blank=True)
    rung_at = models.DateTimeField(null=True, blank=True, help_text="When a worker was last told of it.")
    attempts = models.PositiveIntegerField(default=0, help_text="How often a worker has claimed it.")
    lost_attempts = models.PositiveIntegerField(default=0, help_text="How often a worker vanished with it.")
    lease_token = models.UUIDField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=200, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    pause_requested_at = models.DateTimeField(null=True, blank=True)

    # Progress, written by the worker under its token.
    phase = models.CharField(max_length=120, blank=True, help_text="What the worker does right now, in words.")
    step = models.PositiveIntegerField(default=0)
    steps = models.PositiveIntegerField(default=0)
    epoch = models.PositiveIntegerField(default=0)
    epochs = models.PositiveIntegerField(default=0)
    tokens = models.BigIntegerField(default=0)
    tokens_per_second = models.FloatField(null=True, blank=True)
    step_seconds = models.FloatField(null=True, blank=True, help_text="The median of its latest steps.")
    eta_seconds = models.FloatField(null=True, blank=True)
    learning_rate = models.FloatField(null=True, blank=True, help_text="Of its latest step.")
    gradient_norm = models.FloatField(null=True, blank=True, help_text="Of its latest step, before clipping.")
    memory_bytes = models.BigIntegerField(null=True, blank=True, help_text="What its process holds.")
    utilisation = models.FloatField(
        null=True,
        blank=True,
        help_text="The model's operations a second as a share of the machine's best, from 0 to 1.",
    )
    progressed_at = models.DateTimeField(null=True, blank=True, help_text="When its last step was made.")
    sequence = models.PositiveIntegerField(default=0, help_text="Counts metrics, samples and events, for streams.")

    # What came of it.
    parameters = models.PositiveIntegerField(null=True, blank=True)
    facts = models.JSONField(default=dict, blank=True, help_text="Vocabulary, songs kept aside, device and its reason.")
    metrics = models.JSONField(default=dict, blank=True)
    error = models.TextField(blank=True)
    error_code = models.CharField(max_length=30, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = TrainingRunQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["state", "owner", "place"], name="run_line"),
            models.Index(fields=["owner", "-created_at"], name="run_owner_newest"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["owner", "idempotency_key"], name="run_once_per_key"),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "paused", "succeeded", "failed", "cancelled"]),
                name="run_state_known",
            ),
            models.CheckConstraint(
                condition=Q(state="running", lease_token__isnull=False, lease_expires_at__isnull=False)
                | (~Q(state="running") & Q(lease_token__isnull=True, lease_expires_at__isnull=True)),
                name="run_running_iff_leased",
            ),
            models.CheckConstraint(
                condition=Q(state__in=TERMINAL, finished_at__isnull=False)
                | (~Q(state__in=TERMINAL) & Q(finished_at__isnull=True)),
                name="run_finished_iff_terminal",
            ),
            models.CheckConstraint(
                condition=Q(attempts=0, started_at__isnull=True) | Q(attempts__gte=1, started_at__isnull=False),
                name="run_started_iff_claimed",
            ),
            models.CheckConstraint(condition=Q(lost_attempts__lte=F("attempts")), name="run_lost_only_what_it_had"),
            models.CheckConstraint(
                condition=Q(pause_requested_at__isnull=True) | Q(state="running"), name="run_pause_wished_of_a_worker"
            ),
            models.CheckConstraint(
                condition=Q(cancel_requested_at__isnull=True) | ~Q(state__in=["queued", "paused"]),
                name="run_to_be_cancelled_never_waits",
            ),
            models.CheckConstraint(
                condition=Q(not_before__isnull=True) | Q(state="queued"), name="run_only_a_waiting_one_has_a_time"
            ),
            models.CheckConstraint(
                condition=Q(priority__gte=-HIGHEST_PRIORITY, priority__lte=HIGHEST_PRIORITY), name="run_priority_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("training:run-detail", args=[self.pk])

    @property
    def is_finished(self) -> bool:
        return self.state in TERMINAL

    @property
    def is_fine_tuning(self) -> bool:
        """Whether it trains a model further instead of beginning with chance."""
        return bool(self.starts_from_name)

    @property
    def percent(self) -> int:
        if self.state == self.State.SUCCEEDED:
            return 100
        return min(99, 100 * self.step // self.steps) if self.steps else 0

    @property
    def nats_per_character(self) -> float | None:
        return self.metrics.get("nats_per_character")

    @property
    def queue_position(self) -> int | None:
        """Its place in the line, from 1; None when it is not waiting. Whoever asks for many has `waiting_runs`."""
        if self.state != self.State.QUEUED:
            return None
        line = TrainingRun.objects.in_line().values_list("pk", flat=True)
        return next((place for place, pk in enumerate(line, start=1) if pk == self.pk), None)

    @property
    def own_position(self) -> int | None:
        """Its place among its owner's waiting runs, from 1; None when it is not waiting."""
        if self.state != self.State.QUEUED:
            return None
        before = Q(place__lt=self.place) | Q(place=self.place, pk__lt=self.pk)
        ahead = Q(priority__gt=self.priority) | (Q(priority=self.priority) & before)
        return TrainingRun.objects.queued().filter(ahead, owner=self.owner_id).count() + 1


class Turn(models.Model):
    """When a run of somebody was last taken from the line: who was served longest ago comes first."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="turn"
    )
    served_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"turn of {self.owner_id}"


class Attempt(models.Model):
    """One claim of a run by one worker."""

    class Outcome(models.TextChoices):
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        CANCELLED = "cancelled"
        PAUSED = "paused"
        DRAINED = "drained", "handed back"
        LOST = "lost"

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="attempt_rows")
    number = models.PositiveIntegerField()
    token = models.UUIDField(unique=True)
    host = models.CharField(max_length=200, blank=True)
    pid = models.PositiveIntegerField(null=True, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=9, choices=Outcome.choices, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["run", "number"], name="attempt_numbered_once"),
            models.UniqueConstraint(fields=["run"], condition=Q(ended_at__isnull=True), name="attempt_one_open"),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, outcome="")
                | Q(
                    ended_at__isnull=False,
                    outcome__in=["succeeded", "failed", "cancelled", "paused", "drained", "lost"],
                ),
                name="attempt_ended_iff_known_how",
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="attempt_numbered_from_1"),
        ]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.run_id}"


class MetricPoint(models.Model):
    """What was measured at one step of a run. Losses in nats, seconds of training so far."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="metric_points")
    sequence = models.PositiveIntegerField()
    step = models.PositiveIntegerField()
    epoch = models.FloatField(help_text="Epochs so far, with their fraction.")
    seconds = models.FloatField()
    train_loss = models.FloatField(null=True)
    valid_loss = models.FloatField(null=True)
    nats_per_character = models.FloatField(null=True)
    learning_rate = models.FloatField(null=True)
    gradient_norm = models.FloatField(null=True)
    tokens_per_second = models.FloatField(null=True)

    class Meta:
        ordering = ["step"]
        constraints = [
            models.UniqueConstraint(fields=["run", "step"], name="metric_once_per_step"),
            models.UniqueConstraint(fields=["run", "sequence"], name="metric_sequence"),
        ]

    def __str__(self) -> str:
        return f"step {self.step} of {self.run_id}"


class Sample(models.Model):
    """What the network wrote at one moment of its training, with the seed to write it again."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="samples")
    sequence = models.PositiveIntegerField()
    step = models.PositiveIntegerField()
    epoch = models.FloatField()
    prompt = models.TextField(blank=True)
    text = models.TextField()
    temperature = models.FloatField()
    seed = models.BigIntegerField()
    nats_per_character = models.FloatField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["step"]
        constraints = [models.UniqueConstraint(fields=["run", "sequence"], name="sample_sequence")]

    def __str__(self) -> str:
        return f"sample at step {self.step} of {self.run_id}"


class RunEvent(models.Model):
    """One line of a run's history: every change of state, and what else is worth telling."""

    class Kind(models.TextChoices):
        STATE = "state"
        CHECKPOINT = "checkpoint"
        NOTE = "note"
        WARNING = "warning"

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="events")
    sequence = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=9, blank=True, help_text="The run's state after it, for a change of state.")
    actor = models.CharField(max_length=200, help_text="Who did it: a user's name, a worker, the reconciler.")
    message = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["sequence"]
        constraints = [
            models.UniqueConstraint(fields=["run", "sequence"], name="event_sequence"),
            models.CheckConstraint(
                condition=Q(kind="state", state__in=["queued", "running", "paused", *TERMINAL])
                | (~Q(kind="state") & Q(state="")),
                name="event_of_state_names_it",
            ),
            models.CheckConstraint(condition=~Q(actor="") & ~Q(message=""), name="event_says_who_and_why"),
        ]

    def __str__(self) -> str:
        return self.message
