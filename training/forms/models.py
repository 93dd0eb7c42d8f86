"""The forms of models: which to see, what to change of one."""

from django import forms

from training.forms.sharing import NameAndSharingForm, sharing_field
from training.language_model.presets import cell_choices
from training.models import Checkpoint

ORDERS = {"best": "Best first", "newest": "Newest first"}


class ModelFilterForm(forms.Form):
    """Which models to see, and in which order."""

    q = forms.CharField(label="Search models", required=False, max_length=100)
    architecture = forms.ChoiceField(
        label="Cell",
        required=False,
        choices=[("", "Any cell"), *cell_choices()],
    )
    order = forms.ChoiceField(label="Order", required=False, choices=list(ORDERS.items()))


class ModelImportForm(forms.Form):
    """A model file that was downloaded here or elsewhere."""

    file = forms.FileField(
        label="Model file",
        allow_empty_file=True,  # the service says better what is wrong with it
        widget=forms.FileInput({"accept": ".safetensors"}),
        help_text="A .safetensors that this program wrote, as the download gives it.",
    )


class ModelForm(NameAndSharingForm):
    """What its owner may change of a model."""

    visibility = sharing_field("Who may use it")

    class Meta(NameAndSharingForm.Meta):
        model = Checkpoint
