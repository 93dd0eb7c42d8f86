"""One dataset made from others, for programs."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.views import APIView

from training.api.datasets import IDEMPOTENCY_KEY, DatasetDetailSerializer, accepted
from training.api.fields import ObjectField
from training.errors import Invalid
from training.models import Dataset
from training.services import combining as services
from training.services import datasets as dataset_services


class SourceSerializer(serializers.Serializer):
    """Which songs of a dataset are taken: those in use that pass every filter."""

    refuses_others = True
    dataset = serializers.CharField(max_length=12)
    weight = serializers.FloatField(
        default=1.0, help_text="What share of them, next to the largest weight of all sources; no song is taken twice."
    )
    artist = serializers.CharField(default="", allow_blank=True, max_length=services.LONGEST_WORDS)
    genre = serializers.CharField(default="", allow_blank=True, max_length=services.LONGEST_WORDS)
    language = serializers.CharField(default="", allow_blank=True, max_length=services.LONGEST_WORDS)
    year_from = serializers.IntegerField(default=None, allow_null=True)
    year_to = serializers.IntegerField(default=None, allow_null=True)
    minimum_lines = serializers.IntegerField(default=0)

    def to_internal_value(self, data):
        """A misspelled filter would take every song, so it is refused."""
        if isinstance(data, dict) and data.keys() - self.fields.keys():
            raise serializers.ValidationError(f"A source knows {', '.join(self.fields)}, and nothing else.")
        return super().to_internal_value(data)


class CombineSerializer(serializers.Serializer):
    """A new dataset from others."""

    name = serializers.CharField(max_length=dataset_services.LONGEST_NAME)
    description = serializers.CharField(max_length=dataset_services.LONGEST_DESCRIPTION, allow_blank=True, default="")
    sources = SourceSerializer(many=True, min_length=1, max_length=services.MOST_SOURCES)
    options = ObjectField(required=False, help_text=f"How the songs are read: {', '.join(services.COMBINE_OPTIONS)}.")


class CombineView(APIView):
    """Datasets made from datasets."""

    @extend_schema(request=CombineSerializer, parameters=[IDEMPOTENCY_KEY], responses={202: DatasetDetailSerializer})
    def post(self, request):
        """Make a dataset from the songs of others, as they are now. Answers 202 at once; a worker gathers them."""
        asked = CombineSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        wanted["sources"] = sources_of(request.user, wanted["sources"])
        key = request.headers.get("Idempotency-Key")
        return accepted(request, services.combine_datasets(owner=request.user, idempotency_key=key, **wanted))


def sources_of(user, asked: list[dict]) -> list[services.Source]:
    """The sources with their datasets, of which ``user`` may read each. Raises: Invalid."""
    datasets = Dataset.objects.visible_to(user).in_bulk([source["dataset"] for source in asked])
    if unknown := [source["dataset"] for source in asked if source["dataset"] not in datasets]:
        raise Invalid({"sources": [f"There is no dataset {pk}." for pk in dict.fromkeys(unknown)]})
    return [services.Source(**{**source, "dataset": datasets[source["dataset"]]}) for source in asked]
