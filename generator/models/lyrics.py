"""What was written: the lyrics people keep, and the history of all others, each with its certificate."""

from collections import Counter

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from generator.models.sharing import Shared, SharedQuerySet
from training.models import Checkpoint
from training.models.identifiers import new_id


class HoldsText(models.Func):
    """Whether a column with a list of texts, as JSON, holds one."""

    template = "EXISTS (SELECT 1 FROM %(function)s(%(expressions)s))"
    arg_joiner = ") AS listed WHERE listed.value = ("
    function = "json_each"
    output_field = models.BooleanField()

    def as_postgresql(self, compiler, connection, **options):
        return self.as_sql(compiler, connection, function="jsonb_array_elements_text", **options)


class LyricQuerySet(SharedQuerySet):
    def kept(self) -> "LyricQuerySet":
        return self.filter(kept_at__isnull=False)

    def only_history(self) -> "LyricQuerySet":
        """What was written and nobody kept; the oldest of it goes when there is more."""
        return self.filter(kept_at=None)

    def bookmarked(self) -> "LyricQuerySet":
        return self.filter(bookmarked=True)

    def tagged(self, tag: str) -> "LyricQuerySet":
        return self.filter(HoldsText("tags", models.Value(tag)))

    def tags(self) -> list[tuple[str, int]]:
        """Every tag with how many of these lyrics have it, the most frequent first."""
        tags = Counter(tag for tags in self.order_by().values_list("tags", flat=True) for tag in tags)
        return sorted(tags.items(), key=lambda tag: (-tag[1], tag[0]))


class Lyric(Shared):
    """A lyric: the text as it stands now, and the certificate of how it was made.

    One that nobody has kept yet is history. Whoever bookmarks, changes, shares or collects one keeps it.
    """

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
    made_with = models.JSONField(
        default=dict, blank=True, help_text="The processor and programs that wrote it, and why it ended."
    )
    bookmarked = models.BooleanField(default=False)
    tags = models.JSONField(default=list, blank=True)
    kept_at = models.DateTimeField(null=True, blank=True, default=timezone.now, help_text="Null: history, so far.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = LyricQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["owner", "-created_at", "-id"], name="lyric_owner_newest"),
            models.Index(fields=["owner", "bookmarked", "-created_at"], name="lyric_bookmarked"),
            models.Index(fields=["owner", "-created_at", "-id"], condition=Q(kept_at=None), name="lyric_history"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kept_at__isnull=False) | Q(bookmarked=False, share_link=None),
                name="lyric_dear_is_kept",
                violation_error_message="What is bookmarked or shared is kept.",
            )
        ]

    def __str__(self) -> str:
        return self.title or self.first_line

    def get_absolute_url(self) -> str:
        return reverse("generator:lyric-detail", args=[self.pk])

    def get_shared_url(self) -> str | None:
        """The address where others read it; None while it is private."""
        return reverse("generator:shared-lyric", args=[self.share_link]) if self.is_shared else None

    @property
    def is_kept(self) -> bool:
        return self.kept_at is not None

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

    @property
    def can_be_reproduced(self) -> bool:
        """Whether a network wrote it, by a recipe that is known."""
        return bool(self.model_sha256 and self.recipe and self.generated_text)
