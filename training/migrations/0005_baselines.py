"""The n-gram model that runs on one version of a dataset are measured against."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("training", "0004_races"),
    ]

    operations = [
        migrations.CreateModel(
            name="Baseline",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("dataset_version", models.PositiveIntegerField()),
                ("dataset_hash", models.CharField(blank=True, max_length=64)),
                (
                    "reading",
                    models.CharField(
                        help_text="The settings that decide its words and the songs kept aside.", max_length=300
                    ),
                ),
                ("order", models.PositiveSmallIntegerField(default=5)),
                ("nats_per_token", models.FloatField()),
                ("nats_per_character", models.FloatField()),
                ("unknown_share", models.FloatField()),
                (
                    "test_nats_per_token",
                    models.FloatField(help_text="Null where no songs are kept for the last test.", null=True),
                ),
                ("test_nats_per_character", models.FloatField(null=True)),
                ("tokens", models.BigIntegerField(help_text="Of the training songs that were counted.")),
                ("vocabulary_size", models.PositiveIntegerField()),
                ("seconds", models.FloatField(help_text="Of counting and judging.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="baselines", to="training.dataset"
                    ),
                ),
            ],
            options={
                "ordering": ["-created_at"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("dataset", "dataset_version", "dataset_hash", "reading"),
                        name="baseline_once_per_reading",
                    )
                ],
            },
        ),
    ]
