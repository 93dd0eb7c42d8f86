"""A thing's name and who else may see it, as its owner changes them."""

from django import forms

from training.models import Visibility


def sharing_field(label: str) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=Visibility.choices, widget=forms.RadioSelect, required=False)


class NameAndSharingForm(forms.ModelForm):
    """Who leaves out the choice of who may see it leaves it as it is."""

    class Meta:
        fields = ["name", "visibility"]

    def clean_visibility(self) -> str:
        return self.cleaned_data["visibility"] or self.instance.visibility
