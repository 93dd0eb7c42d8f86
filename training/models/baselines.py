"""Baselines: what counting words comes to on the songs that runs are judged by."""

import math

from django.db import models

from training.models.datasets import Dataset


class Baseline(models.Model):
    """Kneser-Ney of order 5 on one version of a dataset, read in one way; made once, by the first run that reads so."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="baselines")
    dataset_version = models.PositiveIntegerField()
    dataset_hash = models.CharField(max_length=64, blank=True)
    reading = models.CharField(max_length=300, help_text="The settings that decide its words and the songs kept aside.")
    order = models.PositiveSmallIntegerField(default=5)
    nats_per_token = models.FloatField()
    nats_per_character = models.FloatField()
    unknown_share = models.FloatField()
    test_nats_per_token = models.FloatField(null=True, help_text="Null where no songs are kept for the last test.")
    test_nats_per_character = models.FloatField(null=True)
    tokens = models.BigIntegerField(help_text="Of the training songs that were counted.")
    vocabulary_size = models.PositiveIntegerField()
    seconds = models.FloatField(help_text="Of counting and judging.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "dataset_version", "dataset_hash", "reading"], name="baseline_once_per_reading"
            ),
        ]

    def __str__(self) -> str:
        return f"Kneser-Ney of order {self.order} on version {self.dataset_version} of {self.dataset_id}"

    @property
    def perplexity(self) -> float:
        return math.exp(self.nats_per_token)
