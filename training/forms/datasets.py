"""Forms for uploading songs, saying how a file is read and cleaned, and describing a dataset."""

import re
from collections.abc import Mapping

from django import forms

from training.forms.files import SeveralFilesField
from training.importers import ENCODINGS, ROLES, SEPARATORS, Inspection
from training.importers.cleaning import SWITCHES
from training.models import Dataset
from training.services.datasets import LONGEST_DESCRIPTION, LONGEST_NAME

ROLE_LABELS = {
    "lyrics": "Words",
    "title": "Title",
    "artist": "Artist",
    "genre": "Genre",
    "year": "Year",
    "language": "Language",
}
DELIMITER_CHOICES = [("comma", "a comma ,"), ("tab", "a tab"), ("semicolon", "a semicolon ;"), ("pipe", "a pipe |")]
DELIMITER_NAMES = {",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe"}
SEPARATOR_LABELS = {
    "none": "nothing: the file is one song",
    "rule": "a line of dashes, stars or equals signs",
    "blank": "three empty lines or more",
    "heads": "a head such as -Title- or [Song 1: Title]",
}
FORMAT_LABELS = {
    "csv": "table (CSV)",
    "tsv": "table with tabs",
    "jsonl": "JSON Lines",
    "json": "JSON",
    "txt": "plain text",
    "zip": "ZIP archive",
}


FORMAT_PHRASES = {
    "csv": "a table (CSV)",
    "tsv": "a table with tabs",
    "jsonl": "JSON Lines",
    "json": "JSON",
    "txt": "plain text",
    "zip": "a ZIP archive",
}
WHAT_IS_TAKEN = (
    "A table from a spreadsheet (CSV, TSV), plain texts, JSON or JSON Lines, LyricsGenius files, or a ZIP of any of "
    "these with a folder for each artist. Each may be gzipped; several at once make one dataset."
)
READING_FIELDS = ("format", "encoding", "delimiter", "separator", "title_line")
CLEANING_TITLES = {
    "mojibake": "Broken letters",
    "markup": "HTML",
    "site_text": "A site's own words",
    "spacing": "Blanks",
    "stubs": "Songs without words",
}
# The steps of an import that a person may leave out.
STEPS = {
    "detect_language": "Find out the language of each song",
    "duplicates": "Keep copies aside: the same words, also if written differently",
    "near_duplicates": "Keep nearly the same songs aside too",
    "full_text": "Make the words searchable",
}


def encoding_label(name: str) -> str:
    """An encoding as people write it: UTF-8, Windows-1252, Mac Roman."""
    if name.startswith(("windows", "mac", "shift", "big")):
        return name.capitalize().replace("Mac-r", "Mac R").replace("Shift_j", "Shift J").replace("Jis", "JIS")
    return name.upper()


