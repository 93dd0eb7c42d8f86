"""Datasets in the admin: uploading goes through the same service as everywhere else."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import display
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from unfold.admin import ModelAdmin, TabularInline
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from training.errors import ExpectedError
from training.forms.refusals import add_refusal
from training.models import Dataset, Import, Rejection, Song, TrainingRun
from training.services import datasets as services


class DatasetUploadForm(forms.ModelForm):
    """The add form: what is sent is stored and queued by the service as soon as it is found to be sound."""

    file = forms.FileField(
        widget=UnfoldAdminFileFieldWidget,
        help_text="CSV, TSV, JSON, JSON Lines, plain text, or a ZIP of text files.",
        error_messages={"empty": "This file is empty."},
    )
    lyrics_column = forms.CharField(
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Only where no column is named like lyrics; otherwise it is found by its name.",
    )
    owner = None  # set by the admin: who uploads owns

    class Meta:
        model = Dataset
        fields = ("name", "description")
        widgets = {"name": UnfoldAdminTextInputWidget, "description": UnfoldAdminTextareaWidget}

    def clean(self) -> dict:
        given = super().clean()
        if not self.errors:
            column = given.get("lyrics_column")
            try:
                self.made = services.create_dataset(
                    owner=self.owner,
                    name=given["name"],
                    description=given["description"],
                    file=given["file"],
                    mapping={"lyrics": column} if column else None,
                )
            except ExpectedError as refusal:
                add_refusal(self, refusal, fields={"mapping": "lyrics_column"})
        return given

    def save(self, commit: bool = True) -> Dataset:
        self.save_m2m = lambda: None
        return self.made


class ImportInline(TabularInline):
    model = Import
    fields = readonly_fields = ("version", "state", "summary", "error", "created_at", "finished_at")
    extra = 0
    can_delete = False
    show_change_link = True

    def has_add_permission(self, request, obj=None) -> bool:
        return False

    @display(description="report")
    def summary(self, job: Import) -> str:
        report = job.report
        if "records" not in report:
            return "–"
        rejected = sum(report.get("rejected", {}).values())
        copies = report.get("duplicates", {}).get("exact", 0)
        return (
            f"{report['records']:,} records: {report['accepted']:,} accepted, {rejected:,} rejected, {copies:,} copies"
        )


@admin.register(Dataset)
class DatasetAdmin(ModelAdmin):
    list_display = ("name", "owner", "state", "songs", "version", "visibility", "created_at")
    list_filter = ("state", "visibility", "format", "created_at")
    search_fields = ("name", "description", "owner__username", "id")
    list_select_related = ("owner",)
    autocomplete_fields = ("owner",)
    actions = ("import_again",)
    inlines = (ImportInline,)
    change_fields = (
        ("name", "owner", "description", "visibility"),
        ("state", "error", "version", "format", "encoding", "content_hash", "created_at", "report_lines"),
    )
    readonly_fields = change_fields[1]

    @display(description="songs")
    def songs(self, dataset: Dataset) -> str:
        return f"{dataset.statistics['songs']:,}" if dataset.statistics else "–"

    @display(description="report")
    def report_lines(self, dataset: Dataset) -> str:
        report = dataset.report
        rows = [("records", report.get("records", 0)), ("accepted", report.get("accepted", 0))]
        rows += [(f"rejected, {reason}", count) for reason, count in report.get("rejected", {}).items()]
        rows += [(f"duplicates, {kind}", count) for kind, count in report.get("duplicates", {}).items() if count]
        rows += [("warning", warning) for warning in report.get("warnings", [])]
        return format_html_join("", "{}: {}<br>", rows)

    def get_form(self, request, obj=None, change=False, **kwargs):
        if obj is not None:
            return super().get_form(request, obj, change, **kwargs)
        return type("UploadFormOfThisPerson", (DatasetUploadForm,), {"owner": request.user})

    def get_fieldsets(self, request, obj=None):
        if obj is None:
            return [(None, {"fields": ("file", "name", "description", "lyrics_column")})]
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


def runs_on(datasets: QuerySet) -> QuerySet:
    return TrainingRun.objects.filter(dataset__in=datasets).select_related("dataset")


class ReadOnlyAdmin(ModelAdmin):
    """Rows that imports write: to look at, never to change by hand."""

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


@admin.register(Song)
class SongAdmin(ReadOnlyAdmin):
    list_display = ("title", "artist", "genre", "dataset", "ordinal", "line_count", "excluded_as")
    list_filter = ("excluded_as", "dataset")
    search_fields = ("title", "artist", "text")
    list_select_related = ("dataset",)
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request) -> QuerySet:
        songs = super().get_queryset(request)
        return (
            songs.defer("text", "raw_text", "sections") if request.resolver_match.url_name.endswith("list") else songs
        )


@admin.register(Import)
class ImportAdmin(ReadOnlyAdmin):
    list_display = ("dataset", "version", "state", "records_read", "created_at", "finished_at")
    list_filter = ("state", "created_at")
    search_fields = ("dataset__name", "id")
    list_select_related = ("dataset",)
    exclude = ("lease_token",)


@admin.register(Rejection)
class RejectionAdmin(ReadOnlyAdmin):
    list_display = ("imported_by", "line", "column", "reason", "message")
    list_filter = ("reason",)
    search_fields = ("message", "snippet", "imported_by__dataset__name")
    list_select_related = ("imported_by",)
