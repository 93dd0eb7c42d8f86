"""What to write, by one model or by several."""

from dataclasses import dataclass

from django import forms
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Left
from django.http import QueryDict

from generator import recipe as limits
from training.language_model.config import CONDITION_LIMITS
from training.models import Checkpoint, Sample, TrainingRun, Visibility

LINES_SUGGESTED = 12
TEMPERATURE_SUGGESTED = 0.85
CANDIDATES_SUGGESTED = 3
VALUES_SUGGESTED = 500
SAMPLE_CHARACTERS = 600
MODELS_WITHOUT_SEARCH = 8
SEED_SUGGESTED = 41
LINES_SIDE_BY_SIDE = 8
MOST_SIDE_BY_SIDE = 10

NEUTRAL = limits.Recipe(max_tokens=limits.TOKENS_LIMIT).to_dict()  # the values that hold nothing back
# What stands in the open; every other sampling value that the form has is folded away.
IN_THE_OPEN = ("n", "seed", "lines", "temperature", *CONDITION_LIMITS, "title")


class Slider(forms.NumberInput):
    input_type = "range"


class TextsField(forms.CharField):
    """Some texts, one a line; ``\\n`` in one stands for the end of a line."""

    widget = forms.Textarea

    def clean(self, value) -> list[str]:
        lines = super().clean(value).splitlines()
        return [line.replace("\\n", "\n") for line in lines if line]

    def prepare_value(self, value):
        return "\n".join(text.replace("\n", "\\n") for text in value) if isinstance(value, list) else value


@dataclass(frozen=True)
class Offer:
    """A model as the page offers it."""

    model: Checkpoint
    dataset_name: str  # "" where the person may not see the dataset
    sample: str
    is_chosen: bool


