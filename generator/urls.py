"""Pages for writing and keeping lyrics."""

from django.urls import path

from generator import views

app_name = "generator"
urlpatterns = [
    path("write/", views.compose, name="compose"),
    path("write/side-by-side/", views.side_by_side, name="side-by-side"),
    path("lyrics/", views.lyric_list, name="lyric-list"),
    path("lyrics/save/", views.lyric_save, name="lyric-save"),
    path("lyrics/<slug:lyric_id>/", views.lyric_detail, name="lyric-detail"),
    path("lyrics/<slug:lyric_id>/bookmark/", views.lyric_bookmark, name="lyric-bookmark"),
    path("lyrics/<slug:lyric_id>/delete/", views.lyric_delete, name="lyric-delete"),
]
