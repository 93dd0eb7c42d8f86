"""Datasets in the admin: everything that is done here goes through the same services as everywhere else."""

from django.contrib import admin, messages
from django.contrib.admin import display
from django.db.models import Count, QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from unfold.admin import ModelAdmin

from training import exports
from training.admin.mapping import mapping_page
from training.admin.read_only import ReadOnlyInline
from training.admin.uploads import DatasetUploadForm
from training.errors import ExpectedError
from training.models import Dataset, DatasetVersion, Import, TrainingRun
from training.services import datasets as services
from training.views.import_report import ImportReport, report_of
from training.views.languages import language_name


class ImportInline(ReadOnlyInline):
    model = Import
    fields = readonly_fields = ("version", "state", "summary", "error", "created_at", "finished_at")

    @display(description="report")
    def summary(self, job: Import) -> str:
        report = job.report
        if "records" not in report:
            return "–"
        rejected = sum(report.get("rejected", {}).values())
        copies = sum(report.get("duplicates", {}).values())
        return (
            f"{report['records']:,} records: {report['accepted']:,} accepted, {rejected:,} rejected, {copies:,} copies"
        )


class VersionInline(ReadOnlyInline):
    model = DatasetVersion
    fields = readonly_fields = ("number", "kind", "made_by", "note", "fingerprint", "created_at")
    verbose_name_plural = "versions"

    @display(description="fingerprint")
    def fingerprint(self, version: DatasetVersion) -> str:
        return version.content_hash[:12] or "–"

    def get_queryset(self, request) -> QuerySet:
        return super().get_queryset(request).select_related("made_by").defer("statistics")


@admin.register(Dataset)
class DatasetAdmin(ModelAdmin):
    list_display = ("name", "owner", "state", "songs", "version", "visibility", "created_at")
    list_filter = ("state", "visibility", "format", "created_at")
    search_fields = ("name", "description", "owner__username", "id")
    list_select_related = ("owner",)
    autocomplete_fields = ("owner",)
    actions = ("import_again", "export_json_lines", "export_csv")
    inlines = (VersionInline, ImportInline)
    change_fields = (
        ("name", "owner", "description", "visibility"),
        ("state", "error", "version", "format", "encoding", "content_hash", "created_at", "columns", "report_lines"),
    )
    readonly_fields = change_fields[1]

    @display(description="songs")
    def songs(self, dataset: Dataset) -> str:
        return f"{dataset.statistics['songs']:,}" if dataset.statistics else "–"

    @display(description="columns")
    def columns(self, dataset: Dataset) -> str:
        """Which column holds what, and the way to say it otherwise."""
        named = ", ".join(f"{role} from “{column}”" for role, column in dataset.mapping.items()) or "none named"
        words = "Confirm or correct" if dataset.state == Dataset.State.NEEDS_MAPPING else "Change and import again"
        address = reverse("admin:training_dataset_mapping", args=[dataset.pk])
        link = '{} (<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>)'
        return format_html(link, named, address, words)

    @display(description="report")
    def report_lines(self, dataset: Dataset) -> str:
        rows = list(lines_of(report_of(dataset.report, dataset.options), dataset.report))
        return format_html_join("", "{}: {}<br>", rows)

    def get_form(self, request, obj=None, change=False, **kwargs):
        if obj is not None:
            return super().get_form(request, obj, change, **kwargs)
        return type("UploadFormOfThisPerson", (DatasetUploadForm,), {"owner": request.user})

    def get_fieldsets(self, request, obj=None):
        if obj is None:
            return DatasetUploadForm.fieldsets()
        described, told = self.change_fields
        return [(None, {"fields": described}), ("Import", {"fields": told})]

    def get_readonly_fields(self, request, obj=None):
        return self.readonly_fields if obj else ()

    def get_inlines(self, request, obj):
        return self.inlines if obj else ()

    def save_model(self, request, obj, form, change) -> None:
        if change:  # a new one is stored by the service already
            super().save_model(request, obj, form, change)

    def get_deleted_objects(self, objs, request) -> tuple:
        """Say what goes in one line a dataset: Django's own way would load every song to list it."""
        datasets = Dataset.objects.filter(pk__in=[dataset.pk for dataset in objs])
        kept = [f"{run} was trained on {run.dataset}" for run in runs_on(datasets)[:20]]
        counted = datasets.annotate(song_rows=Count("songs"))
        return [f"{dataset}: {dataset.song_rows:,} songs and the file" for dataset in counted], {}, set(), kept

    def delete_model(self, request, obj) -> None:
        services.delete_dataset(dataset=obj)

    def delete_queryset(self, request, queryset) -> None:
        for dataset in queryset:
            services.delete_dataset(dataset=dataset)

    @admin.action(description="Import again from the stored file", permissions=["change"])
    def import_again(self, request: HttpRequest, queryset: QuerySet) -> None:
        for dataset in queryset:
            try:
                services.import_again(dataset=dataset)
            except ExpectedError as refusal:
                self.message_user(request, f"{dataset}: {refusal.message}", messages.ERROR)
            else:
                self.message_user(request, f"{dataset} is imported again.", messages.SUCCESS)

    @admin.action(description="Export the songs in use as JSON Lines", permissions=["view"])
    def export_json_lines(self, request: HttpRequest, queryset: QuerySet) -> StreamingHttpResponse | None:
        return self._export(request, queryset, "jsonl")

    @admin.action(description="Export the songs in use as CSV", permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet) -> StreamingHttpResponse | None:
        return self._export(request, queryset, "csv")

    def _export(self, request: HttpRequest, queryset: QuerySet, kind: str) -> StreamingHttpResponse | None:
        chosen = list(queryset[:2])
        if len(chosen) != 1 or not chosen[0].version:
            self.message_user(request, "Choose one dataset that has songs: a file holds one.", messages.ERROR)
            return None
        return exports.songs_download(request, chosen[0].songs_in_use(), kind=kind, name=chosen[0].name)

    def get_urls(self) -> list:
        page = self.admin_site.admin_view(self.mapping)
        return [path("<path:object_id>/mapping/", page, name="training_dataset_mapping"), *super().get_urls()]

    def mapping(self, request: HttpRequest, object_id: str):
        return mapping_page(self, request, object_id)


def lines_of(report: ImportReport, stored: dict):
    """Say an import's report line by line: the counts that add up, then what was noticed on the way."""
    yield "records", report.records
    yield "accepted", report.accepted
    yield from ((f"rejected, {reason}", count) for reason, count in stored.get("rejected", {}).items())
    yield from ((f"duplicates, {kind}", count) for kind, count in stored.get("duplicates", {}).items() if count)
    if report.looks_like:
        yield "looks like", report.looks_like
    yield from ((f"in {language_name(code)}", count) for code, count in stored.get("languages", {}).items())
    for switch, done in stored.get("cleaning", {}).items():
        yield f"cleaned, {switch}", f"{done.get('places', 0):,} places in {done.get('songs', 0):,} songs"
    yield from ((f"marked, {mark}", count) for mark, count in stored.get("marks", {}).items())
    if report.replaced_characters:
        yield "characters replaced", report.replaced_characters
    if report.missing_artist:
        yield "without an artist", report.missing_artist
    yield from (("warning", warning) for warning in report.warnings)


def runs_on(datasets: QuerySet) -> QuerySet:
    return TrainingRun.objects.filter(dataset__in=datasets).select_related("dataset")
