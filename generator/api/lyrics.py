"""Lyrics: save, list, find, read, change, keep, bookmark, share, reproduce, delete."""

from functools import partial

from django.core.exceptions import ValidationError
from django.urls import reverse
from django_filters import rest_framework as filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status, viewsets
from rest_framework.exceptions import NotFound
from rest_framework.exceptions import ValidationError as Refused
from rest_framework.filters import OrderingFilter
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response

from generator import exports
from generator.api.doors import GenerateThrottle
from generator.api.lyric_serializers import (
    LyricChangeSerializer,
    LyricInFileSerializer,
    LyricSerializer,
    ReproductionSerializer,
)
from generator.leaving import has_left
from generator.models import Lyric
from generator.search import search
from generator.services import lyrics, reproducing, sharing
from generator.services.lyrics import TAG_LENGTH_LIMIT
from training.api.pages import LARGEST_PAGE_SIZE, PAGE_SIZE, AskedSize
from training.api.searches import BriefSearch, TrueOrFalse


class LyricPages(AskedSize, CursorPagination):
    """Pages that stay right while lyrics come and go."""

    ordering = ("-created_at", "-id")
    page_size = PAGE_SIZE
    max_page_size = LARGEST_PAGE_SIZE
    page_size_query_param = "page_size"

    def paginate_queryset(self, queryset, request, view=None) -> list | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (
            ValidationError,
            ValueError,
            OverflowError,
        ) as error:  # a place that no lyric can have: somebody made the cursor up
            raise NotFound(self.invalid_cursor_message) from error


class LyricFilter(filters.FilterSet):
    bookmarked = TrueOrFalse()
    model = filters.CharFilter(field_name="model_id")
    tag = filters.CharFilter(method="with_tag", max_length=TAG_LENGTH_LIMIT, label="Lyrics with this tag.")
    kept = filters.ChoiceFilter(
        method="as_kept",
        choices=[("true", "kept"), ("false", "history that nobody kept"), ("any", "both")],
        label="The lyrics you kept (true, the default), the history that you did not (false), or both (any).",
    )

    class Meta:
        model = Lyric
        fields = ("bookmarked", "model")

    def filter_queryset(self, queryset):
        found = super().filter_queryset(queryset)
        return found if self.form.cleaned_data["kept"] else found.kept()

    def with_tag(self, queryset, name, tag):
        return queryset.tagged(tag)

    def as_kept(self, queryset, name, kept):
        return {"true": queryset.kept, "false": queryset.only_history, "any": queryset.all}[kept]()


class LyricSearch(BriefSearch):
    """Words of title, text, tags or prompt; the last one may be a beginning."""

    def filter_queryset(self, request, queryset, view):
        words = self.get_search_terms(request)
        return search(queryset, " ".join(words), owner=request.user) if words else queryset


