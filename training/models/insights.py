"""What was found out about a finished run: why it remembers what it does, and how far back."""

from django.db import models

from training.models.runs import TrainingRun


class Insight(models.Model):
    """One measurement of one run, with the sentence that says what it shows.

    While a run learns, its gradient reach is there already, without a sentence: the series that grows with each look.
    """

    class Kind(models.TextChoices):
        MEMORY_RULER = "memory_ruler", "Memory ruler"
        CHORUS_RECALL = "chorus_recall", "Chorus recall"
        GRADIENT_REACH = "gradient_reach", "Gradient reach"

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="insights")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    data = models.JSONField(default=dict, help_text="The numbers of the chart, with those of an untrained network.")
    sentence = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["run", "id"]
        constraints = [models.UniqueConstraint(fields=["run", "kind"], name="insight_once_per_kind")]

    def __str__(self) -> str:
        return self.sentence or f"{self.kind} of {self.run_id}"


class Explanation(models.Model):
    """How far the work on a run's insights is; the row is its queue and its lease. Changed by `training.lifecycle`."""

    run = models.OneToOneField(TrainingRun, primary_key=True, on_delete=models.CASCADE, related_name="explanation")
    tries = models.PositiveSmallIntegerField(default=0)
    held_until = models.DateTimeField(null=True, blank=True, help_text="Until then a worker is at it.")
    ended_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"explanation of {self.run_id}"
