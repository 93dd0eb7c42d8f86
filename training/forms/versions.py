"""Which two versions of a dataset to compare."""

from django import forms

from training.models import Dataset


class CompareForm(forms.Form):
    older = forms.TypedChoiceField(label="Compare version", coerce=int)
    newer = forms.TypedChoiceField(label="with version", coerce=int)

    def __init__(self, *args, dataset: Dataset, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.known = list(dataset.versions.order_by("-number").values_list("number", flat=True))
        for field in self.fields.values():
            field.choices = [(number, number) for number in self.known]
        if len(self.known) > 1:
            self.initial = {"older": self.known[1], "newer": self.known[0]}

    @property
    def can_compare(self) -> bool:
        return len(self.known) > 1

    @property
    def oldest(self) -> int:
        return self.known[-1] if self.known else 0

    def numbers(self) -> tuple[int, int]:
        """Both numbers, the older first."""
        older, newer = sorted((self.cleaned_data["older"], self.cleaned_data["newer"]))
        return older, newer
