"""Models in the admin: to find, rename, share and delete with their files."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from unfold.admin import ModelAdmin

from training.errors import ExpectedError
from training.models import Checkpoint
from training.services import models as services


@admin.register(Checkpoint)
class CheckpointAdmin(ModelAdmin):
    """What a file says of itself is never edited here: it would no longer be true."""

    list_display = ["name", "owner", "architecture", "tokenizer", "nats_per_character", "size", "state", "created_at"]
    list_filter = ["state", "architecture", "tokenizer", "visibility"]
    search_fields = ["name", "id", "sha256", "owner__username", "dataset__name"]
    list_select_related = ["owner"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    editable = ("name", "visibility")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).filter(published_at__isnull=False)  # not what runs go on from

    def get_readonly_fields(self, request, obj=None) -> list[str]:
        return [field.name for field in Checkpoint._meta.fields if field.name not in self.editable]

    def has_add_permission(self, request) -> bool:
        return False

    @admin.display(description="nats per character")
    def nats_per_character(self, model: Checkpoint) -> str:
        value = model.metrics.get("nats_per_character")
        return "–" if value is None else f"{value:.2f}"

    @admin.display(description="size", ordering="size_bytes")
    def size(self, model: Checkpoint) -> str:
        return filesizeformat(model.size_bytes)

    def delete_model(self, request: HttpRequest, model: Checkpoint) -> None:
        try:
            services.delete_model(model=model)
        except ExpectedError as refusal:
            self.message_user(request, refusal.message, messages.ERROR)

    def delete_queryset(self, request: HttpRequest, models: QuerySet) -> None:
        for model in models:
            self.delete_model(request, model)
