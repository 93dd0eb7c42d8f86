"""Addresses of the API below ``/api/v1/`` that belong to songs, runs and models."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from training.api.datasets import DatasetViewSet, RejectionsView, SongsView
from training.api.models import ModelViewSet
from training.api.runs import RunOptionsView, RunViewSet

router = SimpleRouter()
router.register("datasets", DatasetViewSet, basename="dataset-api")
router.register("runs", RunViewSet, basename="run-api")
router.register("models", ModelViewSet, basename="model-api")

urlpatterns = [
    path("run-options/", RunOptionsView.as_view(), name="run-options-api"),
    path("", include(router.urls)),
    path("datasets/<slug:dataset_id>/songs/", SongsView.as_view(), name="dataset-api-songs"),
    path("datasets/<slug:dataset_id>/rejections/", RejectionsView.as_view(), name="dataset-api-rejections"),
]
