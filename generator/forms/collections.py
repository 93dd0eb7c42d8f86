"""What people say of a collection, and where a lyric shall lie."""

from django import forms

from generator.models import Collection
from generator.services.collections import DESCRIPTION_LIMIT, ENTRIES_LIMIT, NAME_LIMIT


class CollectionForm(forms.ModelForm):
    """Name and description of a collection."""

    name = forms.CharField(max_length=NAME_LIMIT)
    description = forms.CharField(
        required=False, max_length=DESCRIPTION_LIMIT, widget=forms.Textarea(attrs={"rows": 2})
    )

    class Meta:
        model = Collection
        fields = ("name", "description")


class CollectForm(forms.Form):
    """Into which collection a lyric is laid: one that is there, or a new one by its name."""

    collection = forms.ChoiceField(label="Collection", required=False)
    name = forms.CharField(
        label="Name of a new one",
        required=False,
        max_length=NAME_LIMIT,
        widget=forms.TextInput({"placeholder": "June’s record"}),
    )

    def __init__(self, *args, user, **options):
        super().__init__(*args, **options)
        self._own = Collection.objects.owned_by(user)
        new = ("", "A new one, named below")
        self.fields["collection"].choices = [new, *self._own.order_by("name").values_list("pk", "name")]

    def clean(self) -> dict:
        cleaned = super().clean()
        if not self.errors and not cleaned["collection"] and not cleaned["name"]:
            self.add_error("name", "Choose a collection, or give a new one a name.")
        return cleaned

    def chosen(self) -> Collection | None:
        """The collection that is there already; None for a new one."""
        return self._own.filter(pk=self.cleaned_data["collection"]).first()


class PlaceForm(forms.Form):
    """Where an entry shall lie, counted from 1."""

    position = forms.IntegerField(min_value=1, max_value=ENTRIES_LIMIT)
