"""Lyrics people have kept, each with all that is needed to write it again."""

from django.conf import settings
from django.db import models
from django.urls import reverse

from training.models import Checkpoint
from training.models.identifiers import new_id


class LyricQuerySet(models.QuerySet):
    def owned_by(self, user) -> "LyricQuerySet":
        return self.filter(owner=user)

    def bookmarked(self) -> "LyricQuerySet":
        return self.filter(bookmarked=True)


class Lyric(models.Model):
    """A saved lyric: the text as it stands now, and the certificate of how it was made."""

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="lyrics")
    title = models.CharField(max_length=200, blank=True)
    text = models.TextField()
    generated_text = models.TextField(blank=True, help_text="As the network wrote it, before any edit.")
    prompt = models.TextField(blank=True)
    recipe = models.JSONField(default=dict, help_text="Every sampling value, seed included.")
    seed = models.BigIntegerField(null=True, blank=True)
    model = models.ForeignKey(Checkpoint, on_delete=models.SET_NULL, null=True, blank=True, related_name="lyrics")
    model_name = models.CharField(max_length=120, blank=True)
    model_sha256 = models.CharField(max_length=64, blank=True)
    bookmarked = models.BooleanField(default=False)
    tags = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = LyricQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["owner", "-created_at", "-id"], name="lyric_owner_newest"),
            models.Index(fields=["owner", "bookmarked", "-created_at"], name="lyric_bookmarked"),
        ]

    def __str__(self) -> str:
        return self.title or self.first_line

    def get_absolute_url(self) -> str:
        return reverse("generator:lyric-detail", args=[self.pk])

    @property
    def first_line(self) -> str:
        return next((line for line in self.text.splitlines() if line.strip() and not line.startswith("[")), "Untitled")

    @property
    def line_count(self) -> int:
        return sum(1 for line in self.text.splitlines() if line.strip() and not line.startswith("["))

    @property
    def was_changed(self) -> bool:
        """Whether a hand has changed the words since the network wrote them."""
        return bool(self.generated_text) and self.generated_text.split() != self.text.split()
