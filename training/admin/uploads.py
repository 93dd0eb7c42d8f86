"""The admin's form for a new dataset: files, and how to read and clean them."""

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from training.errors import ExpectedError
from training.forms.datasets import CLEANING_TITLES, STEPS, WHAT_IS_TAKEN, encoding_label
from training.forms.files import SeveralFilesField
from training.forms.refusals import add_refusal
from training.importers import ENCODINGS, ROLES
from training.importers.cleaning import SWITCHES
from training.importers.presets import PRESETS
from training.models import Dataset
from training.services import datasets as services


class SeveralFilesWidget(UnfoldAdminFileFieldWidget):
    allow_multiple_selected = True


def choice(label: str, choices: list[tuple[str, str]], help_text: str) -> forms.ChoiceField:
    """A choice that may be left to the program."""
    choices = [("", "found by looking"), *choices]
    return forms.ChoiceField(
        label=label, choices=choices, required=False, help_text=help_text, widget=UnfoldAdminSelectWidget
    )


def leave_out(label: str, choices: list[tuple[str, str]]) -> forms.MultipleChoiceField:
    """Boxes of what is usually done: a form in which none is ticked does all of it."""
    return forms.MultipleChoiceField(
        label=label, choices=choices, required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )


def column_field(role: str) -> forms.CharField:
    help_text = (
        "Only where no column is named like lyrics; otherwise it is found by its name." if role == "lyrics" else ""
    )
    return forms.CharField(
        label=f"{role.capitalize()} column", required=False, help_text=help_text, widget=UnfoldAdminTextInputWidget
    )


class DatasetUploadForm(forms.ModelForm):
    """The add form: what is sent is stored and queued by the service as soon as it is found to be sound."""

    file = SeveralFilesField(
        label="Files",
        widget=SeveralFilesWidget,
        help_text=WHAT_IS_TAKEN,
        error_messages={"empty": "This file is empty."},
    )
    encoding = choice(
        "Encoding", [(name, encoding_label(name)) for name in ENCODINGS], "Only where letters come out wrong."
    )
    preset = choice(
        "Looks like", [(preset.name, preset.title) for preset in PRESETS], "A public dataset, whose columns are known."
    )
    language = forms.CharField(
        label="Only songs in",
        required=False,
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text="Codes such as en, or en, de. Empty keeps every language.",
    )
    without_cleaning = leave_out(
        "Do not clean", [(name, f"{CLEANING_TITLES[name]}: {SWITCHES[name]}") for name in SWITCHES]
    )
    without_steps = leave_out("Do not do", list(STEPS.items()))
    owner = None  # set by the admin: who uploads owns

    class Meta:
        model = Dataset
        fields = ("name", "description")
        widgets = {"name": UnfoldAdminTextInputWidget, "description": UnfoldAdminTextareaWidget}

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        for role in ROLES:
            self.fields[f"{role}_column"] = column_field(role)

    @classmethod
    def fieldsets(cls) -> list[tuple]:
        """How the admin arranges the fields."""
        columns = tuple(f"{role}_column" for role in ROLES)
        return [
            (None, {"fields": ("file", "name", "description", "lyrics_column")}),
            ("How to read it", {"fields": ("encoding", "preset", *columns[1:]), "classes": ["collapse"]}),
            (
                "What to do with it",
                {"fields": ("language", "without_cleaning", "without_steps"), "classes": ["collapse"]},
            ),
        ]

    def clean(self) -> dict:
        given = super().clean()
        if not self.errors:
            try:
                self.made = services.create_dataset(
                    owner=self.owner,
                    name=given["name"],
                    description=given["description"],
                    file=given["file"],
                    mapping=self.mapping() or None,
                    options=self.options(),
                )
            except ExpectedError as refusal:
                add_refusal(self, refusal, fields={"mapping": "lyrics_column"})
        return given

    def mapping(self) -> dict[str, str]:
        chosen = {role: self.cleaned_data.get(f"{role}_column") for role in ROLES}
        return {role: column for role, column in chosen.items() if column}

    def options(self) -> dict:
        """What was chosen besides the columns, as the importers know it."""
        given = self.cleaned_data
        options = {name: given[name] for name in ("encoding", "preset") if given[name]}
        options["language"] = given["language"].lower().replace(",", " ").split()
        options["cleaning"] = dict.fromkeys(given["without_cleaning"], False)
        return options | dict.fromkeys(given["without_steps"], False)

    def save(self, commit: bool = True) -> Dataset:
        self.save_m2m = lambda: None
        return self.made
