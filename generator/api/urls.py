"""Addresses of the API for writing and keeping lyrics."""

from django.urls import path
from rest_framework.renderers import JSONRenderer

from generator.api.collections import CollectionsViewSet, EntriesViewSet
from generator.api.generate import GenerateView
from generator.api.lyrics import LyricsViewSet
from generator.api.unknown_words import UnknownWordsView
from training.api.renderers import TextRenderer

EXPORTED = (JSONRenderer, TextRenderer)
lyrics = {"get": "list", "post": "create"}
lyric = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
bookmark = {"put": "bookmark", "delete": "unbookmark"}
share = {"put": "share", "delete": "unshare"}
collections = {"get": "list", "post": "create"}
collection = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
entries = {"get": "list", "post": "create"}
entry = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}

urlpatterns = [
    path("models/<slug:pk>/unknown-words/", UnknownWordsView.as_view(), name="model-unknown-words-api"),
    path("lyrics/generate/", GenerateView.as_view(), name="lyric-generate-api"),
    path("lyrics/", LyricsViewSet.as_view(lyrics), name="lyrics-api"),
    path(
        "lyrics/export/",
        LyricsViewSet.as_view({"get": "export"}, renderer_classes=EXPORTED, pagination_class=None),
        name="lyrics-export-api",
    ),
    path("lyrics/<slug:pk>/", LyricsViewSet.as_view(lyric), name="lyric-api"),
    path("lyrics/<slug:pk>/bookmark/", LyricsViewSet.as_view(bookmark), name="lyric-bookmark-api"),
    path("lyrics/<slug:pk>/keep/", LyricsViewSet.as_view({"put": "keep"}), name="lyric-keep-api"),
    path("lyrics/<slug:pk>/share/", LyricsViewSet.as_view(share), name="lyric-share-api"),
    path("lyrics/<slug:pk>/reproduce/", LyricsViewSet.as_view({"post": "reproduce"}), name="lyric-reproduce-api"),
    path("collections/", CollectionsViewSet.as_view(collections), name="collections-api"),
    path("collections/<slug:pk>/", CollectionsViewSet.as_view(collection), name="collection-api"),
    path("collections/<slug:pk>/share/", CollectionsViewSet.as_view(share), name="collection-share-api"),
    path("collections/<slug:pk>/lyrics/", EntriesViewSet.as_view(entries), name="collection-entries-api"),
    path("collections/<slug:pk>/lyrics/<slug:entry_id>/", EntriesViewSet.as_view(entry), name="collection-entry-api"),
]
