"""Kept lyrics in the admin."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from generator.models import Lyric

CERTIFICATE = ("owner", "model", "model_name", "model_sha256", "prompt", "seed", "recipe", "generated_text")


@admin.register(Lyric)
class LyricAdmin(ModelAdmin):
    list_display = ("__str__", "owner", "model_name", "bookmarked", "created_at")
    list_filter = ("bookmarked", "model_name", "created_at")
    list_select_related = ("owner",)
    search_fields = ("title", "text", "owner__username")
    date_hierarchy = "created_at"
    readonly_fields = (*CERTIFICATE, "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("title", "text", "tags", "bookmarked")}),
        ("How it was made", {"fields": CERTIFICATE}),
        ("When", {"fields": ("created_at", "updated_at")}),
    )

    def has_add_permission(self, request) -> bool:
        return False  # lyrics are kept on the site, where their certificate comes with them
