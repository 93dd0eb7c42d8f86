"""Every operation of the API does what its description says, to requests that it allows and to ones that it forbids.

Schemathesis draws the requests from the description and checks each answer against it, with all the checks it has. The
same requests are drawn each time.
"""

import json

import jsonschema
import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import ignored_auth
from schemathesis.core.failures import AcceptedNegativeData, FailureGroup
from schemathesis.openapi.checks import RejectedPositiveData

from lyricsite.models import ApiToken
from tests.faults.operations import make_world
from tests.test_schema import as_json_schema, description

pytestmark = pytest.mark.django_db

EXAMPLES = 6  # of each operation and kind: half a minute of one core for all
LABELS = [(method, path) for path, methods in description()["paths"].items() for method in methods]
DRAWN = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

# What the types of a body or a query can't say, so that a request which fits them may be refused by its field's name.
RULED = {
    **dict.fromkeys(("genre", "artist", "title"), "one line"),
    "architectures": "two to six different cells that there are",
    "architecture": "a cell that there is, unless the run starts from a model",
    "budget": "tokens or seconds, and only so many",
    "config": "settings that go together, with songs enough to train on",
    "file": "a file with songs in it",
    "mapping": "columns that the file has",
    "model": "the id of a model",
    "name": "one line of printable characters",
    "options": "ways of reading that go together",
    "preset": "a preset that there is",
    "recipe": "sampling values that go together",
    "run": "different ids of runs",
    "search": "twenty words at most",
    "seeds": "different ones, and twenty runs at most",
    "sources": "ids of datasets, and filters that go together",
    "starts_from": "the id of a model",
    **dict.fromkeys(("version", "older", "newer"), "a version that there is"),
}
PAGES = ("page", "page_size")
TRUTHS = ("true", "t", "yes", "y", "on", "1", "false", "f", "no", "n", "off", "0", "null", "")


@pytest.fixture
def door(user, doorbells, monkeypatch):
    """The application as a server runs it, on the test's database connection, for a person who may do everything."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    for throttle in ("generator.api.doors.GenerateThrottle", "lyricsite.api.ScopedRateThrottle"):
        monkeypatch.setattr(f"{throttle}.allow_request", lambda *_: True)
    _, token = ApiToken.issue(user=user, name="schemathesis")
    yield WSGIHandler(), {"Authorization": f"Bearer {token}"}
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["allowed", "forbidden"])
@pytest.mark.parametrize(("method", "path"), LABELS, ids=[f"{method} {path}" for method, path in LABELS])
def test_every_operation_keeps_its_word(method, path, mode, user, door):
    """F104: no request that the schema allows or forbids breaks its promise."""
    app, headers = door
    world = make_world(user)
    operation = operation_of(path, method)
    ids = {one.name: named(path, one.name, world) for one in operation.path_parameters}
    if mode.is_negative and not operation.body and not operation.query:
        pytest.skip("it takes nothing that could be wrong")

    @DRAWN
    @given(operation.as_strategy(mode, **({"path_parameters": ids} if ids else {})))
    def keeps_its_word(case):
        if mode.is_positive:
            name_what_there_is(case.body, world)
        with transaction.atomic():
            answer = case.call(app=app, headers=headers)
            transaction.set_rollback(True)
        judge(case, answer, headers)

    keeps_its_word()


def operation_of(path: str, method: str):
    schema = schemathesis.openapi.from_dict(description())
    schema.config.generation.update(with_security_parameters=False, allow_x00=False)  # NUL has tests of its own
    return schema[path][method]


def named(path: str, parameter: str, world: dict[str, str]) -> str:
    noun = path.removeprefix("/api/v1/").split("/", 1)[0]
    return world.get(noun if parameter == "id" else parameter, "nothing")


def name_what_there_is(body, world: dict[str, str]) -> None:
    """Put the ids of things that there are where a body names some."""
    if isinstance(body, dict):
        body |= {name: world[f"{name}s"] for name in ("dataset", "model") if name in body}


def judge(case, answer, headers: dict) -> None:
    """Raise what an answer does against its description. Who may ask is another test's: it asks without a name."""
    try:
        case.validate_response(answer, headers=headers, excluded_checks=[ignored_auth])
    except FailureGroup as group:
        left = [failure for failure in group.exceptions if not is_excused(failure, case, answer)]
        if left:
            said = f"{case.method} {case.formatted_path} {case.query} {case.body!r}: {answer.status_code} {answer.text}"
            raise FailureGroup(left, said[:3000]) from None


def is_excused(failure, case, answer) -> bool:
    """Whether a failure is one of the two kinds that OpenAPI has no words for."""
    if isinstance(failure, RejectedPositiveData):
        return answer.status_code == 400 and names_rules(answer.json(), case.body)
    return isinstance(failure, AcceptedNegativeData) and is_taken_at_its_word(case)


def names_rules(refusal: dict, body) -> bool:
    """Whether a refusal names nothing but fields with rules of their own, or what is in them."""
    asked = body if isinstance(body, dict) else {}
    inner = {name for field in RULED if isinstance(asked.get(field), dict) for name in asked[field]}
    return bool(refusal) and refusal.keys() <= RULED.keys() | inner


def is_taken_at_its_word(case) -> bool:
    """Whether all that was sent fits its schema once numbers are read as their digits, and an empty value as none."""
    asked = case.query or {}
    for parameter in case.operation.query:
        value, schema = asked.get(parameter.name, ""), parameter.definition["schema"]
        is_read = schema.get("type") != "boolean"  # a filter that is neither true nor false leaves nothing out
        is_read &= not (asked.get("format") == "csv" and parameter.name in PAGES)  # a table has no pages
        if is_read and value not in ("", None) and not fits(value, schema):
            return False
    if not isinstance(case.body, dict):
        return not case.operation.body or not isinstance(case.body, list | str | int | float | bool | None)
    sent = description()["paths"][case.operation.path][case.method.lower()]["requestBody"]["content"]
    return fits(case.body, sent[case.media_type]["schema"])


def fits(value, schema: dict) -> bool:
    return jsonschema.Draft202012Validator(lenient(as_json_schema(schema))).is_valid(json.loads(json.dumps(value)))


def lenient(schema):
    """The same schema for whoever writes numbers as texts and texts as numbers."""
    if isinstance(schema, list):
        return [lenient(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    loose = {name: lenient(inner) for name, inner in schema.items()}
    match schema.get("type"):
        case "string":
            return loose | {"type": ["string", "number"]}
        case "integer" | "number":
            return {"anyOf": [loose, {"type": "string", "pattern": r"^\s*-?[\d.eE+_-]+\s*$"}, {"type": "boolean"}]}
        case "boolean":
            return {"anyOf": [loose, {"enum": [*TRUTHS, 0, 1]}]}
    return loose
