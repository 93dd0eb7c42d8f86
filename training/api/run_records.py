"""What a training leaves behind on its way: measurements, samples, insights, its history."""

from typing import ClassVar

from django.db.models import FloatField
from rest_framework import serializers

from training import curves
from training.models import Attempt, Insight, MetricPoint, RunEvent, Sample


class FiniteField(serializers.FloatField):
    """A number, or null where a training ran away: JSON has no word for infinity."""

    def to_representation(self, value: float) -> float | None:
        return curves.finite(super().to_representation(value))


class MetricPointSerializer(serializers.ModelSerializer):
    serializer_field_mapping: ClassVar = {
        **serializers.ModelSerializer.serializer_field_mapping,
        FloatField: FiniteField,
    }

    class Meta:
        model = MetricPoint
        fields = curves.CSV_COLUMNS


class SampleSerializer(serializers.ModelSerializer):
    class Meta:
        model = Sample
        fields = ("step", "epoch", "prompt", "text", "temperature", "seed", "nats_per_character", "created_at")


class InsightSerializer(serializers.ModelSerializer):
    data = serializers.DictField(help_text="The measured numbers, with those of an untrained network beside them.")

    class Meta:
        model = Insight
        fields = ("kind", "sentence", "data", "created_at")


class RunEventSerializer(serializers.ModelSerializer):
    """One line of a run's history."""

    class Meta:
        model = RunEvent
        fields = ("sequence", "kind", "state", "actor", "message", "created_at")


class AttemptSerializer(serializers.ModelSerializer):
    """One claim of a run by one worker."""

    class Meta:
        model = Attempt
        fields = ("number", "host", "started_at", "ended_at", "outcome", "reason")