class ComposeForm(forms.Form):
    """What to write; the same names as in a recipe.

    A sampling value needs no more than its field here: the page, the script and the recipe take it from the form.
    """

    prompt = forms.CharField(
        label="First lines",
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 4, "class": "input-verse", "dir": "auto", "placeholder": "The last ferry is folding"}
        ),
        help_text="The network goes on where you stop; end with Enter to have it begin a new line.",
    )
    model = forms.ModelChoiceField(queryset=Checkpoint.objects.none(), empty_label=None, widget=forms.RadioSelect)
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
    seed = forms.IntegerField(
        label="Seed",
        min_value=0,
        max_value=limits.SEED_LIMIT,
        required=False,
        widget=forms.NumberInput(attrs={"placeholder": "a new one each time"}),
        help_text="Same seed, same text.",
    )
    n = forms.TypedChoiceField(
        label="Versions",
        coerce=int,
        choices=[(number, number) for number in range(1, limits.CANDIDATES_LIMIT + 1)],
        initial=CANDIDATES_SUGGESTED,
        required=False,
        empty_value=None,
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
        help_text="Choose among the likeliest that make up this share; 1 for all.",
    )
    min_p = forms.FloatField(
        label="Min-p",
        min_value=0,
        max_value=1,
        initial=0,
        required=False,
        help_text="Leave out what is less likely than this share of the likeliest; 0 for nothing.",
    )
    typical_p = forms.FloatField(
        label="Typical-p",
        min_value=0.01,
        max_value=1,
        initial=1,
        required=False,
        help_text="Choose among what surprises about as much as expected, up to this share; 1 for all.",
    )
    repetition_penalty = forms.FloatField(
        label="Repetition penalty",
        min_value=limits.PENALTY_LIMITS[0],
        max_value=limits.PENALTY_LIMITS[1],
        initial=1,
        required=False,
        help_text="Above 1 makes what was already written less likely.",
    )
    no_repeat_ngram = forms.IntegerField(
        label="No phrase twice",
        min_value=0,
        max_value=limits.NGRAM_LIMIT,
        initial=0,
        required=False,
        help_text="Never write this many pieces in a row a second time; 0 lets choruses come back.",
    )
    stop = TextsField(
        label="Stop before",
        required=False,
        widget=forms.Textarea(attrs={"rows": 1, "placeholder": "[Outro]"}),
        help_text=f"Up to {limits.STOPS_LIMIT} texts, one a line: the lyric ends before the first of them.",
    )
    banned = TextsField(
        label="Never write",
        required=False,
        widget=forms.Textarea(attrs={"rows": 1, "placeholder": "baby"}),
        help_text="Words and phrases that must not come up, one a line.",
    )
    min_lines = forms.IntegerField(
        label="Lines at least",
        min_value=0,
        max_value=limits.LINES_LIMIT,
        initial=0,
        required=False,
        help_text="The network may not end its song before; 0 for whenever it likes.",
    )
    max_tokens = forms.IntegerField(
        label="Longest length",
        min_value=1,
        max_value=limits.TOKENS_LIMIT,
        initial=limits.TOKENS_LIMIT,
        required=False,
        help_text="In letters, words or pieces, whichever the model writes, for when lines never end.",
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
        self.user = user
        ready = Checkpoint.objects.visible_to(user).published().able_to_write()
        self.models = list(ready.select_related("dataset", "run").annotate(sample=_last_sample(user)))
        self.fields["model"].queryset = ready
        self.fields["model"].error_messages["invalid_choice"] = "Choose a model from the list."
        for name in CONDITION_LIMITS:
            self.fields[name].widget.attrs["list"] = f"known-{name}"
        for name in self.recipe_names:
            attributes = self.fields[name].widget.attrs
            attributes["data-recipe"] = _kind_of(self.fields[name])
            if name not in IN_THE_OPEN:
                attributes["data-neutral"] = "" if isinstance(NEUTRAL[name], list) else f"{NEUTRAL[name]:g}"

    @property
    def recipe_names(self) -> list[str]:
        """The sampling values that the form asks for."""
        return [name for name in self.fields if name in limits.FIELDS]

    @property
    def chosen_model(self) -> Checkpoint | None:
        """The model that the page shows as chosen."""
        wanted = str(self["model"].value() or "")
        return next((model for model in self.models if model.pk == wanted), self.models[0] if self.models else None)

    @property
    def offers(self) -> list[Offer]:
        """Every model on offer, the newest first."""
        return [self._offer(model) for model in self.models]

    @property
    def chosen_offer(self) -> Offer:
        return self._offer(self.chosen_model)

    def _offer(self, model: Checkpoint) -> Offer:
        dataset = model.dataset
        may_see = dataset and (dataset.owner_id == self.user.pk or dataset.visibility == Visibility.SHARED)
        return Offer(model, dataset.name if may_see else "", model.sample or "", model == self.chosen_model)

    @property
    def has_search(self) -> bool:
        return len(self.models) > MODELS_WITHOUT_SEARCH

    @property
    def folded(self) -> list[forms.BoundField]:
        """The fields that stand under "More control"."""
        return [self[name] for name in self.recipe_names if name not in IN_THE_OPEN]

    @property
    def summary(self) -> str:
        """What the fold holds that is not neutral, in a few words."""
        values = [
            (field.label.lower(), field.value(), field.field.widget.attrs["data-neutral"]) for field in self.folded
        ]
        return ", ".join(
            f"{label} {_said(value)}" for label, value, neutral in values if _said(value) not in ("", neutral)
        )

    @property
    def has_error_in_fold(self) -> bool:
        wishes = [self[name] for name in (*CONDITION_LIMITS, "title")]
        return any(field.errors for field in (*self.folded, *wishes))

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
        values = {name: self.cleaned_data[name] for name in self.recipe_names}
        # The lines end the lyric, so that its length needs no bound of its own.
        return {"max_tokens": limits.TOKENS_LIMIT} | {
            name: value for name, value in values.items() if value is not None
        }


def _said(value) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value if value is not None else "")


def suggested(query: QueryDict) -> dict:
    """Initial values from an address: a link can name a model, and a kept lyric can be written again."""
    named = {name: field for name, field in ComposeForm.base_fields.items() if query.get(name)}
    return {
        name: query.getlist(name) if isinstance(field, TextsField) else query[name] for name, field in named.items()
    }


def _kind_of(field: forms.Field) -> str:
    """How the page's script reads a field: as texts, as a number or as text."""
    if isinstance(field, TextsField):
        return "texts"
    return "number" if isinstance(field, forms.IntegerField | forms.TypedChoiceField) else "text"


def _last_sample(user) -> Subquery:
    """The beginning of what a model's run wrote last, where ``user`` may see that run."""
    runs = TrainingRun.objects.visible_to(user)
    samples = Sample.objects.filter(run=OuterRef("run_id"), run__in=runs).order_by("-step")
    return Subquery(samples.annotate(beginning=Left("text", SAMPLE_CHARACTERS)).values("beginning")[:1])


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
