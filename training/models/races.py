"""Races: the same songs, the same budget, equally heavy networks; only the cell and the seed differ."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from training.models.datasets import Dataset, OwnedQuerySet, Visibility
from training.models.identifiers import new_id


class Race(models.Model):
    """What was agreed before the start. The runs say how it went; they stay when the race is deleted."""

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="races")
    name = models.CharField(max_length=120)
    visibility = models.CharField(max_length=7, choices=Visibility.choices, default=Visibility.PRIVATE)
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="races")
    dataset_version = models.PositiveIntegerField()
    dataset_hash = models.CharField(max_length=64, blank=True)
    architectures = models.JSONField(help_text="The cells, in the order in which they are shown.")
    seeds = models.JSONField(help_text="Each cell runs once with each of them.")
    budget_tokens = models.PositiveBigIntegerField(null=True, blank=True, help_text="Tokens that each run reads.")
    budget_seconds = models.FloatField(null=True, blank=True, help_text="Seconds that each run may take.")
    preset = models.CharField(max_length=20, blank=True)
    config = models.JSONField(help_text="What all runs share; each has a seed, a cell and a hidden size of its own.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["owner", "-created_at"], name="race_owner_newest")]
        constraints = [
            models.CheckConstraint(
                condition=Q(budget_tokens__isnull=False, budget_seconds__isnull=True)
                | Q(budget_tokens__isnull=True, budget_seconds__isnull=False),
                name="race_one_budget",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("training:race-detail", args=[self.pk])

    @property
    def promises_equal_batches(self) -> bool:
        """Whether all runs read the same batches in the same order: a budget of seconds gives each its own number."""
        return self.budget_tokens is not None

    @property
    def budget(self) -> dict[str, float]:
        return {"tokens": self.budget_tokens} if self.promises_equal_batches else {"seconds": self.budget_seconds}
