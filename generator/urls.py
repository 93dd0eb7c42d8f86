"""Pages for writing and keeping lyrics."""

from django.urls import path

from generator.views import collections, compose, lyric_list, lyrics, shared

app_name = "generator"
urlpatterns = [
    path("write/", compose.compose, name="compose"),
    path("write/side-by-side/", compose.side_by_side, name="side-by-side"),
    path("lyrics/", lyric_list.lyric_list, name="lyric-list"),
    path("lyrics/export/", lyric_list.lyrics_export, name="lyrics-export"),
    path("lyrics/save/", lyrics.lyric_save, name="lyric-save"),
    path("lyrics/<slug:lyric_id>/", lyrics.lyric_detail, name="lyric-detail"),
    path("lyrics/<slug:lyric_id>/export/", lyrics.lyric_export, name="lyric-export"),
    path("lyrics/<slug:lyric_id>/bookmark/", lyrics.lyric_bookmark, name="lyric-bookmark"),
    path("lyrics/<slug:lyric_id>/keep/", lyrics.lyric_keep, name="lyric-keep"),
    path("lyrics/<slug:lyric_id>/share/", shared.share, name="lyric-share"),
    path("lyrics/<slug:lyric_id>/collect/", lyrics.lyric_collect, name="lyric-collect"),
    path("lyrics/<slug:lyric_id>/reproduce/", lyrics.lyric_reproduce, name="lyric-reproduce"),
    path("lyrics/<slug:lyric_id>/delete/", lyrics.lyric_delete, name="lyric-delete"),
    path("collections/", collections.collection_list, name="collection-list"),
    path("collections/<slug:collection_id>/", collections.collection_detail, name="collection-detail"),
    path("collections/<slug:collection_id>/export/", collections.collection_export, name="collection-export"),
    path("collections/<slug:collection_id>/share/", shared.share, name="collection-share"),
    path("collections/<slug:collection_id>/delete/", collections.collection_delete, name="collection-delete"),
    path("collections/<slug:collection_id>/<slug:entry_id>/move/", collections.entry_move, name="entry-move"),
    path("collections/<slug:collection_id>/<slug:entry_id>/remove/", collections.entry_remove, name="entry-remove"),
    path("shared/lyrics/<slug:link>/", shared.shared_lyric, name="shared-lyric"),
    path("shared/collections/<slug:link>/", shared.shared_collection, name="shared-collection"),
]
