"""Lyrics, collections and what they come to, as JSON."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from generator import recipe as limits
from generator.exports import FACTS
from generator.models import Collection, CollectionEntry, Lyric
from generator.services.collections import DESCRIPTION_LIMIT, NAME_LIMIT
from generator.services.lyrics import TAG_LENGTH_LIMIT, TAGS_LIMIT, TEXT_LIMIT
from training.api.fields import ObjectField
from training.models import Checkpoint


@extend_schema_field(serializers.URLField(allow_null=True))
class ShareUrlField(serializers.ReadOnlyField):
    """The whole address of what is shared."""

    def __init__(self, **options):
        super().__init__(
            source="get_shared_url", help_text="Where others read it; null while it is private.", **options
        )

    def to_representation(self, address: str) -> str:
        return self.context["request"].build_absolute_uri(address)


class VisibleModelField(serializers.PrimaryKeyRelatedField):
    """A model by its id, among those that the person may use."""

    def get_queryset(self):
        return Checkpoint.objects.visible_to(self.context["request"].user).published()


class LyricSerializer(serializers.ModelSerializer):
    """A kept lyric; how it was made is set when it is saved and can't be changed afterwards."""

    text = serializers.CharField(max_length=TEXT_LIMIT, trim_whitespace=False)
    generated_text = serializers.CharField(
        max_length=TEXT_LIMIT, required=False, allow_blank=True, trim_whitespace=False, help_text="Before any edit."
    )
    prompt = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    model = VisibleModelField(required=False, allow_null=True)
    recipe = ObjectField(required=False, help_text="Every sampling value, the seed included.")
    seed = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=limits.SEED_LIMIT)
    tags = serializers.ListField(
        child=serializers.CharField(max_length=TAG_LENGTH_LIMIT), max_length=TAGS_LIMIT, required=False
    )
    made_with = ObjectField(read_only=True, help_text="Processor, program versions, precision, and why the text ended.")
    collections = serializers.SerializerMethodField(help_text="Ids of the collections that it lies in.")
    share_url = ShareUrlField()

    class Meta:
        model = Lyric
        fields = (*FACTS, "share_url")
        read_only_fields = ("id", "model_name", "model_sha256", "kept_at", "created_at", "updated_at")

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_collections(self, lyric) -> list[str]:
        return list(dict.fromkeys(entry.collection_id for entry in lyric.entries.all()))


class LyricInFileSerializer(LyricSerializer):
    """A lyric as a file holds it: all but the link that it is shared by."""

    class Meta(LyricSerializer.Meta):
        fields = FACTS


class LyricChangeSerializer(LyricSerializer):
    """What can be changed of a kept lyric."""

    class Meta(LyricSerializer.Meta):
        read_only_fields = tuple(
            name for name in LyricSerializer.Meta.fields if name not in ("title", "text", "tags", "bookmarked")
        )

    generated_text = serializers.CharField(read_only=True)
    prompt = serializers.CharField(read_only=True)
    model = serializers.PrimaryKeyRelatedField(read_only=True)
    recipe = ObjectField(read_only=True)
    seed = serializers.IntegerField(read_only=True)


class ReproductionSerializer(serializers.Serializer):
    """A lyric written again by its own recipe."""

    identical = serializers.BooleanField(help_text="Whether it is the same, byte for byte, as `generated_text`.")
    text = serializers.CharField(help_text="What was written now; empty when nothing could be.")
    differences = serializers.ListField(
        child=serializers.CharField(),
        help_text="What is no longer as it was, in sentences: model, processor, versions, precision, the first line.",
    )


class CollectionSerializer(serializers.ModelSerializer):
    """A folder of lyrics in an order."""

    name = serializers.CharField(max_length=NAME_LIMIT)
    description = serializers.CharField(max_length=DESCRIPTION_LIMIT, required=False, allow_blank=True)
    lyrics_count = serializers.SerializerMethodField(help_text="A lyric counts as often as it lies in there.")
    share_url = ShareUrlField()

    class Meta:
        model = Collection
        fields = ("id", "name", "description", "lyrics_count", "share_url", "created_at", "updated_at")
        read_only_fields = ("id", "created_at", "updated_at")

    def get_lyrics_count(self, collection) -> int:
        counted = getattr(collection, "lyrics_count", None)
        return collection.entries.count() if counted is None else counted


@extend_schema_field(serializers.CharField())
class OwnLyricField(serializers.PrimaryKeyRelatedField):
    """A lyric by its id, among the person's own."""

    def get_queryset(self):
        return Lyric.objects.owned_by(self.context["request"].user)


class EntrySerializer(serializers.ModelSerializer):
    """One place in a collection, and the lyric that lies there."""

    lyric = LyricSerializer(read_only=True)

    class Meta:
        model = CollectionEntry
        fields = ("id", "position", "lyric", "added_at")
        read_only_fields = fields


class MoveSerializer(serializers.Serializer):
    """Where to: places count from 1; one beyond the end is the last."""

    position = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class AddSerializer(serializers.Serializer):
    """What to lay into a collection, and where: at its end unless said otherwise."""

    lyric = OwnLyricField(help_text="The id of a lyric of yours; one may lie in a collection several times.")
    position = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False)
