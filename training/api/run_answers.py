"""What a program is told of a training: how far it is, what it is judged by, where it waits."""

import math

from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from training import curves, lifecycle, live
from training.baseline_findings import described
from training.baselines import baseline_of
from training.models import TrainingRun

SCORES = (
    "train_loss",
    "valid_loss",
    "perplexity",
    "nats_per_character",
    "bits_per_character",
    "unknown_share",
    "test_loss",
    "test_perplexity",
    "test_nats_per_character",
)


class ProgressSerializer(serializers.Serializer):
    step = serializers.IntegerField()
    steps = serializers.IntegerField()
    epoch = serializers.IntegerField()
    epochs = serializers.IntegerField()
    tokens = serializers.IntegerField()
    tokens_per_second = serializers.FloatField(allow_null=True)
    eta_seconds = serializers.FloatField(allow_null=True)
    learning_rate = serializers.FloatField(allow_null=True, help_text="Of its latest step.")
    gradient_norm = serializers.FloatField(allow_null=True, help_text="Of its latest step, before clipping.")
    memory_bytes = serializers.IntegerField(allow_null=True, help_text="What its process holds.")
    utilisation = serializers.FloatField(
        allow_null=True, help_text="The model's operations a second as a share of the machine's best, from 0 to 1."
    )
    device = serializers.CharField(help_text="Where it computes: cpu or cuda; empty before that is decided.")
    percent = serializers.IntegerField()
    phase = serializers.CharField(help_text="What the worker does right now, in words.")


class ScoresSerializer(serializers.Serializer):
    """Losses in nats; null until they are measured."""

    train_loss = serializers.FloatField(allow_null=True)
    valid_loss = serializers.FloatField(allow_null=True)
    perplexity = serializers.FloatField(allow_null=True)
    nats_per_character = serializers.FloatField(allow_null=True)
    bits_per_character = serializers.FloatField(allow_null=True)
    unknown_share = serializers.FloatField(
        allow_null=True, help_text="Of the words kept aside, spelt in nats per character."
    )
    test_loss = serializers.FloatField(allow_null=True, help_text="The best weights on the songs of the last test.")
    test_perplexity = serializers.FloatField(allow_null=True)
    test_nats_per_character = serializers.FloatField(allow_null=True)
    best_step = serializers.IntegerField(allow_null=True)


def scores(metrics: dict) -> dict:
    """Return a run's or model's metrics with every name of the contract, null where nothing was measured."""
    found = {name: curves.finite(metrics.get(name)) for name in SCORES}
    if found["bits_per_character"] is None and found["nats_per_character"] is not None:
        found["bits_per_character"] = found["nats_per_character"] / math.log(2)
    return {**found, "best_step": metrics.get("best_step", metrics.get("step"))}


class BaselineSerializer(serializers.Serializer):
    """Kneser-Ney of order 5 on the songs that judge the run; losses in nats."""

    order = serializers.IntegerField()
    reading = serializers.CharField(help_text="The settings that decide its words and the songs kept aside.")
    nats_per_character = serializers.FloatField(help_text="The same measure for every tokenizer.")
    nats_per_token = serializers.FloatField(allow_null=True, help_text="Null where the run predicts other tokens.")
    perplexity = serializers.FloatField(allow_null=True, help_text="Null where the run predicts other tokens.")
    test_nats_per_character = serializers.FloatField(allow_null=True)
    unknown_share = serializers.FloatField()
    tokens = serializers.IntegerField(help_text="Of the training songs that were counted.")
    lead = serializers.FloatField(
        allow_null=True, help_text="The share of nats per character that the run saves; below 0 it is worse."
    )
    sentence = serializers.CharField(help_text="The same in words; empty until the run is judged.")


class RunSerializer(serializers.ModelSerializer):
    owner = serializers.CharField(source="owner.username")
    dataset = serializers.CharField(source="dataset_id")
    race = serializers.CharField(source="race_id", allow_null=True, help_text="The race it is part of, or null.")
    config = serializers.DictField(help_text="Every value that was used.")
    queue_position = serializers.SerializerMethodField(
        help_text="Its place in line, from 1; null when it is not waiting."
    )
    own_position = serializers.SerializerMethodField(
        help_text="Its place among its owner's waiting runs, from 1; null when it is not waiting."
    )
    starts_in_seconds = serializers.SerializerMethodField(
        help_text="About when it starts; null when it is not waiting or nobody can say."
    )
    progress = serializers.SerializerMethodField()
    metrics = serializers.SerializerMethodField()
    baseline = serializers.SerializerMethodField(help_text="What counting words comes to; null where nobody counted.")
    model = serializers.SerializerMethodField(help_text="The id of the model that came of it, or null.")
    starts_from = serializers.CharField(
        source="starts_from_id", allow_null=True, help_text="The model that a fine-tuning trains further, or null."
    )

    class Meta:
        model = TrainingRun
        fields = (
            "id",
            "name",
            "owner",
            "visibility",
            "dataset",
            "dataset_version",
            "race",
            "architecture",
            "preset",
            "config",
            "seed",
            "starts_from",
            "starts_from_name",
            "state",
            "queue_position",
            "own_position",
            "starts_in_seconds",
            "priority",
            "progress",
            "metrics",
            "baseline",
            "parameters",
            "facts",
            "error",
            "error_code",
            "attempts",
            "cancel_requested_at",
            "pause_requested_at",
            "model",
            "created_at",
            "queued_at",
            "started_at",
            "finished_at",
        )
        read_only_fields = fields

    @cached_property
    def waiting(self) -> dict[str, lifecycle.Waiting]:
        """The whole line, asked for once, and only when one of the runs waits."""
        return lifecycle.waiting_runs()

    def _told(self, run: TrainingRun, name: str):
        waits = run.state == TrainingRun.State.QUEUED and self.waiting.get(run.pk)
        return getattr(waits, name) if waits else None

    @extend_schema_field({"type": "integer", "nullable": True})
    def get_queue_position(self, run: TrainingRun) -> int | None:
        return self._told(run, "position")

    @extend_schema_field({"type": "integer", "nullable": True})
    def get_own_position(self, run: TrainingRun) -> int | None:
        return self._told(run, "own_position")

    @extend_schema_field({"type": "number", "nullable": True})
    def get_starts_in_seconds(self, run: TrainingRun) -> float | None:
        return self._told(run, "starts_in")

    @extend_schema_field(ProgressSerializer)
    def get_progress(self, run: TrainingRun) -> dict:
        return live.progress_of(run)

    @extend_schema_field(ScoresSerializer)
    def get_metrics(self, run: TrainingRun) -> dict:
        return scores(run.metrics)

    @extend_schema_field(BaselineSerializer(allow_null=True))
    def get_baseline(self, run: TrainingRun) -> dict | None:
        known = self.context.get("baselines")
        baseline = baseline_of(run) if known is None else known.get(run.pk)
        return baseline and described(baseline, run)

    @extend_schema_field({"type": "string", "nullable": True})
    def get_model(self, run: TrainingRun) -> str | None:
        return next((model.pk for model in run.models), None)
