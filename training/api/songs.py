"""The songs of a dataset and what was left out, for programs: find, change, take along."""

from django.shortcuts import get_object_or_404
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from training import exports
from training.api.pages import WHOLE_NUMBER, OrdinalPages, whole_number
from training.api.renderers import FORMAT, CsvRenderer, JsonLinesRenderer, wants_csv
from training.models import Dataset, Rejection, Song
from training.services import datasets as dataset_services
from training.services import songs as services

VERSION = OpenApiParameter("version", WHOLE_NUMBER, description="Which version; the newest when it is left out.")


class SectionSerializer(serializers.Serializer):
    name = serializers.CharField()
    lines = serializers.IntegerField()


class SongSerializer(serializers.ModelSerializer):
    sections = SectionSerializer(many=True)
    marks = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Song
        fields = (
            "id",
            "ordinal",
            "added_in",
            "record_number",
            "line_number",
            "title",
            "artist",
            "genre",
            "year",
            "language",
            "language_confidence",
            "language_in_file",
            "text",
            "sections",
            "marks",
            "line_count",
            "word_count",
            "character_count",
            "duplicate_group",
            "excluded_as",
        )


class SongDetailSerializer(SongSerializer):
    raw_text = serializers.CharField(help_text="As it stood in the file; empty where that is the text.")

    class Meta(SongSerializer.Meta):
        fields = (*SongSerializer.Meta.fields, "raw_text")


class SongChangeSerializer(serializers.Serializer):
    """What may be changed of a song; what is left out stays."""

    excluded = serializers.BooleanField(required=False, help_text="true leaves it out, false takes it back into use.")
    text = serializers.CharField(required=False)
    title = serializers.CharField(required=False, allow_blank=True, max_length=services.LONGEST_NAMES["title"])
    artist = serializers.CharField(required=False, allow_blank=True, max_length=services.LONGEST_NAMES["artist"])
    genre = serializers.CharField(required=False, allow_blank=True, max_length=services.LONGEST_NAMES["genre"])
    language = serializers.CharField(required=False, allow_blank=True, max_length=services.LONGEST_NAMES["language"])
    year = serializers.IntegerField(
        required=False, allow_null=True, min_value=services.EARLIEST_YEAR, max_value=services.LATEST_YEAR
    )


class RejectionSerializer(serializers.ModelSerializer):
    class Meta:
        model = Rejection
        fields = ("record_number", "line", "column", "reason", "message", "snippet")


class InOneDataset:
    """For views below one dataset: it is read by whoever may see it, and changed by its owner alone."""

    def get_dataset(self) -> Dataset:
        readers = self.request.method in ("GET", "HEAD", "OPTIONS")
        user = self.request.user
        datasets = Dataset.objects.visible_to(user) if readers else Dataset.objects.owned_by(user)
        return get_object_or_404(datasets, pk=self.kwargs["dataset_id"])


def asked_version(request, dataset: Dataset) -> int:
    """The ``version`` that is asked for. Raises: ValidationError for one that does not exist (yet)."""
    number = whole_number(request, "version", default=dataset.version)
    if number > dataset.version:
        raise ValidationError({"version": [f"There is no version {number} of this dataset."]})
    return number


class SongsView(InOneDataset, generics.ListAPIView):
    """The songs of a version in their order. Copies and left-out ones too: ``excluded_as`` says why."""

    queryset = Song.objects.none()
    serializer_class = SongSerializer
    pagination_class = OrdinalPages
    filter_backends = (DjangoFilterBackend,)
    filterset_fields = ("genre", "artist", "language", "year", "excluded_as")

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        dataset, asked = self.get_dataset(), self.request.query_params
        return services.search_songs(
            dataset=dataset,
            version=asked_version(self.request, dataset),
            words=asked.get("search", ""),
            excluded=asked.get("excluded", ""),
        ).defer("raw_text")

    @extend_schema(
        parameters=[
            OpenApiParameter("search", str, description="Words of title, artist or text; all of them must be there."),
            OpenApiParameter("excluded", str, enum=services.EXCLUSIONS),
            VERSION,
        ]
    )
    def get(self, request, *args, **kwargs):
        return super().get(request, *args, **kwargs)


class SongView(InOneDataset, APIView):
    """One song, of whatever version."""

    def get_song(self) -> Song:
        songs = self.get_dataset().songs.select_related("dataset")
        return get_object_or_404(songs, pk=self.kwargs["song_id"])

    @extend_schema(responses=SongDetailSerializer)
    def get(self, request, dataset_id: str, song_id: int):
        """A song with its text as it stood in the file."""
        return Response(SongDetailSerializer(self.get_song()).data)

    @extend_schema(request=SongChangeSerializer, responses=SongDetailSerializer)
    def patch(self, request, dataset_id: str, song_id: int):
        """Change a song, leave it out or take it back: the answer is its new row in the dataset's next version.

        409 while an import is going on, or when the song was changed meanwhile and this is an older row of it.
        """
        song = self.get_song()
        changes = SongChangeSerializer(data=request.data)
        changes.is_valid(raise_exception=True)
        changed = services.change_song(song=song, by=request.user, **changes.validated_data)
        return Response(SongDetailSerializer(changed).data)


class ExportView(InOneDataset, APIView):
    """The songs in use, as a file that imports back as they were."""

    renderer_classes = (JSONRenderer, JsonLinesRenderer, CsvRenderer)

    @extend_schema(
        parameters=[OpenApiParameter("format", str, enum=list(exports.SONG_FORMATS), default="jsonl"), VERSION],
        responses={(200, "application/x-ndjson"): OpenApiTypes.STR, (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request, dataset_id: str):
        dataset = self.get_dataset()
        kind = request.query_params.get("format", "jsonl")
        if kind not in exports.SONG_FORMATS:
            raise ValidationError({"format": [f"This has to be one of {', '.join(exports.SONG_FORMATS)}."]})
        version = asked_version(request, dataset)
        name = f"{dataset.name} version {version}"
        return exports.songs_download(request._request, dataset.songs_in_use(version), kind=kind, name=name)


class RejectionsView(InOneDataset, generics.ListAPIView):
    """The records of the newest import that gave no song (the first 10,000), and why."""

    queryset = Rejection.objects.none()
    serializer_class = RejectionSerializer
    filterset_fields = ("reason",)
    ordering_fields = ("record_number", "line")

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return super().get_queryset()
        return dataset_services.rejections_of(dataset=self.get_dataset())

    @extend_schema(
        parameters=[FORMAT],
        responses={(200, "application/json"): RejectionSerializer(many=True), (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request, *args, **kwargs):
        if wants_csv(request):
            rejections = self.filter_queryset(self.get_queryset())
            return exports.csv_download(exports.rejections_csv(rejections), f"{self.get_dataset().name} left out")
        return super().get(request, *args, **kwargs)
