"""What ``?search=`` and the filters of lists take: a few words, as each of them is looked for in every row."""

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
