"""Every address of the API, version 1."""

from django.urls import include, path

from lyricsite.api import TokensView

urlpatterns = [
    path("tokens/", TokensView.as_view(), name="token-api"),
    path("", include("training.api.urls")),
    path("", include("generator.api.urls")),
]
