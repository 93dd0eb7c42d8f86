"""The form of a race: which cells, how often, how long and how large."""

import re

from django import forms

from training.forms.runs import setting_field
from training.forms.sharing import NameAndSharingForm, sharing_field
from training.language_model.config import describe_field, describe_options, parse_setting
from training.language_model.matching import REFERENCE
from training.language_model.presets import DEFAULT_PRESET, PRESETS
from training.models import Dataset, Race
from training.services.estimates import config_for
from training.services.races import MOST_SEEDS

USUAL_CELLS = ("rnn", "lstm", "gru")
USUAL_SEEDS = 3
USUAL_TOKENS = "1,000,000"
UNITS = {"tokens": "tokens each", "minutes": "minutes each"}
SETTINGS = ("hidden_size", "num_layers", "learning_rate", "dropout")


class RaceForm(forms.Form):
    """What races on a dataset; a blank setting has the size's own value."""

    architectures = forms.MultipleChoiceField(label="Cells", widget=forms.CheckboxSelectMultiple)
    seeds = forms.TypedChoiceField(
        label="Runs of each cell",
        coerce=int,
        choices=[(count, str(count)) for count in range(1, MOST_SEEDS + 1)],
        initial=USUAL_SEEDS,
        widget=forms.RadioSelect,
        help_text="Each with a seed of its own: how far they spread says which lead is luck.",
    )
    amount = forms.CharField(
        label="Budget",
        max_length=20,
        initial=USUAL_TOKENS,
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off"}),
    )
    unit = forms.ChoiceField(label="Counted in", choices=UNITS.items(), initial="tokens", widget=forms.RadioSelect)
    tokenizer = forms.ChoiceField(label="They read and write", widget=forms.RadioSelect)
    preset = forms.ChoiceField(label="Size", widget=forms.RadioSelect, initial=DEFAULT_PRESET)
    name = forms.CharField(
        label="Name of the race", max_length=120, required=False, help_text="Blank: the cells and the dataset."
    )

    def __init__(self, *args, dataset: Dataset, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.dataset = dataset
        self.options = describe_options()
        for name in ("architecture", "tokenizer", "preset"):
            field = self.fields["architectures" if name == "architecture" else name]
            field.choices = [(choice["name"], choice["title"]) for choice in self.options[f"{name}s"]]
        self.fields["architectures"].initial = list(USUAL_CELLS)
        self.fields["tokenizer"].initial = PRESETS[DEFAULT_PRESET].tokenizer
        for name in SETTINGS:
            self.fields[name] = setting_field(describe_field(name))
        self.fields["hidden_size"].help_text += " It is the LSTM's; the others get what makes them equally heavy."

    @property
    def sentences(self) -> dict[str, dict[str, str]]:
        """What to say beside each choice."""
        said = {
            name: {choice["name"]: choice["sentence"] for choice in self.options[name]}
            for name in ("architectures", "tokenizers")
        }
        return said | {"sizes": sizes_in_words(self.dataset)}

    @property
    def settings(self) -> list[forms.BoundField]:
        return [self[name] for name in SETTINGS]

    @property
    def has_errors_in_settings(self) -> bool:
        return any(field.errors for field in self.settings)

    def clean_amount(self) -> float:
        # A group of three may be set off by a comma, a space or an apostrophe.
        written = re.sub(r"(?<=\d)[,' \u00a0\u202f](?=\d{3}(\D|$))", "", self.cleaned_data["amount"].strip())
        try:
            return float(written)
        except ValueError:
            raise forms.ValidationError("Write a number, such as 1,000,000.") from None

    def budget(self) -> dict:
        """The budget as the service takes it."""
        amount = self.cleaned_data["amount"]
        if self.cleaned_data["unit"] == "minutes":
            return {"seconds": 60 * amount}
        return {"tokens": int(amount) if amount.is_integer() else amount}

    def overrides(self) -> dict:
        """The settings that the person filled in, as values; what can't be read stays text and is refused later."""
        written = {name: self.cleaned_data[name] for name in SETTINGS if self.cleaned_data.get(name)}
        settings = {name: parse_setting(name, text) for name, text in written.items()}
        return settings | {"tokenizer": self.cleaned_data["tokenizer"]}


def sizes_in_words(dataset: Dataset) -> dict[str, str]:
    """How heavy the networks of each preset would be on these songs."""
    said: dict[str, str] = {}
    earlier = None
    for preset in PRESETS:
        units = [
            config_for(
                dataset=dataset, architecture=REFERENCE, preset=preset, overrides={"tokenizer": tokenizer}
            ).hidden_size
            for tokenizer in ("word", "char")
        ]
        said[preset] = f"As heavy as an LSTM of {units[0]} units; where they read characters, of {units[1]}."
        if units == earlier:
            said[preset] = "No heavier: these songs can fill no larger network."
        earlier = units
    return said


class RaceSharingForm(NameAndSharingForm):
    """What its owner may change of a race."""

    visibility = sharing_field("Who may see it")

    class Meta(NameAndSharingForm.Meta):
        model = Race
