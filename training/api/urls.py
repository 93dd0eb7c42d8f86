"""Addresses of the API below ``/api/v1/`` that belong to songs, runs and models."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from training.api.checkpoints import CheckpointPinView, CheckpointsView
from training.api.combining import CombineView
from training.api.datasets import DatasetViewSet
from training.api.duplicates import DuplicatesView, RestoreDuplicatesView
from training.api.intake import IntakeView
from training.api.models import ModelViewSet
from training.api.races import CompareRunsView, RaceViewSet
from training.api.run_options import RunOptionsView
from training.api.runs import RunViewSet
from training.api.songs import ExportView, RejectionsView, SongsView, SongView
from training.api.versions import CompareVersionsView, VersionsView
from training.api.workers import WorkerViewSet

router = SimpleRouter()
router.register("datasets", DatasetViewSet, basename="dataset-api")
router.register("runs", RunViewSet, basename="run-api")
router.register("races", RaceViewSet, basename="race-api")
router.register("models", ModelViewSet, basename="model-api")
router.register("workers", WorkerViewSet, basename="worker-api")

of_one_dataset = [
    path("songs/", SongsView.as_view(), name="dataset-api-songs"),
    path("songs/<int:song_id>/", SongView.as_view(), name="dataset-api-song"),
    path("rejections/", RejectionsView.as_view(), name="dataset-api-rejections"),
    path("versions/", VersionsView.as_view(), name="dataset-api-versions"),
    path("versions/compare/", CompareVersionsView.as_view(), name="dataset-api-compare"),
    path("duplicates/", DuplicatesView.as_view(), name="dataset-api-duplicates"),
    path("duplicates/<slug:group>/restore/", RestoreDuplicatesView.as_view(), name="dataset-api-restore"),
    path("export/", ExportView.as_view(), name="dataset-api-export"),
]

of_one_run = [
    path("checkpoints/", CheckpointsView.as_view(), name="run-api-checkpoints"),
    path("checkpoints/<slug:checkpoint_id>/pin/", CheckpointPinView.as_view(), name="run-api-pin"),
]

urlpatterns = [
    path("run-options/", RunOptionsView.as_view(), name="run-options-api"),
    path("intake/", IntakeView.as_view(), name="intake-api"),
    path("datasets/combine/", CombineView.as_view(), name="dataset-api-combine"),
    path("runs/compare/", CompareRunsView.as_view(), name="run-api-compare"),
    path("", include(router.urls)),
    path("datasets/<slug:dataset_id>/", include(of_one_dataset)),
    path("runs/<slug:run_id>/", include(of_one_run)),
]
