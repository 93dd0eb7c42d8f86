"""How long lists are cut: numbered pages, and songs by their ordinal."""

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination, PageNumberPagination
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

PAGE_SIZE = 25
LARGEST_PAGE_SIZE = 100
LARGEST_ORDINAL = 2**31 - 1


WHOLE_NUMBER = {"type": "integer", "minimum": 1, "maximum": LARGEST_ORDINAL}
SIZE = {
    "name": "page_size",
    "in": "query",
    "required": False,
    "schema": WHOLE_NUMBER,
    "description": f"How many; more than {LARGEST_PAGE_SIZE} are cut to {LARGEST_PAGE_SIZE}.",
}


class AskedSize:
    """For pages whose size may be asked for: a larger one than the largest is cut, and what is no number refused."""

    def get_page_size(self, request) -> int:
        return min(whole_number(request, self.page_size_query_param, default=self.page_size), self.max_page_size)

    def get_schema_operation_parameters(self, view) -> list[dict]:
        others = super().get_schema_operation_parameters(view)
        return [SIZE if parameter["name"] == SIZE["name"] else parameter for parameter in others]


class NumberedPages(AskedSize, PageNumberPagination):
    """``?page=2&page_size=50`` gives ``{count, next, previous, results}``."""

    page_size = PAGE_SIZE
    max_page_size = LARGEST_PAGE_SIZE
    page_size_query_param = "page_size"


class OrdinalPages(BasePagination):
    """``?from=1001`` gives the songs from ordinal 1001 on: as quick at the end of a million songs as at the start."""

    def paginate_queryset(self, queryset, request, view=None) -> list:
        self.first = whole_number(request, "from", default=1, largest=LARGEST_ORDINAL)
        self.size = min(whole_number(request, "page_size", default=PAGE_SIZE), LARGEST_PAGE_SIZE)
        self.address = request.build_absolute_uri()
        found = list(queryset.filter(ordinal__gte=self.first).order_by("ordinal")[: self.size + 1])
        self.next_ordinal = found[self.size].ordinal if len(found) > self.size else None
        return found[: self.size]

    def get_paginated_response(self, data) -> Response:
        return Response({"next": self.next_link(), "previous": self.previous_link(), "results": data})

    def next_link(self) -> str | None:
        return self.next_ordinal and replace_query_param(self.address, "from", self.next_ordinal)

    def previous_link(self) -> str | None:
        if self.first <= 1:
            return None
        if self.first - self.size <= 1:
            return remove_query_param(self.address, "from")
        return replace_query_param(self.address, "from", self.first - self.size)

    def get_paginated_response_schema(self, schema) -> dict:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view) -> list[dict]:
        first = {"name": "from", "in": "query", "required": False, "schema": WHOLE_NUMBER}
        return [{**first, "description": "First ordinal."}, SIZE]


def whole_number(request, name: str, *, default: int, largest: int = LARGEST_ORDINAL) -> int:
    """Return the query parameter ``name``, a whole number from 1. Raises: ValidationError if it is none."""
    written = request.query_params.get(name, "")
    if not written:
        return default
    if not (written.isascii() and written.isdigit() and len(written) <= 10 and 1 <= int(written) <= largest):
        raise ValidationError({name: [f"This has to be a whole number from 1 to {largest}."]})
    return int(written)
