"""What ``?search=`` and the filters of lists take: a few words, as each of them is looked for in every row."""

from django import forms
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema_field
from rest_framework.exceptions import ValidationError
from rest_framework.filters import SearchFilter

LONGEST_SEARCH = 200
MOST_WORDS = 20


class BriefSearch(SearchFilter):
    """Words that all have to be there; many or endless ones are refused, as SQLite would fall over them."""

    def get_search_terms(self, request) -> list[str]:
        asked = request.query_params.get(self.search_param, "")
        try:
            words = super().get_search_terms(request) if len(asked) <= LONGEST_SEARCH else None
        except ValidationError as refusal:
            raise ValidationError({"search": refusal.detail}) from None
        if words is None or len(words) > MOST_WORDS:
            raise ValidationError({"search": [f"Search for {MOST_WORDS} words and {LONGEST_SEARCH} letters at most."]})
        return words

    def get_schema_operation_parameters(self, view) -> list[dict]:
        (search,) = super().get_schema_operation_parameters(view)
        return [{**search, "schema": {"type": "string", "maxLength": LONGEST_SEARCH}}]


def short_text(length: int, **where) -> filters.CharFilter:
    """A filter by a text of at most ``length`` letters, as the API's description says too."""
    bounded = extend_schema_field({"type": "string", "maxLength": length})
    return bounded(filters.CharFilter(max_length=length, **where))


class TrueOrFalseField(forms.Field):
    """true or false, as a query says it; nothing where it says nothing."""

    widget = forms.TextInput
    default_error_messages = {"invalid": "This has to be true or false."}
    WORDS = {"true": True, "1": True, "false": False, "0": False, "": None}

    def to_python(self, value: str | None) -> bool | None:
        word = (value or "").strip().lower()
        if word not in self.WORDS:
            raise forms.ValidationError(self.error_messages["invalid"])
        return self.WORDS[word]


class TrueOrFalse(filters.BooleanFilter):
    """A filter by yes or no that refuses any other word, where the library's own takes no notice of it."""

    field_class = TrueOrFalseField

    def __init__(self, **options):
        super().__init__(widget=TrueOrFalseField.widget, **options)
