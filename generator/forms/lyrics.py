"""What people change of a kept lyric."""

from django import forms

from generator.models import Lyric
from generator.services.lyrics import TAG_LENGTH_LIMIT, TAGS_LIMIT, TEXT_LIMIT


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
        widget=forms.Textarea(attrs={"class": "input-verse", "rows": 12, "spellcheck": "false"}),
    )
    tags = TagsField(required=False, help_text="Between commas.")

    class Meta:
        model = Lyric
        fields = ("title", "text", "tags")
