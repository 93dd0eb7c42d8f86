"""Pages for writing and keeping lyrics."""

from django.urls import path

from generator.views import compose, lyrics

app_name = "generator"
urlpatterns = [
    path("write/", compose.compose, name="compose"),
    path("write/side-by-side/", compose.side_by_side, name="side-by-side"),
    path("lyrics/", lyrics.lyric_list, name="lyric-list"),
    path("lyrics/save/", lyrics.lyric_save, name="lyric-save"),
    path("lyrics/<slug:lyric_id>/", lyrics.lyric_detail, name="lyric-detail"),
    path("lyrics/<slug:lyric_id>/bookmark/", lyrics.lyric_bookmark, name="lyric-bookmark"),
    path("lyrics/<slug:lyric_id>/delete/", lyrics.lyric_delete, name="lyric-delete"),
]
