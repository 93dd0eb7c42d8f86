"""Making a dataset of others: which of them, how much of each, and only the songs that fit."""

from django import forms

from training.models import Dataset
from training.services.combining import LARGEST_WEIGHT, MOST_SOURCES, Source
from training.services.datasets import LONGEST_DESCRIPTION, LONGEST_NAME

FILTERS = ("artist", "genre", "language", "year_from", "year_to", "minimum_lines")


class CombineForm(forms.Form):
    """A new dataset from ``datasets``: each can be ticked and given a weight, and the filters hold for all of them."""

    name = forms.CharField(label="Name", max_length=LONGEST_NAME)
    description = forms.CharField(
        label="What it is for",
        required=False,
        max_length=LONGEST_DESCRIPTION,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    artist = forms.CharField(label="Artist", required=False, max_length=300)
    genre = forms.CharField(label="Genre", required=False, max_length=100)
    language = forms.CharField(label="Language", required=False, max_length=35, help_text="A code such as en.")
    year_from = forms.IntegerField(label="From year", required=False, min_value=0, max_value=3000)
    year_to = forms.IntegerField(label="To year", required=False, min_value=0, max_value=3000)
    minimum_lines = forms.IntegerField(label="At least so many lines", required=False, min_value=0, max_value=100_000)

    def __init__(self, *args, datasets: list[Dataset], **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.datasets = {dataset.pk: dataset for dataset in datasets}
        for pk in self.datasets:
            self.fields[f"take_{pk}"] = forms.BooleanField(required=False)
            self.fields[f"weight_{pk}"] = forms.FloatField(
                required=False,
                min_value=0.01,
                max_value=LARGEST_WEIGHT,
                initial=1,
                widget=forms.NumberInput({"step": "any"}),
            )

    @property
    def rows(self) -> list[dict]:
        """Each dataset with its box and its weight."""
        return [
            {"dataset": dataset, "take": self[f"take_{pk}"], "weight": self[f"weight_{pk}"]}
            for pk, dataset in self.datasets.items()
        ]

    @property
    def filter_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in FILTERS]

    def clean(self) -> dict:
        given = super().clean()
        chosen = [pk for pk in self.datasets if given.get(f"take_{pk}")]
        if not chosen:
            self.add_error(None, "Choose at least one dataset.")
        if len(chosen) > MOST_SOURCES:
            self.add_error(None, f"Choose at most {MOST_SOURCES} datasets.")
        first, last = given.get("year_from"), given.get("year_to")
        if first is not None and last is not None and first > last:
            self.add_error("year_to", "This is before the first year.")
        return given

    def sources(self) -> list[Source]:
        given = self.cleaned_data
        only = {
            "artist": given["artist"],
            "genre": given["genre"],
            "language": given["language"].lower(),
            "year_from": given["year_from"],
            "year_to": given["year_to"],
            "minimum_lines": given["minimum_lines"] or 0,
        }
        return [
            Source(dataset=dataset, weight=given.get(f"weight_{pk}") or 1.0, **only)
            for pk, dataset in self.datasets.items()
            if given.get(f"take_{pk}")
        ]
