"""Collections: make, name, fill, put in order, share, delete."""

from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.generics import get_object_or_404
from rest_framework.response import Response

from generator.api.lyric_serializers import AddSerializer, CollectionSerializer, EntrySerializer, MoveSerializer
from generator.models import Collection, CollectionEntry
from generator.services import collections, sharing


class CollectionsViewSet(viewsets.GenericViewSet):
    """The signed-in person's collections; another's are a 404."""

    serializer_class = CollectionSerializer
    search_fields = ("name", "description")
    ordering_fields = ("created_at", "updated_at", "name")
    ordering = ("-created_at", "-id")
    queryset = Collection.objects.none()

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Collection.objects.owned_by(self.request.user).with_counts()

    @extend_schema(operation_id="collections_list", summary="Your collections, newest first")
    def list(self, request):
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(operation_id="collections_create", summary="Make a collection")
    def create(self, request):
        collection = collections.create_collection(user=request.user, **self._asked(request))
        headers = {"Location": reverse("collection-api", args=[collection.pk])}
        return Response(self.get_serializer(collection).data, status.HTTP_201_CREATED, headers=headers)

    @extend_schema(operation_id="collections_retrieve", summary="One collection")
    def retrieve(self, request, pk):
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(operation_id="collections_change", summary="Change name or description")
    def partial_update(self, request, pk):
        collection = self.get_object()
        collections.update_collection(collection=collection, **self._asked(request, partial=True))
        return Response(self.get_serializer(collection).data)

    @extend_schema(operation_id="collections_delete", summary="Delete a collection; its lyrics stay")
    def destroy(self, request, pk):
        collections.delete_collection(collection=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(operation_id="collections_share", summary="Share a collection by a link", request=None)
    def share(self, request, pk):
        collection = self.get_object()
        sharing.share(collection)
        return Response(self.get_serializer(collection).data)

    @extend_schema(operation_id="collections_unshare", summary="Take the link back", responses={204: None})
    def unshare(self, request, pk):
        sharing.stop_sharing(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _asked(self, request, *, partial: bool = False) -> dict:
        asked = self.get_serializer(data=request.data, partial=partial)
        asked.is_valid(raise_exception=True)
        return asked.validated_data


class EntriesViewSet(viewsets.GenericViewSet):
    """What lies in one of the signed-in person's collections, in its order."""

    serializer_class = EntrySerializer
    filter_backends = ()
    queryset = CollectionEntry.objects.none()
    lookup_url_kwarg = "entry_id"

    def get_queryset(self):
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        entries = self._collection().entries.select_related("collection", "lyric")
        return entries.prefetch_related("lyric__entries")

    def _collection(self) -> Collection:
        return get_object_or_404(Collection.objects.owned_by(self.request.user), pk=self.kwargs["pk"])

    @extend_schema(operation_id="collections_lyrics_list", summary="The lyrics of a collection, in its order")
    def list(self, request, pk):
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        operation_id="collections_lyrics_add",
        summary="Lay a lyric into a collection",
        description="The same lyric may lie there several times: each place has an id of its own.",
        request=AddSerializer,
        responses={201: EntrySerializer},
    )
    def create(self, request, pk):
        collection = self._collection()
        asked = AddSerializer(data=request.data, context=self.get_serializer_context())
        asked.is_valid(raise_exception=True)
        entry = collections.add_lyric(collection=collection, **asked.validated_data)
        headers = {"Location": reverse("collection-entry-api", args=[collection.pk, entry.pk])}
        return Response(self.get_serializer(entry).data, status.HTTP_201_CREATED, headers=headers)

    @extend_schema(operation_id="collections_lyrics_retrieve", summary="One place in a collection")
    def retrieve(self, request, pk, entry_id):
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        operation_id="collections_lyrics_move",
        summary="Move a lyric to another place",
        request=MoveSerializer,
        responses=EntrySerializer,
    )
    def partial_update(self, request, pk, entry_id):
        entry = self.get_object()
        asked = MoveSerializer(data=request.data, partial=True)
        asked.is_valid(raise_exception=True)
        if asked.validated_data:
            entry = collections.move_entry(entry=entry, **asked.validated_data)
        return Response(self.get_serializer(entry).data)

    @extend_schema(operation_id="collections_lyrics_remove", summary="Take a lyric out of this place; it stays yours")
    def destroy(self, request, pk, entry_id):
        collections.remove_entry(entry=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
