"""Forms of songs: which of them to list, and what to change of one."""

from urllib.parse import urlencode

from django import forms

from training.models import Song
from training.services.songs import EXCLUSIONS

LARGEST_ORDINAL = 2**31 - 1
FILTERS = ("q", "genre", "artist", "language", "excluded")


class SongSearchForm(forms.Form):
    """Which songs of a dataset to list; a filter that makes no sense is none."""

    q = forms.CharField(label="Search songs", required=False, max_length=100)
    genre = forms.CharField(required=False, max_length=100)
    artist = forms.CharField(required=False, max_length=300)
    language = forms.CharField(required=False, max_length=35)
    excluded = forms.ChoiceField(required=False, choices=[(name, name) for name in EXCLUSIONS])

    def wanted(self) -> dict[str, str]:
        self.is_valid()
        return {name: self.cleaned_data.get(name) or "" for name in FILTERS}

    @property
    def is_search(self) -> bool:
        return any(self.wanted().values())

    def query(self) -> str:
        """The search as the end of an address."""
        return urlencode({name: value for name, value in self.wanted().items() if value})

    def first_ordinal(self) -> int:
        """The ordinal at which the page begins, 1 where the address says nothing sensible."""
        asked = self.data.get("from", "")
        is_number = asked.isascii() and asked.isdigit() and len(asked) <= len(str(LARGEST_ORDINAL))
        return min(max(int(asked), 1), LARGEST_ORDINAL) if is_number else 1


class SongEditForm(forms.Form):
    """What a person may change of a song."""

    title = forms.CharField(max_length=300, required=False)
    artist = forms.CharField(max_length=300, required=False)
    genre = forms.CharField(max_length=100, required=False)
    year = forms.IntegerField(required=False)
    language = forms.CharField(max_length=35, required=False, help_text="A code such as en.")
    text = forms.CharField(
        label="Words",
        widget=forms.Textarea(attrs={"rows": 16, "class": "verse-field", "spellcheck": "false"}),
        help_text="One line a line; an empty line parts stanzas; [Chorus] on a line of its own names what follows.",
    )

    def __init__(self, *args, song: Song, **kwargs) -> None:
        super().__init__(*args, initial={name: getattr(song, name) for name in self.base_fields}, **kwargs)
        self.song = song

    def clean_text(self) -> str:
        return self.cleaned_data["text"].replace("\r\n", "\n").replace("\r", "\n")

    def changes(self) -> dict:
        """What differs from the song as it stands."""
        return {name: value for name, value in self.cleaned_data.items() if value != getattr(self.song, name)}
