"""Kept lyrics: save, list, read, change, bookmark, delete."""

from django.core.exceptions import ValidationError
from django.urls import reverse
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response

from generator.api.serializers import LyricChangeSerializer, LyricSerializer
from generator.models import Lyric
from generator.services import lyrics
from training.api.pages import LARGEST_PAGE_SIZE, PAGE_SIZE, AskedSize


class LyricPages(AskedSize, CursorPagination):
    """Pages that stay right while lyrics come and go."""

    ordering = ("-created_at", "-id")
    page_size = PAGE_SIZE
    max_page_size = LARGEST_PAGE_SIZE
    page_size_query_param = "page_size"

    def paginate_queryset(self, queryset, request, view=None) -> list | None:
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValidationError, ValueError) as error:  # a place that no lyric can have: somebody made the cursor up
            raise NotFound(self.invalid_cursor_message) from error


class LyricFilter(filters.FilterSet):
    model = filters.CharFilter(field_name="model_id")

    class Meta:
        model = Lyric
        fields = ("bookmarked", "model")


class LyricsViewSet(viewsets.GenericViewSet):
    """The signed-in person's lyrics; another's are a 404."""

    serializer_class = LyricSerializer
    pagination_class = LyricPages
    filterset_class = LyricFilter
    search_fields = ("title", "text", "prompt")
    ordering_fields = ("created_at", "updated_at", "title")
    ordering = ("-created_at", "-id")
    queryset = Lyric.objects.none()

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Lyric.objects.owned_by(self.request.user)

    @extend_schema(operation_id="lyrics_list", summary="Your lyrics, newest first")
    def list(self, request):
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

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
