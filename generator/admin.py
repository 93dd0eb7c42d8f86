"""Lyrics and collections in the admin."""

from django.contrib import admin
from django.utils import timezone
from unfold.admin import ModelAdmin

from generator import search
from generator.models import Collection, Lyric
from generator.services import lyrics

CERTIFICATE = ("model", "model_name", "model_sha256", "prompt", "seed", "recipe", "made_with", "generated_text")


@admin.register(Lyric)
class LyricAdmin(ModelAdmin):
    list_display = ("__str__", "owner", "model_name", "bookmarked", "kept_at", "created_at")
    list_filter = ("bookmarked", "model_name", "created_at")
    list_select_related = ("owner",)
    search_fields = ("title", "text", "owner__username")
    date_hierarchy = "created_at"
    readonly_fields = ("owner", *CERTIFICATE, "kept_at", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("title", "text", "tags", "bookmarked")}),
        ("How it was made", {"fields": ("owner", *CERTIFICATE)}),
        ("When", {"fields": ("kept_at", "created_at", "updated_at")}),
    )

    def has_add_permission(self, request) -> bool:
        return False  # lyrics are kept on the site, where their certificate comes with them

    def save_model(self, request, lyric, form, change) -> None:
        lyric.kept_at = lyric.kept_at or timezone.now()  # as on the site: what is changed is kept
        super().save_model(request, lyric, form, change)
        search.index([lyric])

    def delete_model(self, request, lyric) -> None:
        lyrics.delete_lyric(lyric=lyric)

    def delete_queryset(self, request, chosen) -> None:
        for lyric in chosen:
            lyrics.delete_lyric(lyric=lyric)


@admin.register(Collection)
class CollectionAdmin(ModelAdmin):
    list_display = ("name", "owner", "created_at")
    list_select_related = ("owner",)
    search_fields = ("name", "description", "owner__username")
    readonly_fields = ("owner", "created_at", "updated_at")

    def has_add_permission(self, request) -> bool:
        return False  # they are made on the site, by who they belong to
