"""What to write, by one model or by several."""

from django import forms

from generator import recipe as limits
from training.language_model.config import CONDITION_LIMITS
from training.language_model.presets import cell_name
from training.models import Checkpoint

LINES_SUGGESTED = 12
TEMPERATURE_SUGGESTED = 0.85
VALUES_SUGGESTED = 500
SEED_SUGGESTED = 41
LINES_SIDE_BY_SIDE = 8
MOST_SIDE_BY_SIDE = 10


class Slider(forms.NumberInput):
    input_type = "range"


class ModelChoiceField(forms.ModelChoiceField):
    """Models by the dataset that they learnt from, each with its cell and how well it knows its songs."""

    def label_from_instance(self, model: Checkpoint) -> str:
        loss = model.metrics.get("nats_per_character")
        known = f", {loss:.2f}" if isinstance(loss, int | float) else ""
        return f"{model.name} ({cell_name(model.architecture)}{known})"


def grouped_by_dataset(field: forms.ModelChoiceField, models) -> list:
    groups: dict[str, list] = {}
    for model in models:
        name = model.dataset.name if model.dataset else "Other songs"
        groups.setdefault(name, []).append((model.pk, field.label_from_instance(model)))
    return list(groups.items())


class ComposeForm(forms.Form):
    """What to write; the same names as in a recipe."""

    prompt = forms.CharField(
        label="First line",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 1, "class": "input-verse", "placeholder": "The last ferry is folding"}),
        help_text="The network goes on where you stop; end with Enter to have it begin a new line.",
    )
    model = ModelChoiceField(queryset=Checkpoint.objects.none(), label="Model", empty_label=None)
    lines = forms.IntegerField(
        label="Lines",
        min_value=2,
        max_value=40,
        initial=LINES_SUGGESTED,
        widget=Slider,
    )
    temperature = forms.FloatField(
        label="Daring",
        min_value=0,
        max_value=1.5,
        initial=TEMPERATURE_SUGGESTED,
        widget=Slider(attrs={"step": "0.05"}),
    )
    top_k = forms.IntegerField(
        label="Top-k",
        min_value=0,
        max_value=limits.TOP_K_CAP,
        initial=40,
        required=False,
        help_text=f"Choose among this many likely pieces; 0 for all {limits.TOP_K_CAP}.",
    )
    top_p = forms.FloatField(
        label="Top-p",
        min_value=0.01,
        max_value=1,
        initial=0.95,
        required=False,
        widget=forms.NumberInput(attrs={"step": "0.01"}),
        help_text="Choose among the likeliest that make up this share; 1 for all.",
    )
    seed = forms.IntegerField(
        label="Seed",
        min_value=0,
        max_value=limits.SEED_LIMIT,
        required=False,
        help_text="Same seed, same text. Empty: a new one each time.",
    )
    genre = forms.CharField(
        label="Genre",
        required=False,
        max_length=limits.WISH_LENGTH_LIMIT,
        help_text="For a model that learnt from songs marked with it; empty: any.",
    )
    artist = forms.CharField(
        label="In the manner of",
        required=False,
        max_length=limits.WISH_LENGTH_LIMIT,
        help_text="An artist that such a model learnt from; empty: any.",
    )
    title = forms.CharField(
        label="Title",
        required=False,
        max_length=limits.WISH_LENGTH_LIMIT,
        help_text="For a model that learnt from songs with their titles; empty: none.",
    )

    def __init__(self, *args, user, **options):
        super().__init__(*args, **options)
        self.models = list(Checkpoint.objects.visible_to(user).published().ready().select_related("dataset", "run"))
        field = self.fields["model"]
        field.queryset = Checkpoint.objects.visible_to(user).published().ready()
        field.choices = grouped_by_dataset(field, self.models)
        for name in CONDITION_LIMITS:
            self.fields[name].widget.attrs["list"] = f"known-{name}"
        field.error_messages["invalid_choice"] = "Choose a model from the list."

    @property
    def chosen_model(self) -> Checkpoint | None:
        """The model that the page shows as chosen."""
        wanted = str(self["model"].value() or "")
        return next((model for model in self.models if model.pk == wanted), self.models[0] if self.models else None)

    @property
    def wishes(self) -> list[tuple[forms.BoundField, list[str]]]:
        """The fields for what a song shall be, as far as a model on offer learnt from songs marked so.

        Each with the values that these models are known to tell apart.
        """
        marked = "+".join(str(model.config.get("condition_on", "")) for model in self.models).split("+")
        learnt = [model.run.facts.get("conditions", {}) for model in self.models if model.run]
        return [
            (self[name], sorted({value for values in learnt for value in values.get(name, [])})[:VALUES_SUGGESTED])
            for name in CONDITION_LIMITS
            if name in marked
        ]

    @property
    def takes_title(self) -> bool:
        """Whether a model on offer learnt from songs with their titles."""
        return any(model.config.get("with_title") is True for model in self.models)

    def recipe_values(self) -> dict:
        """The values of a valid form as `Recipe.from_dict` takes them; an empty field is its default."""
        cleaned = self.cleaned_data
        names = ("lines", "temperature", "top_k", "top_p", "seed", "genre", "artist", "title")
        values = {name: cleaned[name] for name in names if cleaned[name] is not None}
        return values | {"max_tokens": limits.TOKENS_LIMIT}  # the lines end the lyric


class SideBySideForm(forms.Form):
    """The same line and the same chance for several models."""

    model = forms.ModelMultipleChoiceField(queryset=Checkpoint.objects.none(), widget=forms.MultipleHiddenInput)
    prompt = forms.CharField(
        label="First line",
        required=False,
        strip=False,
        max_length=limits.PROMPT_LIMIT_BYTES,
        widget=forms.TextInput({"class": "input-verse"}),
    )
    seed = forms.IntegerField(label="Seed", min_value=0, max_value=limits.SEED_LIMIT, initial=SEED_SUGGESTED)
    temperature = forms.FloatField(
        label="Daring",
        min_value=0,
        max_value=1.5,
        initial=TEMPERATURE_SUGGESTED,
        widget=forms.NumberInput({"step": "0.05"}),
    )

    def __init__(self, *args, user, **options):
        super().__init__(*args, **options)
        field = self.fields["model"]
        field.queryset = Checkpoint.objects.visible_to(user).published().select_related("run")
        field.error_messages |= {"invalid_choice": "There is no such model.", "required": "Choose a model."}

    def clean_model(self) -> list[Checkpoint]:
        """The models in the order in which they were named."""
        asked = self.data.getlist("model")
        if len(set(asked)) > MOST_SIDE_BY_SIDE:
            raise forms.ValidationError(f"Choose at most {MOST_SIDE_BY_SIDE} models.")
        return sorted(self.cleaned_data["model"], key=lambda model: asked.index(model.pk))

    def recipe_values(self) -> dict:
        cleaned = self.cleaned_data
        return {
            "seed": cleaned["seed"],
            "temperature": cleaned["temperature"],
            "lines": LINES_SIDE_BY_SIDE,
            "max_tokens": limits.TOKENS_LIMIT,
        }