class ReadingForm(forms.Form):
    """How a file is to be read. Every field may stay empty: then it is found by looking at the file.

    Given an inspection, the form offers the columns that are there and shows what was found.
    """

    format = forms.ChoiceField(label="Kind of file", required=False)
    encoding = forms.ChoiceField(label="Letters", required=False)
    delimiter = forms.ChoiceField(label="Between columns", required=False, choices=[("", "look"), *DELIMITER_CHOICES])
    separator = forms.ChoiceField(label="Between songs", required=False)
    title_line = forms.BooleanField(label="Each song begins with its title", required=False)
    language = forms.CharField(
        label="Only songs in",
        required=False,
        max_length=100,
        help_text="Codes such as en, or en, de. Empty keeps every language.",
    )
    # The encoding that was found, not chosen: sent back unchanged it stays open, so that an import still checks all of
    # the file, of which a preview may have seen only a part.
    found_encoding = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    # A box that is not ticked sends nothing: this says that the boxes were there to be ticked.
    had_switches = forms.BooleanField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args, inspection: Inspection | None = None, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.inspection = inspection
        self.fields["format"].choices = [("", "look"), *FORMAT_LABELS.items()]
        self.fields["encoding"].choices = [("", "look"), *((name, encoding_label(name)) for name in ENCODINGS)]
        self.fields["separator"].choices = [("", "look"), *((name, SEPARATOR_LABELS[name]) for name in SEPARATORS)]
        for role in ROLES:
            self.fields[f"column_{role}"] = forms.CharField(label=ROLE_LABELS[role], required=False, max_length=200)
        for switch in SWITCHES:
            title = CLEANING_TITLES.get(switch, switch.replace("_", " ").capitalize())
            self.fields[f"clean_{switch}"] = forms.BooleanField(label=title, required=False)
        for step, label in STEPS.items():
            self.fields[step] = forms.BooleanField(label=label, required=False)
        if inspection:
            self._show(inspection)

    @classmethod
    def showing(cls, inspection: Inspection, *, chosen: Mapping | None = None) -> "ReadingForm":
        """An unbound form that offers what the inspection found; ``chosen`` are the options that a person gave."""
        options = inspection.options
        found = {
            "format": inspection.format,
            "encoding": inspection.encoding.name,
            "found_encoding": "" if (chosen or {}).get("encoding") else inspection.encoding.name,
            "delimiter": DELIMITER_NAMES.get(options.delimiter, ""),
            "separator": options.separator,
            "title_line": options.title_line,
            "language": ", ".join(options.language),
            "had_switches": True,
            **{f"clean_{switch}": options.cleaning.get(switch, True) for switch in SWITCHES},
            **{step: getattr(options, step) for step in STEPS},
            **{f"column_{role}": column for role, column in inspection.mapping.items()},
        }
        return cls(inspection=inspection, initial=found)

    def _show(self, inspection: Inspection) -> None:
        """Offer the columns that are there, and only the questions that this kind of file raises."""
        asked = {"format", "encoding"} if inspection.format != "zip" else {"format"}
        asked |= {"delimiter"} if inspection.format in ("csv", "tsv") else set()
        asked |= {"separator", "title_line"} if inspection.format in ("txt", "zip") else set()
        for name in READING_FIELDS:
            if name not in asked:
                del self.fields[name]
            elif hasattr(self.fields[name], "choices"):  # looking is done, unless each file is looked at for itself
                found = [(value, label) for value, label in self.fields[name].choices if value]
                each = [("", "as each file shows")] if name == "separator" and inspection.format == "zip" else []
                self.fields[name].choices = each + found
        columns = [(column, column) for column in inspection.columns]
        for role in ROLES:
            if not columns:
                del self.fields[f"column_{role}"]
                continue
            nothing = [] if role in inspection.mapping else [("", "choose" if role == "lyrics" else "not in this file")]
            self.fields[f"column_{role}"].widget = forms.Select(choices=nothing + columns)

    def column_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("column_")]

    def reading_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in READING_FIELDS if name in self.fields]

    def step_fields(self) -> list[forms.BoundField]:
        return [self[step] for step in STEPS]

    def clean_language(self) -> list[str]:
        return [code for code in re.split(r"[,;\s]+", self.cleaned_data["language"].lower()) if code]

    def mapping(self) -> dict[str, str]:
        """The column of each role that was chosen; the column of the words is nobody else's."""
        chosen = {role: self.cleaned_data.get(f"column_{role}", "") for role in ROLES}
        return {
            role: column
            for role, column in chosen.items()
            if column and (role == "lyrics" or column != chosen["lyrics"])
        }

    def options(self) -> dict:
        """What was chosen besides the columns, as the importers know it."""
        given = self.cleaned_data
        options = {name: value for name in READING_FIELDS if (value := given.get(name))}
        if given.get("found_encoding") and given["found_encoding"] == options.get("encoding"):
            del options["encoding"]
        if given.get("had_switches"):
            options["title_line"] = given["title_line"]
            options["language"] = given["language"]
            options["cleaning"] = {switch: given[f"clean_{switch}"] for switch in SWITCHES}
            options.update({step: given[step] for step in STEPS})
        return options


class DatasetUploadForm(ReadingForm):
    """A new dataset: one file or several, a name, and how to read them."""

    file = SeveralFilesField(
        label="Song files",
        help_text=WHAT_IS_TAKEN,
        error_messages={"empty": "This file is empty."},
    )
    name = forms.CharField(label="Name", max_length=LONGEST_NAME)
    description = forms.CharField(
        label="Where the songs come from",
        required=False,
        max_length=LONGEST_DESCRIPTION,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class PreviewForm(ReadingForm):
    file = SeveralFilesField(error_messages={"empty": "This file is empty."})


class DatasetEditForm(forms.ModelForm):
    """What its owner may change of a dataset."""

    class Meta:
        model = Dataset
        fields = ("name", "description", "visibility")
        labels = {"description": "Where the songs come from", "visibility": "Who may read it and train on it"}
        widgets = {"description": forms.Textarea(attrs={"rows": 3}), "visibility": forms.RadioSelect}
