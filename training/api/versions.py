"""Versions of a dataset and what lies between two of them, for programs."""

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from training.api.pages import LARGEST_ORDINAL
from training.api.songs import InOneDataset, SongSerializer
from training.models import DatasetVersion
from training.services import versions as services


class VersionSerializer(serializers.ModelSerializer):
    made_by = serializers.CharField(source="made_by.username", default=None, help_text="null: that person is gone.")
    statistics = serializers.DictField()

    class Meta:
        model = DatasetVersion
        fields = ("number", "kind", "note", "made_by", "content_hash", "statistics", "created_at")


class ComparedVersionsSerializer(serializers.Serializer):
    older = serializers.IntegerField(min_value=1, max_value=LARGEST_ORDINAL)
    newer = serializers.IntegerField(min_value=1, max_value=LARGEST_ORDINAL)


class ChangeCountsSerializer(serializers.Serializer):
    added = serializers.IntegerField()
    removed = serializers.IntegerField()
    changed = serializers.IntegerField()


class ChangedSongSerializer(serializers.Serializer):
    older = SongSerializer()
    newer = SongSerializer()


class ComparisonSerializer(serializers.Serializer):
    """What lies between two versions: at most 100 songs of each kind, all of them counted."""

    older = VersionSerializer()
    newer = VersionSerializer()
    counts = ChangeCountsSerializer()
    added = SongSerializer(many=True)
    removed = SongSerializer(many=True)
    changed = serializers.SerializerMethodField()

    @extend_schema_field(ChangedSongSerializer(many=True))
    def get_changed(self, comparison: services.VersionComparison) -> list[dict]:
        pairs = [{"older": was, "newer": now} for was, now in comparison.changed]
        return ChangedSongSerializer(pairs, many=True).data


class VersionsView(InOneDataset, generics.ListAPIView):
    """The versions of a dataset, the newest first: what made them, what they count."""

    queryset = DatasetVersion.objects.none()
    serializer_class = VersionSerializer
    filter_backends = ()

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        return services.versions_of(dataset=self.get_dataset())


class CompareVersionsView(InOneDataset, APIView):
    """Two versions side by side."""

    @extend_schema(parameters=[ComparedVersionsSerializer], responses=ComparisonSerializer)
    def get(self, request, dataset_id: str):
        """Say which songs were added, removed and changed from the older to the newer version."""
        dataset = self.get_dataset()
        asked = ComparedVersionsSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        compared = services.compare_versions(dataset=dataset, **asked.validated_data)
        return Response(ComparisonSerializer(compared).data)
