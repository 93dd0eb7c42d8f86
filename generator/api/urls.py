"""Addresses of the API for writing and keeping lyrics."""

from django.urls import path

from generator.api.generate import GenerateView
from generator.api.lyrics import LyricsViewSet
from generator.api.unknown_words import UnknownWordsView

lyrics = {"get": "list", "post": "create"}
lyric = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
bookmark = {"put": "bookmark", "delete": "unbookmark"}

urlpatterns = [
    path("models/<slug:pk>/unknown-words/", UnknownWordsView.as_view(), name="model-unknown-words-api"),
    path("lyrics/generate/", GenerateView.as_view(), name="lyric-generate-api"),
    path("lyrics/", LyricsViewSet.as_view(lyrics), name="lyrics-api"),
    path("lyrics/<slug:pk>/", LyricsViewSet.as_view(lyric), name="lyric-api"),
    path("lyrics/<slug:pk>/bookmark/", LyricsViewSet.as_view(bookmark), name="lyric-bookmark-api"),
]