class LyricsViewSet(viewsets.GenericViewSet):
    """The signed-in person's lyrics; another's are a 404."""

    serializer_class = LyricSerializer
    pagination_class = LyricPages
    filterset_class = LyricFilter
    filter_backends = (filters.DjangoFilterBackend, LyricSearch, OrderingFilter)
    search_fields = ("title", "text", "tags", "prompt")
    ordering_fields = ("created_at", "updated_at", "title")
    ordering = ("-created_at", "-id")
    throttle_scope = "generate"
    queryset = Lyric.objects.none()

    def get_throttles(self) -> list:
        """Writing again is writing: the two are counted together."""
        return [GenerateThrottle()] if self.action == "reproduce" else []

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Lyric.objects.owned_by(self.request.user).prefetch_related("entries")

    def filter_queryset(self, queryset):
        """Only lists are narrowed: one lyric is found by its id, history or kept."""
        return super().filter_queryset(queryset) if self.action in ("list", "export") else queryset

    @extend_schema(operation_id="lyrics_list", summary="Your lyrics, newest first")
    def list(self, request):
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="lyrics_export",
        summary="Your lyrics as one file",
        description="The words as text, or everything that is known of each lyric as JSON. Narrowed as the list is.",
        filters=True,
        parameters=[
            OpenApiParameter("format", str, enum=[*exports.KINDS], default="txt"),
            OpenApiParameter("lyric", str, many=True, description="Of those, the lyrics with these ids alone."),
        ],
        responses={(200, "text/plain"): OpenApiTypes.STR, (200, "application/json"): LyricInFileSerializer(many=True)},
    )
    def export(self, request):
        kind = request.query_params.get("format", "txt")
        if kind not in exports.KINDS:
            raise Refused({"format": [f"This has to be one of {', '.join(exports.KINDS)}."]})
        found = self.filter_queryset(self.get_queryset().prefetch_related(None))
        if named := request.query_params.getlist("lyric"):
            found = found.filter(pk__in=filter(str.isalnum, named))
        ids = list(found.values_list("pk", flat=True))
        return exports.lyrics_download(request._request, ids, kind=kind, name="lyrics")

    @extend_schema(operation_id="lyrics_create", summary="Keep a text, with its recipe if it has one")
    def create(self, request):
        asked = self.get_serializer(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = dict(asked.validated_data)
        values, seed = wanted.pop("recipe", None), wanted.pop("seed", None)
        if values is not None or seed is not None:
            wanted["recipe"] = lyrics.read_kept_recipe(values or {}, seed)
        lyric = lyrics.save_lyric(user=request.user, **wanted)
        headers = {"Location": reverse("lyric-api", args=[lyric.pk])}
        return Response(self.get_serializer(lyric).data, status.HTTP_201_CREATED, headers=headers)

    @extend_schema(operation_id="lyrics_retrieve", summary="One lyric")
    def retrieve(self, request, pk):
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        operation_id="lyrics_change",
        summary="Change title, text, tags or bookmark",
        request=LyricChangeSerializer,
        responses=LyricSerializer,
    )
    def partial_update(self, request, pk):
        lyric = self.get_object()
        asked = LyricChangeSerializer(lyric, data=request.data, partial=True, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        lyric = lyrics.update_lyric(lyric=lyric, **asked.validated_data)
        return Response(self.get_serializer(lyric).data)

    @extend_schema(operation_id="lyrics_delete", summary="Delete a lyric")
    def destroy(self, request, pk):
        lyrics.delete_lyric(lyric=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(operation_id="lyrics_bookmark", summary="Bookmark a lyric", request=None, responses=LyricSerializer)
    def bookmark(self, request, pk):
        lyric = lyrics.set_bookmark(lyric=self.get_object(), bookmarked=True)
        return Response(self.get_serializer(lyric).data)

    @extend_schema(operation_id="lyrics_unbookmark", summary="Take the bookmark away", responses={204: None})
    def unbookmark(self, request, pk):
        lyrics.set_bookmark(lyric=self.get_object(), bookmarked=False)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(operation_id="lyrics_keep", summary="Keep what was only history", request=None)
    def keep(self, request, pk):
        lyric = lyrics.keep_lyric(lyric=self.get_object())
        return Response(self.get_serializer(lyric).data)

    @extend_schema(operation_id="lyrics_share", summary="Share a lyric by a link", request=None)
    def share(self, request, pk):
        lyric = self.get_object()
        sharing.share(lyric)
        return Response(self.get_serializer(lyric).data)

    @extend_schema(operation_id="lyrics_unshare", summary="Take the link back", responses={204: None})
    def unshare(self, request, pk):
        sharing.stop_sharing(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        operation_id="lyrics_reproduce",
        summary="Write a lyric again and compare",
        description="By its own recipe, byte for byte with what the network wrote first. Nothing is stored. "
        "Closing the connection stops the work.",
        request=None,
        responses=ReproductionSerializer,
    )
    def reproduce(self, request, pk):
        is_abandoned = partial(has_left, request._request)
        reproduction = reproducing.reproduce(user=request.user, lyric=self.get_object(), is_abandoned=is_abandoned)
        return Response(ReproductionSerializer(reproduction).data)
