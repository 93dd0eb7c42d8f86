"""Addresses of the API for writing and keeping lyrics."""

from django.urls import path

from generator.api.generate import GenerateView
from generator.api.lyrics import LyricsViewSet

lyrics = {"get": "list", "post": "create"}
lyric = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
bookmark = {"put": "bookmark", "delete": "unbookmark"}

urlpatterns = [
    path("lyrics/generate/", GenerateView.as_view(), name="lyric-generate-api"),
    path("lyrics/", LyricsViewSet.as_view(lyrics), name="lyrics-api"),
    path("lyrics/<slug:pk>/", LyricsViewSet.as_view(lyric), name="lyric-api"),
    path("lyrics/<slug:pk>/bookmark/", LyricsViewSet.as_view(bookmark), name="lyric-bookmark-api"),
]
