"""Refusals and unreadable requests become the contract's answers; our own mistakes stay loud."""

import pytest
from django.core.exceptions import RequestDataTooBig
from django.db import DataError
from rest_framework.exceptions import ValidationError
from rest_framework.test import APIRequestFactory

from tests.training.runs import make_run
from training.api.errors import answer_with_error
from training.errors import Conflict, Invalid, LimitReached, TooLarge

CONTEXT = {"request": APIRequestFactory().get("/"), "view": None}


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        (Invalid({"name": ["Too long."]}), 400, {"name": ["Too long."]}),
        (Conflict("Not now.", state="running"), 409, {"detail": "Not now.", "code": "conflict", "state": "running"}),
        (TooLarge("Too much."), 413, {"detail": "Too much.", "code": "too_large"}),
        (LimitReached("Enough."), 429, {"detail": "Enough.", "code": "limit_reached"}),
        (RequestDataTooBig("secret"), 413, {"detail": "The request is too large."}),
    ],
)
def test_a_refusal_has_its_status_and_its_words(error, status, body):
    answer = answer_with_error(error, CONTEXT)

    assert (answer.status_code, answer.data) == (status, body)


@pytest.mark.parametrize(
    ("detail", "body"),
    [
        ({"tags": {3: ["Too long."], 8: ["Too long."]}}, {"tags": ["Too long."]}),
        ({"sources": [{}, {"artst": ["There is no such filter."]}]}, {"sources": ["There is no such filter."]}),
        (["Not like this."], {"detail": ["Not like this."]}),
    ],
)
def test_messages_of_a_list_are_told_by_its_field_alone(detail, body):
    assert answer_with_error(ValidationError(detail), CONTEXT).data == body


def test_a_limit_says_when_to_try_again():
    assert answer_with_error(LimitReached("Enough.", retry_seconds=7), CONTEXT).headers["Retry-After"] == "7"


@pytest.mark.parametrize("error", [RecursionError("inside"), DataError("inside"), "\ud800"])
def test_what_cannot_be_read_is_the_senders_mistake_and_tells_nothing_inside(error):
    if isinstance(error, str):
        error = UnicodeEncodeError("utf-8", error, 0, 1, "inside")
    answer = answer_with_error(error, CONTEXT)

    assert answer.status_code == 400
    assert "inside" not in str(answer.data)


@pytest.mark.parametrize("error", [ValueError("bug"), KeyError("bug"), AttributeError("bug")])
def test_our_own_mistakes_are_not_hidden(error):
    assert answer_with_error(error, CONTEXT) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body", ["[" * 100_000, '{"name": "\\ud800"}', '{"name": "a\\u0000"}', "{", '{"name": NaN}', "\xff"]
)
def test_no_json_body_makes_a_server_error(api, ready_dataset, body):
    answer = api.generic("PATCH", f"/api/v1/datasets/{ready_dataset.pk}/", body, content_type="application/json")

    assert answer.status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["%00", "a%00b", "nope", "%ff", "' OR 1=1"])
def test_no_address_makes_a_server_error(api, path):
    assert api.get(f"/api/v1/datasets/{path}/").status_code == 404
    assert api.get(f"/api/v1/datasets/{path}/songs/").status_code == 404


@pytest.mark.django_db
def test_a_table_that_there_is_not_is_refused_wherever_one_may_be_asked_for(api, ready_dataset):
    run, other = make_run(ready_dataset), make_run(ready_dataset)
    compared = f"/api/v1/runs/compare/?run={run.pk}&run={other.pk}"
    places = (f"/api/v1/runs/{run.pk}/metrics/?", f"/api/v1/datasets/{ready_dataset.pk}/rejections/?", f"{compared}&")
    for place in places:
        assert list(api.get(f"{place}format=xml").json()) == ["format"], place
    assert list(api.get(f"{compared}&table=losses").json()) == ["table"]
