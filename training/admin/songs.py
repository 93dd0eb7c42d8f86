"""What imports made, in the admin: songs, versions, imports, rejections. Songs are left out and taken back here."""

from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.http import HttpRequest

from training.admin.read_only import ReadOnlyAdmin
from training.errors import ExpectedError
from training.models import Dataset, DatasetVersion, Import, Rejection, Song
from training.services import songs as services
from training.services.duplicates import COPIES


class NewestFilter(admin.SimpleListFilter):
    title = "version"
    parameter_name = "version"

    def lookups(self, request, model_admin) -> list[tuple[str, str]]:
        return [("newest", "in the newest"), ("older", "only in older ones")]

    def queryset(self, request, queryset: QuerySet) -> QuerySet:
        ended = {"removed_in__lte": F("dataset__version")}
        if self.value() == "newest":
            return queryset.filter(added_in__lte=F("dataset__version")).exclude(**ended)
        return queryset.filter(**ended) if self.value() == "older" else queryset


class CopiesFilter(admin.SimpleListFilter):
    title = "duplicates"
    parameter_name = "copies"

    def lookups(self, request, model_admin) -> list[tuple[str, str]]:
        return [("flagged", "left out as copies"), ("kept", "in use, with copies"), ("none", "without copies")]

    def queryset(self, request, queryset: QuerySet) -> QuerySet:
        if self.value() == "flagged":
            return queryset.filter(excluded_as__in=COPIES)
        if self.value() == "kept":
            return queryset.filter(excluded_as__isnull=True).exclude(duplicate_group="")
        return queryset.filter(duplicate_group="") if self.value() == "none" else queryset


@admin.register(Song)
class SongAdmin(ReadOnlyAdmin):
    list_display = ("title", "artist", "genre", "language", "dataset", "ordinal", "line_count", "excluded_as")
    list_filter = (NewestFilter, CopiesFilter, "excluded_as", "dataset")
    actions = ("leave_out", "take_back")
    search_fields = ("title", "artist", "text")
    list_select_related = ("dataset",)
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request) -> QuerySet:
        songs = super().get_queryset(request)
        return (
            songs.defer("text", "raw_text", "sections") if request.resolver_match.url_name.endswith("list") else songs
        )

    def has_exclude_permission(self, request: HttpRequest) -> bool:
        """Who may change songs may leave them out, although no field of a song is changed by hand here."""
        return request.user.has_perm("training.change_song")

    @admin.action(description="Leave out, in the next version", permissions=["exclude"])
    def leave_out(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._change(request, queryset, excluded=True)

    @admin.action(description="Take back into use, in the next version", permissions=["exclude"])
    def take_back(self, request: HttpRequest, queryset: QuerySet) -> None:
        self._change(request, queryset, excluded=False)

    def _change(self, request: HttpRequest, queryset: QuerySet, *, excluded: bool) -> None:
        """Change the chosen songs of each dataset in one next version of it."""
        for dataset in Dataset.objects.filter(pk__in=queryset.order_by().values("dataset")):
            songs = Song.objects.filter(pk__in=queryset.order_by().values("pk"), dataset=dataset)
            try:
                version = services.change_songs(dataset=dataset, songs=songs, by=request.user, excluded=excluded)
            except ExpectedError as refusal:
                self.message_user(request, f"{dataset}: {refusal.message}", messages.ERROR)
            else:
                self.message_user(request, f"{dataset}: {version.note} That is version {version.number}.")


@admin.register(DatasetVersion)
class DatasetVersionAdmin(ReadOnlyAdmin):
    list_display = ("dataset", "number", "kind", "made_by", "note", "created_at")
    list_filter = ("kind", "created_at")
    search_fields = ("dataset__name", "note", "content_hash")
    list_select_related = ("dataset", "made_by")

    def get_queryset(self, request) -> QuerySet:
        return super().get_queryset(request).order_by("-created_at")


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
