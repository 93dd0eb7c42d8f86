"""Datasets, their songs and what was left out, for programs."""

from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import generics, mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response

from training import exports
from training.api.fields import ObjectField
from training.api.pages import OrdinalPages
from training.importers import ROLES
from training.models import Dataset, Import, Rejection, Song, Visibility
from training.services import datasets as services

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="The same key gives the same object."
)
MAPPING_HELP = f"The column of each role: {', '.join(ROLES)}. What is left out is guessed by name."
OPTIONS_HELP = "How to read the file: format, encoding, delimiter, has_header, separator, title_line."


class DatasetSerializer(serializers.ModelSerializer):
    owner = serializers.CharField(source="owner.username", read_only=True)
    report = serializers.DictField(read_only=True, help_text="records, accepted, rejected, duplicates, warnings …")
    statistics = serializers.DictField(read_only=True, help_text="songs, lines, words, characters, artists …")
    mapping = serializers.DictField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Dataset
        fields = (
            "id",
            "name",
            "description",
            "owner",
            "visibility",
            "state",
            "version",
            "error",
            "format",
            "encoding",
            "mapping",
            "report",
            "statistics",
            "content_hash",
            "created_at",
            "updated_at",
        )
        read_only_fields = fields


class ImportProgressSerializer(serializers.ModelSerializer):
    percent = serializers.IntegerField()

    class Meta:
        model = Import
        fields = ("state", "records_read", "bytes_read", "bytes_total", "percent", "error")


class DatasetDetailSerializer(DatasetSerializer):
    progress = serializers.SerializerMethodField(help_text="Of the newest import; null before the first.")

    class Meta(DatasetSerializer.Meta):
        fields = (*DatasetSerializer.Meta.fields, "progress")
        read_only_fields = fields

    @extend_schema_field(ImportProgressSerializer(allow_null=True))
    def get_progress(self, dataset: Dataset) -> dict | None:
        newest = dataset.imports.first()
        return newest and ImportProgressSerializer(newest).data


class UploadSerializer(serializers.Serializer):
    """A song file and how to read it."""

    name = serializers.CharField(max_length=services.LONGEST_NAME)
    description = serializers.CharField(
        max_length=services.LONGEST_DESCRIPTION, allow_blank=True, trim_whitespace=True, default=""
    )
    file = serializers.FileField()
    mapping = ObjectField(required=False, help_text=MAPPING_HELP)
    options = ObjectField(required=False, help_text=OPTIONS_HELP)


class DatasetChangeSerializer(serializers.Serializer):
    """What its owner may change of a dataset."""

    name = serializers.CharField(max_length=services.LONGEST_NAME, required=False)
    description = serializers.CharField(max_length=services.LONGEST_DESCRIPTION, allow_blank=True, required=False)
    visibility = serializers.ChoiceField(Visibility.choices, required=False)


class PreviewRequestSerializer(serializers.Serializer):
    file = serializers.FileField()
    mapping = ObjectField(required=False, help_text=MAPPING_HELP)
    options = ObjectField(required=False, help_text=OPTIONS_HELP)


class PreviewSongSerializer(serializers.Serializer):
    record_number = serializers.IntegerField()
    line = serializers.IntegerField()
    title = serializers.CharField()
    artist = serializers.CharField()
    genre = serializers.CharField()
    year = serializers.IntegerField(allow_null=True)
    language = serializers.CharField()
    text = serializers.CharField()


class PreviewErrorSerializer(serializers.Serializer):
    record_number = serializers.IntegerField()
    line = serializers.IntegerField()
    column = serializers.CharField()
    reason = serializers.CharField()
    message = serializers.CharField()
    snippet = serializers.CharField()


class PreviewSerializer(serializers.Serializer):
    """How a file would be read."""

    format = serializers.CharField()
    encoding = serializers.CharField(source="encoding.name")
    encoding_confidence = serializers.FloatField(source="encoding.confidence")
    delimiter = serializers.CharField()
    columns = serializers.ListField(child=serializers.CharField())
    mapping = serializers.DictField(child=serializers.CharField())
    songs = PreviewSongSerializer(many=True)
    rejections = PreviewErrorSerializer(many=True, source="errors")
    warnings = serializers.ListField(child=serializers.CharField())
    needs_mapping = serializers.BooleanField()


class MappingSerializer(serializers.Serializer):
    """Which columns to read, and how."""

    mapping = ObjectField(help_text=MAPPING_HELP)
    options = ObjectField(required=False, help_text=OPTIONS_HELP)


class SectionSerializer(serializers.Serializer):
    name = serializers.CharField()
    lines = serializers.IntegerField()


class SongSerializer(serializers.ModelSerializer):
    sections = SectionSerializer(many=True)

    class Meta:
        model = Song
        fields = (
            "id",
            "ordinal",
            "record_number",
            "line_number",
            "title",
            "artist",
            "genre",
            "year",
            "language",
            "text",
            "sections",
            "line_count",
            "word_count",
            "character_count",
            "duplicate_group",
            "excluded_as",
        )


