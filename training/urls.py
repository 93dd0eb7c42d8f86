"""Pages of songs, runs and models."""

from django.urls import path

from training.views import combining, datasets, duplicates, models, runs, songs, uploads, versions

app_name = "training"
urlpatterns = [
    path("datasets/", datasets.dataset_list, name="dataset-list"),
    path("datasets/add/", uploads.dataset_create, name="dataset-create"),
    path("datasets/preview/", uploads.dataset_preview, name="dataset-preview"),
    path("datasets/combine/", combining.dataset_combine, name="dataset-combine"),
    path("datasets/<slug:dataset_id>/", datasets.dataset_detail, name="dataset-detail"),
    path("datasets/<slug:dataset_id>/import/", datasets.dataset_import, name="dataset-import"),
    path("datasets/<slug:dataset_id>/mapping/", uploads.dataset_mapping, name="dataset-mapping"),
    path("datasets/<slug:dataset_id>/cancel/", datasets.dataset_cancel, name="dataset-cancel"),
    path("datasets/<slug:dataset_id>/edit/", datasets.dataset_edit, name="dataset-edit"),
    path("datasets/<slug:dataset_id>/delete/", datasets.dataset_delete, name="dataset-delete"),
    path("datasets/<slug:dataset_id>/rejections.csv", datasets.dataset_rejections, name="dataset-rejections"),
    path("datasets/<slug:dataset_id>/songs/", songs.song_list, name="song-list"),
    path("datasets/<slug:dataset_id>/songs/change/", songs.songs_change, name="songs-change"),
    path("datasets/<slug:dataset_id>/songs/<int:song_id>/", songs.song_detail, name="song-detail"),
    path("datasets/<slug:dataset_id>/songs/<int:song_id>/edit/", songs.song_edit, name="song-edit"),
    path("datasets/<slug:dataset_id>/songs/<int:song_id>/exclude/", songs.song_exclude, name="song-exclude"),
    path("datasets/<slug:dataset_id>/export/<slug:kind>/", songs.song_export, name="song-export"),
    path("datasets/<slug:dataset_id>/duplicates/", duplicates.duplicate_list, name="duplicate-list"),
    path(
        "datasets/<slug:dataset_id>/duplicates/<slug:group>/restore/",
        duplicates.duplicate_restore,
        name="duplicate-restore",
    ),
    path("datasets/<slug:dataset_id>/versions/", versions.version_list, name="version-list"),
    path("datasets/<slug:dataset_id>/versions/compare/", versions.version_compare, name="version-compare"),
    path("datasets/<slug:dataset_id>/train/", runs.run_create, name="run-create"),
    path("datasets/<slug:dataset_id>/train/estimate/", runs.run_estimate, name="run-estimate"),
    path("datasets/<slug:dataset_id>/compare/", runs.run_compare, name="run-compare"),
    path("runs/", runs.run_list, name="run-list"),
    path("runs/<slug:run_id>/", runs.run_detail, name="run-detail"),
    path("runs/<slug:run_id>/live/", runs.run_live, name="run-live"),
    path("runs/<slug:run_id>/events/", runs.run_events, name="run-events"),
    path("runs/<slug:run_id>/cancel/", runs.run_cancel, name="run-cancel"),
    path("runs/<slug:run_id>/again/", runs.run_again, name="run-again"),
    path("runs/<slug:run_id>/metrics.csv", runs.run_metrics_csv, name="run-metrics-csv"),
    path("models/", models.model_list, name="model-list"),
    path("models/<slug:model_id>/", models.model_detail, name="model-detail"),
    path("models/<slug:model_id>/download/", models.model_download, name="model-download"),
    path("models/<slug:model_id>/edit/", models.model_edit, name="model-edit"),
    path("models/<slug:model_id>/delete/", models.model_delete, name="model-delete"),
]
