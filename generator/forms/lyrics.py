"""Which lyrics to see, and what people change of one."""

from django import forms

from generator.models import Lyric
from generator.services.lyrics import TAG_LENGTH_LIMIT, TAGS_LIMIT, TEXT_LIMIT

SEARCH_LIMIT = 200
ORDERS = {"newest": "Newest first", "title": "By title"}


class WordsField(forms.CharField):
    """Whatever somebody types to find something; of an endless text the beginning."""

    def to_python(self, value) -> str:
        return super().to_python(value).replace("\x00", " ")[:SEARCH_LIMIT]


class LyricSearchForm(forms.Form):
    """Which lyrics to see, and in which order; what makes no sense asks for nothing."""

    search = WordsField(label="Search lyrics", required=False)
    model = forms.ChoiceField(label="Model", required=False)
    order = forms.ChoiceField(label="Order", required=False, choices=list(ORDERS.items()))
    tag = forms.CharField(required=False, max_length=TAG_LENGTH_LIMIT)
    bookmarked = forms.ChoiceField(required=False, choices=[("true", "true")])
    history = forms.ChoiceField(required=False, choices=[("true", "true")])
    after = forms.SlugField(required=False)
    export = forms.ChoiceField(required=False, choices=[("true", "true")])  # whether lyrics are ticked for a file

    def __init__(self, *args, models: list[str], **options):
        super().__init__(*args, **options)
        self.fields["model"].choices = [("", "Any model"), *((name, name) for name in models)]

    def wanted(self) -> dict[str, str]:
        self.is_valid()
        return {name: self.cleaned_data.get(name) or "" for name in self.fields}


class TagsField(forms.CharField):
    """Words between commas."""

    def clean(self, value) -> list[str]:
        tags = list(dict.fromkeys(" ".join(tag.split()) for tag in super().clean(value).split(",") if tag.strip()))
        if len(tags) > TAGS_LIMIT or any(len(tag) > TAG_LENGTH_LIMIT for tag in tags):
            raise forms.ValidationError(f"At most {TAGS_LIMIT} tags of {TAG_LENGTH_LIMIT} characters.")
        return tags

    def prepare_value(self, value):
        return ", ".join(value) if isinstance(value, list) else value


class LyricForm(forms.ModelForm):
    """Title, text and tags of a kept lyric."""

    text = forms.CharField(
        max_length=TEXT_LIMIT,
        strip=False,
        widget=forms.Textarea(attrs={"class": "input-verse", "rows": 12, "dir": "auto", "spellcheck": "false"}),
    )
    tags = TagsField(required=False, help_text="Between commas.")

    class Meta:
        model = Lyric
        fields = ("title", "text", "tags")
