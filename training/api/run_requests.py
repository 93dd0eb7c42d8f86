"""What a program asks of a training, and what it is told before one starts."""

from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError

from training.api.fields import ObjectField
from training.language_model.shapes import CELL_KINDS
from training.models import Checkpoint, Dataset
from training.models.runs import HIGHEST_PRIORITY
from training.services import runs as services


class StartSerializer(serializers.Serializer):
    """What to train; every setting that ``config`` leaves out has the preset's value."""

    dataset = serializers.CharField(help_text="The id of a dataset that is ready.")
    architecture = serializers.CharField(
        required=False, help_text=f"One of {', '.join(CELL_KINDS)}; needed unless it starts from a model."
    )
    preset = serializers.CharField(
        required=False, allow_blank=True, help_text="tiny, coffee, lunch or overnight; tiny if absent."
    )
    name = serializers.CharField(required=False, allow_blank=True, max_length=services.NAME_LENGTH)
    config = ObjectField(required=False, help_text="Single settings, as GET /run-options/ lists them.")
    starts_from = serializers.CharField(
        required=False, allow_null=True, help_text="The id of a model to train further: a fine-tuning."
    )

    def validate_starts_from(self, model_id: str | None) -> Checkpoint | None:
        if model_id is None:
            return None
        found = services.models_to_start_from(self.context["request"].user).filter(pk=model_id).first()
        if found is None:
            raise ValidationError("There is no such model.")
        return found

    def validate(self, values: dict) -> dict:
        if not values.get("architecture") and not values.get("starts_from"):
            raise ValidationError({"architecture": ["This field is required."]})
        return values

    def validate_dataset(self, dataset_id: str) -> Dataset:
        found = Dataset.objects.visible_to(self.context["request"].user).filter(pk=dataset_id).first()
        if found is None:
            raise NotFound("There is no such dataset.")
        return found


class EstimateSerializer(serializers.Serializer):
    """What a run takes: the weights exactly for its vocabulary, the rest within a third where the machine is known."""

    parameters = serializers.IntegerField()
    memory_bytes = serializers.IntegerField()
    seconds = serializers.FloatField(help_text="From its start to its model.")
    steps = serializers.IntegerField()
    readings = serializers.FloatField(help_text="How often it reads the songs.")
    tokens_per_second = serializers.FloatField()
    vocabulary_size = serializers.IntegerField()
    train_tokens = serializers.IntegerField()
    warnings = serializers.ListField(child=serializers.CharField(), help_text="What to think twice about.")
    config = serializers.DictField(help_text="Every value that the run would have.")


class CloneSerializer(serializers.Serializer):
    """What to change; all else stays as the run had it."""

    config = ObjectField(required=False, help_text="Single settings, as GET /run-options/ lists them.")


class RetrySerializer(serializers.Serializer):
    restart = serializers.BooleanField(
        required=False, default=False, help_text="Begin anew, and forget what was measured, instead of going on."
    )


class MoveSerializer(serializers.Serializer):
    position = serializers.IntegerField(
        min_value=1,
        max_value=1_000_000,
        help_text="Its new place among your waiting runs, from 1; one behind the last is the last.",
    )


class PrioritySerializer(serializers.Serializer):
    priority = serializers.IntegerField(
        min_value=-HIGHEST_PRIORITY, max_value=HIGHEST_PRIORITY, help_text="0 is usual; higher ones are taken first."
    )


class WaitingSerializer(serializers.Serializer):
    """A run in the line, as staff sees it: nothing of what its owner keeps private."""

    id = serializers.CharField()
    priority = serializers.IntegerField()
    queue_position = serializers.IntegerField(allow_null=True)
