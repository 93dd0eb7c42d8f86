"""The API's description of itself: whole, true to its own schemas, and made without asking the database."""

import functools
import json
from collections import Counter

import jsonschema
import pytest
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator

from lyricsite.api_examples import BINARY, UNKNOWN, bodies_of
from training.api.schema import LONGEST_SUMMARY, REFUSALS

UNSAFE = ("post", "put", "patch", "delete")


@functools.cache
def description() -> dict:
    """The document that ``/api/schema/`` serves. None of these tests may touch the database, nor does making it."""
    return json.loads(json.dumps(SchemaGenerator().get_schema(request=None, public=True), default=str))


def operations() -> dict[str, dict]:
    found = {}
    for path, methods in description()["paths"].items():
        found |= {f"{method} {path}": operation for method, operation in methods.items()}
    return found


def resolved(schema: dict) -> dict:
    """An answer or a schema, followed to where it is written once."""
    if "$ref" not in schema:
        return schema
    _, _, kind, name = schema["$ref"].split("/")
    return description()["components"][kind][name]


def as_json_schema(schema):
    """A schema of OpenAPI 3.0 in the words of JSON Schema, with the components it refers to in place."""
    if isinstance(schema, list):
        return [as_json_schema(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return as_json_schema(resolved(schema))
    plain = {name: as_json_schema(inner) for name, inner in schema.items() if name not in ("nullable", "example")}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") is True else plain


def test_the_description_is_made_and_validates_without_a_warning(tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))


@pytest.mark.parametrize("name", operations())
def test_every_operation_has_a_summary_of_one_line(name):
    summary = operations()[name].get("summary", "")
    assert 0 < len(summary) <= LONGEST_SUMMARY, "Give the view's method a docstring: its first sentence is the summary."
    assert not summary.endswith(".")


def test_no_two_operations_have_the_same_summary():
    told = Counter(operation["summary"] for operation in operations().values())
    assert [summary for summary, times in told.items() if times > 1] == []


@pytest.mark.parametrize("name", operations())
def test_every_body_has_an_example_that_its_schema_allows(name):
    for media, content in bodies_of(operations()[name]):
        if media == BINARY:
            continue
        assert content.get("example") not in (None, UNKNOWN), (
            f"Add a text for {name}, {media} to lyricsite/api_words.py."
        )
        jsonschema.validate(content["example"], as_json_schema(content["schema"]))


@pytest.mark.parametrize("name", operations())
def test_no_example_has_a_text_without_words(name):
    for _, content in bodies_of(operations()[name]):
        for place in places_without_words(content.get("example")):
            pytest.fail(f"{name}: {place} has no example. Add a line for it to WORDS in lyricsite/api_words.py.")


def places_without_words(example, place: str = "") -> list[str]:
    if isinstance(example, dict):
        return [found for name, inner in example.items() for found in places_without_words(inner, f"{place}.{name}")]
    if isinstance(example, list):
        return [found for inner in example for found in places_without_words(inner, f"{place}[]")]
    return [place] if example == UNKNOWN else []


@pytest.mark.parametrize("name", operations())
def test_every_operation_tells_how_it_refuses(name):
    operation, told = operations()[name], operations()[name]["responses"]
    method, path = name.split()
    assert {"400", "401", "503"} <= told.keys()
    if "requestBody" in operation:
        assert {"413", "415"} <= told.keys()
    if method in UNSAFE and operation.get("security") != [{}] and "tokens" not in path:
        assert {"403", "409", "429"} <= told.keys()
    if "{" in path:
        assert "404" in told


@pytest.mark.parametrize("name", operations())
def test_every_refusal_has_the_shape_that_all_have_in_common(name):
    for status, answer in operations()[name]["responses"].items():
        if status.startswith("2"):
            continue
        _, common = REFUSALS.get(status, REFUSALS["404"])
        shape = resolved(answer)["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        usual = common["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert shape == ("OpenAiError" if " /v1/" in name else usual)
        assert resolved(answer).get("headers") == common.get("headers")


@pytest.mark.parametrize("status", REFUSALS)
def test_every_refusal_is_written_once(status):
    component, common = REFUSALS[status]
    assert description()["components"]["responses"][component] == common
    content = common["content"]["application/json"]
    jsonschema.validate(content["example"], as_json_schema(content["schema"]))


@pytest.mark.parametrize("status", ["429", "503"])
def test_who_has_to_wait_is_told_how_long(status):
    assert REFUSALS[status][1]["headers"]["Retry-After"]["required"]
