"""How a file would be read, for programs: what is asked and what is answered."""

from collections import Counter

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from training.api.fields import FilesField, ObjectField
from training.importers import ROLES, Inspection
from training.importers.cleaning import clean

FILES_HELP = "A song file; several of them, such as lyrics and their artists, are read as one."
MAPPING_HELP = f"The column of each role: {', '.join(ROLES)}. What is left out is guessed by name."
OPTIONS_HELP = (
    "How to read the file: format, encoding, delimiter, has_header, separator, title_line, preset, cleaning, language, "
    "detect_language, duplicates, near_duplicates, full_text."
)


@extend_schema_serializer(component_name="PreviewUpload")
class PreviewRequestSerializer(serializers.Serializer):
    file = FilesField(help_text=FILES_HELP)
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


class CleaningCountSerializer(serializers.Serializer):
    songs = serializers.IntegerField()
    places = serializers.IntegerField()


class PreviewSerializer(serializers.Serializer):
    """How a file would be read."""

    format = serializers.CharField()
    encoding = serializers.CharField(source="encoding.name")
    encoding_confidence = serializers.FloatField(source="encoding.confidence")
    encoding_samples = serializers.ListField(
        child=serializers.CharField(),
        source="encoding.samples",
        help_text="Up to three lines with letters beyond ASCII, as decoded.",
    )
    delimiter = serializers.CharField()
    columns = serializers.ListField(child=serializers.CharField())
    mapping = serializers.DictField(child=serializers.CharField())
    looks_like = serializers.CharField(help_text="The public dataset whose columns these are, if any.")
    cleaning = serializers.SerializerMethodField(
        help_text="Of the songs shown: how many each switch changes, in how many places."
    )
    songs = PreviewSongSerializer(many=True)
    rejections = PreviewErrorSerializer(many=True, source="errors")
    warnings = serializers.ListField(child=serializers.CharField())
    needs_mapping = serializers.BooleanField()

    @extend_schema_field(serializers.DictField(child=CleaningCountSerializer()))
    def get_cleaning(self, inspection: Inspection) -> dict[str, dict[str, int]]:
        songs, places = Counter(), Counter()
        for song in inspection.songs:
            changes = clean(song.text, inspection.options.cleaning).changes
            songs.update(changes.keys())
            places.update(changes)
        return {switch: {"songs": songs[switch], "places": places[switch]} for switch in songs}
