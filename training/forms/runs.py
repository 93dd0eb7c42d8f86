"""The forms of training runs: what to train, and which runs to see."""

from django import forms

from training.errors import Invalid
from training.forms.refusals import add_refusal
from training.language_model.config import TrainingConfig, describe_options, parse_setting, resolve_config
from training.language_model.errors import ConfigError
from training.language_model.presets import DEFAULT_PRESET, cell_choices
from training.models import Checkpoint, TrainingRun
from training.settings_table import GROUPS, setting_title

UP_FRONT = ("architecture", "tokenizer")


class VisibleModelField(forms.ModelChoiceField):
    """A model by its id; what no column can hold is no model."""

    def to_python(self, value):
        return super().to_python(value.replace("\0", "�") if isinstance(value, str) else value)


class RunForm(forms.Form):
    """What to train on a dataset. Every other setting may stay blank: then the preset's value for these songs holds."""

    architecture = forms.ChoiceField(label="Cell", widget=forms.RadioSelect)
    tokenizer = forms.ChoiceField(label="It reads and writes", widget=forms.RadioSelect)
    preset = forms.ChoiceField(label="How long", widget=forms.RadioSelect)
    name = forms.CharField(
        label="Name", max_length=120, required=False, help_text="Blank: the cell, the dataset and the preset."
    )

    starts_from = VisibleModelField(
        Checkpoint.objects.none(),
        label="Start from",
        required=False,
        empty_label="Nothing: a network that knows no word yet",
        help_text="A model is trained further on these songs: its cell, its size and its vocabulary stay.",
    )

    def __init__(self, *args, models=None, **kwargs) -> None:
        """``models`` are those that may be trained further."""
        super().__init__(*args, **kwargs)
        if models is not None:
            self.fields["starts_from"].queryset = models
        self.options = describe_options()
        for name in ("architecture", "tokenizer", "preset"):
            choices = self.options[f"{name}s"]
            self.fields[name].choices = [(choice["name"], choice["title"]) for choice in choices]
        self.fields["architecture"].initial = "lstm"
        self.fields["tokenizer"].initial = self.options["presets"][0]["tokenizer"]
        self.fields["preset"].initial = DEFAULT_PRESET
        for described in self.options["fields"]:
            if described["name"] not in UP_FRONT:
                self.fields[described["name"]] = setting_field(described)

    @property
    def sentences(self) -> dict[str, dict[str, str]]:
        """What to say beside each choice."""
        return {
            name: {choice["name"]: choice["sentence"] for choice in self.options[name]}
            for name in ("architectures", "tokenizers", "presets")
        }

    @property
    def groups(self) -> list[tuple[str, list]]:
        """Every setting but the first three, in groups with a title."""
        found: dict[str, list] = {title: [] for title in GROUPS.values()}
        for described in self.options["fields"]:
            if described["name"] not in UP_FRONT:
                title = GROUPS.get(described["group"], described["group"].capitalize())
                found.setdefault(title, []).append(self[described["name"]])
        return [(title, fields) for title, fields in found.items() if fields]

    @property
    def has_errors_in_settings(self) -> bool:
        return any(field.errors for _, fields in self.groups for field in fields)

    def as_it_begins(self) -> "RunForm":
        """The form as if it were sent as it is first shown."""
        values = {name: self[name].value() for name in self.fields}
        written = {name: "" if value is None else value for name, value in values.items()}
        return RunForm(written, models=self.fields["starts_from"].queryset)

    def show_values(self, config: TrainingConfig) -> None:
        """Show in each blank setting what it stands for."""
        for name, value in config.to_dict().items():
            attributes = self.fields[name].widget.attrs
            if "data-setting" in attributes:
                attributes["placeholder"] = "" if value is None else str(value)

    def overrides(self) -> dict:
        """The settings that the person filled in, as values; what can't be read stays text and is refused later."""
        return {
            described["name"]: parse_setting(described["name"], text)
            for described in self.options["fields"]
            if (text := self.cleaned_data.get(described["name"])) not in (None, "")
        }

    def choices(self) -> dict:
        """What a run is asked for: architecture, preset, overrides and the model it starts from."""
        chosen = self.cleaned_data
        overrides = {"tokenizer": chosen["tokenizer"], **self.overrides()}
        names = ("architecture", "preset", "starts_from")
        return {"overrides": overrides, **{name: chosen.get(name) for name in names}}

    def clean(self) -> dict:
        cleaned = super().clean()
        if {"architecture", "tokenizer", "preset"} <= cleaned.keys():
            try:
                resolve_config(**{name: value for name, value in self.choices().items() if name != "starts_from"})
            except ConfigError as problem:
                add_refusal(self, Invalid(problem.errors))
        return cleaned


def setting_field(described: dict) -> forms.Field:
    """A form field for one setting as `describe_options` tells it; blank stands for the preset's value."""
    label = setting_title(described["name"])
    help_text = f"{described['help']} {bounds_in_words(described)}".strip()
    if described["type"] == "bool":
        choices = [("", "As the preset says"), ("true", "Yes"), ("false", "No")]
        return forms.ChoiceField(label=label, help_text=help_text, choices=choices, required=False)
    if described["choices"]:
        choices = [("", "As the preset says"), *((choice, choice) for choice in described["choices"] if choice)]
        return forms.ChoiceField(label=label, help_text=help_text, choices=choices, required=False)
    attributes = {"data-setting": described["name"], "autocomplete": "off"}
    if described["type"] in ("int", "float"):
        # A text field, not a number field: browsers hide from us what a person typed into those when it is no number.
        attributes["inputmode"] = "numeric" if described["type"] == "int" else "decimal"
    return forms.CharField(
        label=label, help_text=help_text, required=False, strip=True, widget=forms.TextInput(attributes)
    )


def bounds_in_words(described: dict) -> str:
    lowest, highest = described["minimum"], described["maximum"]
    if lowest is None:
        return f"At most {highest} characters." if highest else ""
    return f"From {lowest:,g} to {highest:,g}." if highest < 1_000_000 else f"From {lowest:,g} to {highest:,}."


class RunFilterForm(forms.Form):
    """Which runs to see; everything may be left out."""

    q = forms.CharField(label="Search runs", required=False, max_length=100)
    state = forms.ChoiceField(label="State", required=False, choices=[("", "Any state"), *TrainingRun.State.choices])
    architecture = forms.ChoiceField(label="Cell", required=False, choices=[("", "Any cell"), *cell_choices()])
    dataset = forms.ChoiceField(label="Dataset", required=False)

    def __init__(self, data, *, datasets) -> None:
        super().__init__(data)
        self.fields["dataset"].choices = [("", "Any dataset"), *datasets]

    def narrow(self, runs):
        """Return those of ``runs`` that are asked for; a choice that does not exist asks for nothing."""
        self.is_valid()
        chosen = self.cleaned_data
        for name in ("state", "architecture", "dataset"):
            if chosen.get(name):
                runs = runs.filter(**{name: chosen[name]})
        return runs.filter(name__icontains=chosen["q"]) if chosen.get("q") else runs
