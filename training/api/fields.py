"""Serializer fields that more than one noun uses."""

import json

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


@extend_schema_field(OpenApiTypes.OBJECT)
class ObjectField(serializers.JSONField):
    """A JSON object, in a multipart form as its text; whatever it holds can be stored by every database."""

    default_error_messages = {
        "not_an_object": "This has to be a JSON object.",
        "not_storable": "NUL and half characters (lone surrogates) are not allowed.",
    }

    def to_internal_value(self, data) -> dict:
        value = self._parsed(data) if isinstance(data, str) else data
        if not isinstance(value, dict):
            self.fail("not_an_object")
        if not is_storable(value):
            self.fail("not_storable")
        return super().to_internal_value(value)

    def _parsed(self, text: str):
        try:
            return json.loads(text, parse_constant=lambda name: self.fail("not_an_object"))
        except ValueError:
            self.fail("not_an_object")


def is_storable(value) -> bool:
    """Whether no string inside ``value`` holds a NUL or a lone surrogate, which PostgreSQL and UTF-8 refuse."""
    if isinstance(value, dict):
        return all(is_storable(key) and is_storable(inner) for key, inner in value.items())
    if isinstance(value, list):
        return all(map(is_storable, value))
    return not isinstance(value, str) or not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value)


@extend_schema_field({"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1})
class FilesField(serializers.ListField):
    """One uploaded file or several, each a part of the form under the same name: a file, or a list of them."""

    child = serializers.FileField()

    def __init__(self, **kwargs) -> None:
        super().__init__(allow_empty=False, **kwargs)

    def to_internal_value(self, data):
        files = super().to_internal_value(data)
        return files[0] if len(files) == 1 else files