class RejectionSerializer(serializers.ModelSerializer):
    class Meta:
        model = Rejection
        fields = ("record_number", "line", "column", "reason", "message", "snippet")


class DatasetViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Song files that were read: your own, and what others share."""

    queryset = Dataset.objects.none()
    serializer_class = DatasetSerializer
    lookup_value_regex = "[0-9a-z]+"
    filterset_fields = ("state", "visibility")
    search_fields = ("name", "description")
    ordering_fields = ("created_at", "updated_at", "name", "state")

    def get_queryset(self):
        datasets = Dataset.objects.select_related("owner")
        if self.request.method in ("GET", "HEAD", "OPTIONS"):
            return datasets.visible_to(self.request.user)
        return datasets.owned_by(self.request.user)

    def get_parsers(self):
        # Files come as multipart alone; everything else as JSON. What comes otherwise is answered with 415.
        if getattr(self, "action_map", None) and self.action_map.get("post") in ("create", "preview"):
            return [MultiPartParser()]
        return super().get_parsers()

    def get_serializer_class(self):
        return DatasetDetailSerializer if self.action == "retrieve" else super().get_serializer_class()

    @extend_schema(
        request={"multipart/form-data": UploadSerializer},
        parameters=[IDEMPOTENCY_KEY],
        responses={202: DatasetDetailSerializer},
    )
    def create(self, request):
        """Upload a song file. Answers 202 at once; the state says importing until a worker has read it."""
        uploaded = UploadSerializer(data=request.data)
        uploaded.is_valid(raise_exception=True)
        dataset = services.create_dataset(
            owner=request.user, idempotency_key=request.headers.get("Idempotency-Key"), **uploaded.validated_data
        )
        return self._accepted(dataset)

    @extend_schema(request=DatasetChangeSerializer, responses=DatasetDetailSerializer)
    def partial_update(self, request, pk: str):
        """Change name, description or visibility."""
        dataset = self.get_object()
        changes = DatasetChangeSerializer(data=request.data)
        changes.is_valid(raise_exception=True)
        services.update_dataset(dataset=dataset, **changes.validated_data)
        return Response(DatasetDetailSerializer(dataset).data)

    @extend_schema(responses={204: None, 409: OpenApiResponse(description="A run was trained on it.")})
    def destroy(self, request, pk: str):
        """Delete a dataset with its songs and files. One that a run uses stays: 409."""
        services.delete_dataset(dataset=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request={"multipart/form-data": PreviewRequestSerializer}, responses=PreviewSerializer)
    @action(detail=False, methods=["post"], filter_backends=[], pagination_class=None)
    def preview(self, request):
        """Say how a file would be read; nothing is stored."""
        asked = PreviewRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(PreviewSerializer(services.preview_upload(owner=request.user, **asked.validated_data)).data)

    @extend_schema(request=MappingSerializer, responses={202: DatasetDetailSerializer})
    @action(detail=True, methods=["post"])
    def mapping(self, request, pk: str):
        """Confirm or correct the columns: the stored file is read again and makes the next version."""
        dataset = self.get_object()
        asked = MappingSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return self._accepted(services.apply_mapping(dataset=dataset, **asked.validated_data))

    @extend_schema(request=None, responses={202: DatasetDetailSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk: str):
        """Stop the import that waits or runs."""
        return self._accepted(services.cancel_import(dataset=self.get_object()))

    def _accepted(self, dataset: Dataset) -> Response:
        location = self.request.build_absolute_uri(reverse("dataset-api-detail", args=[dataset.pk]))
        body = DatasetDetailSerializer(dataset).data
        return Response(body, status.HTTP_202_ACCEPTED, headers={"Location": location})


class OfOneDataset(generics.ListAPIView):
    """A list of things that belong to one dataset which the person may read."""

    def get_dataset(self) -> Dataset:
        return get_object_or_404(Dataset.objects.visible_to(self.request.user), pk=self.kwargs["dataset_id"])


class SongsView(OfOneDataset):
    """The songs of the newest version in their order, copies and left-out ones too (``excluded_as`` says why)."""

    queryset = Song.objects.none()
    serializer_class = SongSerializer
    pagination_class = OrdinalPages
    filterset_fields = ("genre", "artist", "language", "year", "excluded_as")
    search_fields = ("title", "artist", "text")

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        dataset = self.get_dataset()
        return dataset.songs.of_version(dataset.version)


class RejectionsView(OfOneDataset):
    """The records of the newest import that gave no song (the first 10,000), and why."""

    queryset = Rejection.objects.none()
    serializer_class = RejectionSerializer
    filterset_fields = ("reason",)
    ordering_fields = ("record_number", "line")

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        return services.rejections_of(dataset=self.get_dataset())

    @extend_schema(
        parameters=[OpenApiParameter("format", str, enum=["json", "csv"], description="csv: a table to download.")],
        responses={(200, "application/json"): RejectionSerializer(many=True), (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request, *args, **kwargs):
        if request.query_params.get("format") == "csv":
            rejections = self.filter_queryset(self.get_queryset())
            return exports.csv_download(exports.rejections_csv(rejections), f"{self.get_dataset().name} left out")
        return super().get(request, *args, **kwargs)
