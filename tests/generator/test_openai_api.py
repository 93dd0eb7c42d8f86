"""What the OpenAI-compatible doors take and refuse, without a network between."""

import json
import time

import pytest

from generator.services import writing
from tests.generator.tiny_models import publish

ADDRESS = "/v1/completions"


@pytest.fixture(autouse=True)
def _own_engine(monkeypatch):
    monkeypatch.setattr(writing, "engine", writing.Engine())


@pytest.fixture
def model(user):
    return publish(user, name="Harbour LSTM")


def ask(api, model, /, **values):
    body = json.dumps({"model": model.pk, "prompt": "oh", "max_tokens": 5, "seed": 4} | values)
    return api.generic("POST", ADDRESS, body, content_type="application/json")


# F95: each value with the field that the answer must name.
ATTACKS = [
    *[("max_tokens", value) for value in (10**9, -1, 0, 1.5, "256")],
    *[("n", value) for value in (10**6, 9, True)],
    *[("temperature", value) for value in (-1, float("inf"), float("nan"), "nan", 999999)],
    *[("top_k", value) for value in (-1, 10**9, None)],
    *[("top_p", value) for value in (-1, 0, 2)],
    *[("prompt", value) for value in ("x" * 10_000_000, "\n" * 1_000_000, "\ud800", "\x00", 7, [], ["a"] * 9)],
    *[("prompt", value) for value in ([1, 2, 3], [[1, 2]], ["a", None], {"a": 1}, ["\ud800"])],
    *[("stop", value) for value in (["x"] * 100_000, ["x"] * 5, [""], 7)],
    *[("seed", value) for value in (2**70, -1, "4")],
    *[("model", value) for value in (7, None, "", ["a"])],
    *[("stream", value) for value in ("yes", 1)],
    *[("stream_options", value) for value in (1, {"include_usage": 1}, {"no_such": True}, {"include_usage": True})],
    *[("logprobs", value) for value in (-1, 6, True, 1.5, "2")],
    ("echo", 1),
    *[("best_of", value) for value in (3, True, "1")],
    *[("user", value) for value in (7, ["mara"])],
    *[("presence_penalty", value) for value in (0.1, "0", False)],
    ("frequency_penalty", -1),
    ("suffix", "end"),
    ("logit_bias", {"50256": -100}),
    ("no_such_value", 1),
]


@pytest.mark.parametrize(("field", "value"), ATTACKS)
def test_a_bad_value_is_answered_with_its_field_at_once(api, model, field, value):
    """F95: in at most 200 ms, counted in this process's own time."""
    seconds = []
    for _ in range(2):  # the first request of a process pays for what all share
        begun = time.process_time()
        answer = ask(api, model, **{field: value})
        seconds.append(time.process_time() - begun)
    assert min(seconds) <= 0.2
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error.keys() == {"message", "type", "code", "param"}
    assert (error["param"], error["type"]) == (field, "invalid_request_error")
    assert field in error["message"]
    assert writing.engine.open_count == 0


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '"text"', "null", "[" * 100_000, "\xff", '{"seed": 1' + "0" * 5000 + "}", r'{"\ud800": 1}']
)
def test_a_body_that_is_no_request_is_a_400(api, body):
    answer = api.generic("POST", ADDRESS, body, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_everything_wrong_is_said_at_once(api, model):
    message = ask(api, model, n=0, stream=5, prompt=7, best_of=2, suffix="x").json()["error"]["message"]
    assert all(f"{field}:" in message for field in ("n", "stream", "prompt", "suffix"))


def test_prompts_times_n_are_at_most_eight_texts(api, model):
    answer = ask(api, model, prompt=["a", "b", "c"], n=3)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "n")
    assert len(ask(api, model, prompt=["a", "b"], n=4).json()["choices"]) == 8


def test_echo_with_logprobs_is_refused_with_the_reason(api, model):
    error = ask(api, model, echo=True, logprobs=1).json()["error"]
    assert (error["param"], "logprobs" in error["message"]) == ("echo", True)


def test_null_stands_for_what_was_left_out(api, model):
    nulls = dict.fromkeys(("temperature", "top_p", "n", "stop", "stream", "stream_options", "logprobs", "echo"))
    told, plain = (ask(api, model, **values).json() for values in (nulls, {}))
    assert told["choices"] == plain["choices"]
    assert len(ask(api, model, max_tokens=None, temperature=0).json()["choices"][0]["text"]) > 5


def test_what_a_model_never_learnt_is_noted(api, model):
    assert "“Folk” is left out" in ask(api, model, genre="Folk").json()["notes"][0]


def test_a_text_cut_by_the_deadline_ended_by_length(api, model, settings):
    settings.GENERATION_SECONDS = 0
    assert ask(api, model).json()["choices"][0]["finish_reason"] == "length"
    response = ask(api, model, stream=True)
    *_, last, done, _ = b"".join(response.streaming_content).decode().split("\n\n")
    assert done == "data: [DONE]"
    assert json.loads(last.removeprefix("data: "))["choices"][0]["finish_reason"] == "length"


@pytest.mark.django_db(transaction=True)  # closing an answer closes its connection
def test_who_waits_is_told_so_in_a_comment_that_clients_skip(api, model, other_user, monkeypatch):
    monkeypatch.setattr(writing, "engine", writing.Engine(slots=0))
    first = writing.begin(user=other_user, model=model, prompt="", recipe=writing.Recipe(max_tokens=3))
    response = ask(api, model, stream=True)
    assert next(iter(response.streaming_content)) == b": waiting, 1 first\n\n"
    response.close()
    first.writing.cancel()


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_another_method_is_refused_in_the_same_form(api, method):
    answer = getattr(api, method)(ADDRESS)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")


def test_another_kind_of_body_is_refused_in_the_same_form(api):
    answer = api.post(ADDRESS, "a=b", content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")


def test_a_body_without_end_is_refused_in_the_same_form(api):
    answer = api.generic("POST", ADDRESS, b" " * (17 * 1024 * 1024), content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_asking_too_often_is_refused_in_the_same_form(api, model, monkeypatch):
    monkeypatch.setattr("generator.api.doors.GenerateThrottle.THROTTLE_RATES", {"generate": "2/min"})
    *_, refused = [ask(api, model) for _ in range(3)]
    assert (refused.status_code, refused.json()["error"]["type"]) == (429, "rate_limit_error")
    assert int(refused["Retry-After"]) > 0


@pytest.mark.parametrize("address", ["/v1/", "/v1/completions/", "/v1/chat/completions", "/v1/nothing"])
def test_an_address_without_a_door_is_refused_in_the_same_form(api, address):
    answer = api.post(address, {})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


def test_a_session_may_list_models_and_needs_a_csrf_token_to_write(client, user, model):
    client.force_login(user)
    assert [one["id"] for one in client.get("/v1/models").json()["data"]] == [model.pk]
    client.handler.enforce_csrf_checks = True
    answer = client.post(ADDRESS, {"model": model.pk}, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "permission_error")


def test_a_model_that_is_damaged_can_be_looked_at_and_is_not_listed(api, model):
    type(model).objects.filter(pk=model.pk).update(state="corrupt")
    assert api.get("/v1/models").json()["data"] == []
    assert api.get(f"/v1/models/{model.pk}").status_code == 200
    answer = ask(api, model)
    assert (answer.status_code, answer["X-Should-Retry"]) == (409, "false")


@pytest.mark.parametrize("name", ["%00", "%ED%A0%80", "a%2Fb", "x" * 5000])
def test_any_name_of_a_model_is_not_found_or_malformed(api, name):
    assert api.get(f"/v1/models/{name}").status_code in (400, 404)
