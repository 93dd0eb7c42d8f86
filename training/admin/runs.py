"""Training runs in the admin: to find, read and cancel; only a worker changes them."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from training.errors import ExpectedError
from training.models import Attempt, Insight, RunEvent, TrainingRun
from training.services import runs as services


class ReadOnlyInline(TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request, obj=None) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False


class AttemptInline(ReadOnlyInline):
    model = Attempt
    fields = readonly_fields = ["number", "host", "pid", "started_at", "ended_at", "outcome", "reason"]


class RunEventInline(ReadOnlyInline):
    model = RunEvent
    fields = readonly_fields = ["created_at", "kind", "state", "actor", "message"]


class InsightInline(ReadOnlyInline):
    model = Insight
    fields = readonly_fields = ["kind", "sentence", "created_at"]


@admin.register(TrainingRun)
class TrainingRunAdmin(ModelAdmin):
    """Name and visibility may be changed; state, lease and results are the workers' alone."""

    list_display = ["name", "owner", "dataset", "architecture", "state", "percent", "attempts", "queued_at"]
    list_filter = ["state", "architecture", "preset", "visibility", "error_code"]
    search_fields = ["name", "id", "owner__username", "dataset__name", "worker"]
    list_select_related = ["owner", "dataset"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    inlines = [AttemptInline, RunEventInline, InsightInline]
    actions = ["cancel_runs"]
    editable = ("name", "visibility")

    def get_readonly_fields(self, request, obj=None) -> list[str]:
        return [field.name for field in TrainingRun._meta.fields if field.name not in self.editable]

    def has_add_permission(self, request) -> bool:
        return False  # runs begin on a dataset's page, by API or by command

    def has_delete_permission(self, request, obj=None) -> bool:
        # A worker may hold it; and what a model came from stays known.
        return obj is not None and obj.is_finished and super().has_delete_permission(request, obj)

    @admin.action(description="Cancel the chosen runs", permissions=["change"])
    def cancel_runs(self, request: HttpRequest, runs: QuerySet) -> None:
        cancelled = 0
        for run in runs:
            try:
                services.cancel_run(run=run, by=request.user)
                cancelled += 1
            except ExpectedError as refusal:
                self.message_user(request, f"{run}: {refusal.message}", messages.WARNING)
        if cancelled:
            self.message_user(request, f"Asked {cancelled} {'run' if cancelled == 1 else 'runs'} to stop.")
