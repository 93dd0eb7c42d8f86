"""Datasets for programs: upload, preview, change, delete."""

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from training.api.fields import FilesField, ObjectField
from training.api.parsers import FilesInForms
from training.api.previews import (
    FILES_HELP,
    MAPPING_HELP,
    OPTIONS_HELP,
    PreviewRequestSerializer,
    PreviewSerializer,
)
from training.models import Dataset, Import, Visibility
from training.services import datasets as services

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="The same key gives the same object."
)


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
    songs_per_second = serializers.FloatField(help_text="Records read a second; 0 before the first second is over.")
    seconds_left = serializers.IntegerField(allow_null=True, help_text="Until the file is read; null: nobody can say.")

    class Meta:
        model = Import
        fields = (
            "state",
            "phase",
            "records_read",
            "bytes_read",
            "bytes_total",
            "percent",
            "songs_per_second",
            "seconds_left",
            "error",
        )


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
    file = FilesField(help_text=FILES_HELP)
    mapping = ObjectField(required=False, help_text=MAPPING_HELP)
    options = ObjectField(required=False, help_text=OPTIONS_HELP)


class DatasetChangeSerializer(serializers.Serializer):
    """What its owner may change of a dataset."""

    name = serializers.CharField(max_length=services.LONGEST_NAME, required=False)
    description = serializers.CharField(max_length=services.LONGEST_DESCRIPTION, allow_blank=True, required=False)
    visibility = serializers.ChoiceField(Visibility.choices, required=False)


class MappingSerializer(serializers.Serializer):
    """Which columns to read, and how."""

    mapping = ObjectField(help_text=MAPPING_HELP)
    options = ObjectField(required=False, help_text=OPTIONS_HELP)


class DatasetViewSet(FilesInForms, mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Song files that were read: your own, and what others share."""

    queryset = Dataset.objects.none()
    serializer_class = DatasetSerializer
    takes_files = ("create", "preview")
    lookup_value_regex = "[0-9a-z]+"
    filterset_fields = ("state", "visibility")
    search_fields = ("name", "description")
    ordering_fields = ("created_at", "updated_at", "name", "state")

    def get_queryset(self):
        datasets = Dataset.objects.select_related("owner")
        if self.request.method in ("GET", "HEAD", "OPTIONS"):
            return datasets.visible_to(self.request.user)
        return datasets.owned_by(self.request.user)

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
        return accepted(request, dataset)

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
        """Confirm or correct the columns: the stored file is read again and makes the next version.

        What was changed by hand is not carried over; it stays in the versions before, and a warning of the report says
        how many songs that were.
        """
        dataset = self.get_object()
        asked = MappingSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return accepted(request, services.apply_mapping(dataset=dataset, **asked.validated_data))

    @extend_schema(request=None, responses={202: DatasetDetailSerializer})
    @action(detail=True, methods=["post"])
    def cancel(self, request, pk: str):
        """Stop the import that waits or runs."""
        return accepted(request, services.cancel_import(dataset=self.get_object()))


def accepted(request, dataset: Dataset) -> Response:
    """202: the dataset's import is queued; ``Location`` says where to look."""
    location = request.build_absolute_uri(reverse("dataset-api-detail", args=[dataset.pk]))
    return Response(DatasetDetailSerializer(dataset).data, status.HTTP_202_ACCEPTED, headers={"Location": location})
