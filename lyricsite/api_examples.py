"""One example for every body of the API, put together from its schema and the words of one small story."""

import re
from collections.abc import Iterator

from lyricsite.api_words import TEXTS, WORDS

BINARY = "application/octet-stream"
UNKNOWN = "…"  # of a text whose property has no word above; a test finds it
MOMENT = "2026-05-04T18:21:09Z"


def show_examples(result: dict, generator, request, public) -> dict:
    """Return the description with an example beside each body that is sent or answered."""
    schemas = result["components"].get("schemas", {})
    for operation in operations_of(result):
        for media, content in bodies_of(operation):
            if media == BINARY or "example" in content or "examples" in content:
                continue
            text = TEXTS.get((operation["operationId"], media))
            content["example"] = Examples(schemas).of(content["schema"]) if text is None else text
    return result


def operations_of(result: dict) -> Iterator[dict]:
    for methods in result["paths"].values():
        yield from methods.values()


def bodies_of(operation: dict) -> Iterator[tuple[str, dict]]:
    """Each body of an operation, sent or answered: its media type and what is said of it."""
    for place in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from place.get("content", {}).items()


class Examples:
    """Values that the schemas of an OpenAPI document allow."""

    def __init__(self, schemas: dict) -> None:
        self.schemas = schemas

    def of(self, schema: dict, component: str = "", name: str = ""):
        """The example of a schema: of the property ``name`` of ``component``, if it is one."""
        for known in (f"{component}.{name}", name):
            if name and known in WORDS and self._takes(schema, WORDS[known]):
                return WORDS[known]
        if "$ref" in schema:
            inner = schema["$ref"].rpartition("/")[2]
            return self.of(self.schemas[inner], re.sub("^Patched|Request$", "", inner))
        if parts := schema.get("allOf") or schema.get("oneOf") or schema.get("anyOf"):
            return self.of(parts[0], component, "")
        if "enum" in schema:
            return schema.get("default", schema["enum"][0])
        return self._plain(schema, component, name)

    def _takes(self, schema: dict, word) -> bool:
        """Whether a word is of the type that a property has, so that another component's word of its name is left."""
        kind = self._kind(schema)
        if word is None:
            return bool(schema.get("nullable"))
        kinds = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
        if isinstance(word, list) and kind == "array":
            return self._kind(schema["items"]) in ("any", *(kinds[type(one)] for one in word)) or not word
        return kind == "any" or kind == kinds[type(word)] or (kind == "number" and type(word) is int)

    def _kind(self, schema: dict) -> str:
        if "$ref" in schema:
            found = self.schemas[schema["$ref"].rpartition("/")[2]]
            return "component" if found.get("properties") else self._kind(found)
        if parts := schema.get("allOf") or schema.get("oneOf"):
            return self._kind(parts[0])
        return schema.get("type", "any")

    def _plain(self, schema: dict, component: str, name: str):
        match schema.get("type"):
            case "object" if "properties" in schema:
                return {inner: self.of(found, component, inner) for inner, found in schema["properties"].items()}
            case "object":
                values = schema.get("additionalProperties")
                return {"nats_per_character": self.of(values)} if isinstance(values, dict) and values else {}
            case "array":
                return [self.of(schema["items"], component, "")]
            case "boolean":
                return schema.get("default", False)
            case "integer" | "number":
                return schema.get("default", schema.get("minimum", 0 if schema.get("nullable") else 1))
            case "string":
                return schema.get("default", MOMENT if schema.get("format") == "date-time" else UNKNOWN)
        return UNKNOWN
