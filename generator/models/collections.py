"""Collections: folders of lyrics in an order, where a lyric may lie several times."""

from django.conf import settings
from django.db import models
from django.db.models import Count
from django.urls import reverse

from generator.models.lyrics import Lyric
from generator.models.sharing import Shared, SharedQuerySet
from training.models.identifiers import new_id


class CollectionQuerySet(SharedQuerySet):
    def with_counts(self) -> "CollectionQuerySet":
        """Each with ``lyrics_count``, which counts a lyric as often as it lies in there; the newest first."""
        return self.annotate(lyrics_count=Count("entries")).order_by("-created_at", "-id")


class Collection(Shared):
    """A person's folder of lyrics: a record in the making, a drawer of first verses."""

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="collections")
    name = models.CharField(max_length=120)
    description = models.TextField(max_length=2000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = CollectionQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["owner", "-created_at", "-id"], name="collection_owner_newest")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("generator:collection-detail", args=[self.pk])

    def get_shared_url(self) -> str | None:
        """The address where others read it; None while it is private."""
        return reverse("generator:shared-collection", args=[self.share_link]) if self.is_shared else None


class CollectionEntry(models.Model):
    """One place in a collection, and the lyric that lies there. Positions count from 1, without gaps."""

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    collection = models.ForeignKey(Collection, on_delete=models.CASCADE, related_name="entries", db_index=False)
    lyric = models.ForeignKey(Lyric, on_delete=models.CASCADE, related_name="entries")
    position = models.PositiveIntegerField()
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["position", "id"]
        indexes = [models.Index(fields=["collection", "position"], name="entry_in_order")]
        verbose_name_plural = "collection entries"

    def __str__(self) -> str:
        return f"{self.position}. {self.lyric}"
