"""Writing by API, at once and as a stream."""

import json

import pytest
from django.core.cache import cache

from generator.api.generate import GenerateThrottle
from generator.models import Lyric
from generator.services import writing
from tests.generator.tiny_models import publish
from tests.processes import wait_until

ADDRESS = "/api/v1/lyrics/generate/"


@pytest.fixture(autouse=True)
def _own_engine(monkeypatch):
    monkeypatch.setattr(writing, "engine", writing.Engine())
    cache.clear()  # the throttle counts there


def nobody_writes() -> bool:
    """An answer is there a moment before the engine counts it as done."""
    return writing.engine.open_count == 0


@pytest.fixture
def model(user):
    return publish(user)


@pytest.fixture
def write(api, model):
    def ask(**values):
        return api.post(ADDRESS, {"model": model.pk, "prompt": "The river\n", "seed": 4, "max_tokens": 30} | values)

    return ask


def events_of(response) -> list[tuple[str, dict]]:
    parts = b"".join(response.streaming_content).decode().split("\n\n")
    lines = [dict(line.split(": ", 1) for line in part.split("\n")) for part in parts if part.startswith("event")]
    return [(event["event"], json.loads(event["data"])) for event in lines]


def test_an_answer_has_the_text_and_all_that_made_it(write, model):
    answer = write(n=2).json()
    assert (answer["id"], answer["model"], answer["seed"]) == (None, model.pk, 4)
    assert [choice["index"] for choice in answer["choices"]] == [0, 1]
    assert set(answer["choices"][0]) >= {"text", "tokens", "log_probability", "finish_reason"}
    assert answer["usage"]["completion_tokens"] == sum(choice["tokens"] for choice in answer["choices"])
    assert answer["seconds"] >= 0
    assert answer["recipe"]["n"] == 2


def test_without_a_seed_one_is_chosen_and_said(write):
    first = write(seed=None).json()
    again = write(seed=first["seed"]).json()
    assert first["choices"] == again["choices"]


def test_a_stream_says_the_same_as_an_answer(write):
    streamed = write(stream=True, n=2)
    assert streamed.status_code == 200
    assert streamed["Content-Type"].startswith("text/event-stream")
    assert "no-store" in streamed["Cache-Control"]
    *tokens, (name, done) = events_of(streamed)
    assert name == "done"
    assert {name for name, _ in tokens} == {"token"}
    for choice in done["choices"]:
        assert "".join(data["text"] for _, data in tokens if data["index"] == choice["index"]) == choice["text"]
    answer = write(n=2).json()
    assert {**answer, "seconds": 0} == {**done, "seconds": 0}


def test_nothing_is_kept_unless_asked(write):
    write()
    assert not Lyric.objects.exists()


def test_a_saved_text_begins_with_its_prompt(write, user):
    answer = write(save=True).json()
    lyric = Lyric.objects.owned_by(user).get(pk=answer["id"])
    assert lyric.text.startswith("The river")
    assert lyric.seed == 4


@pytest.mark.django_db(transaction=True)
def test_a_stream_can_be_saved(write, user):
    _, done = events_of(write(stream=True, save=True))[-1]
    assert Lyric.objects.owned_by(user).get().pk == done["id"]


@pytest.mark.django_db(transaction=True)  # closing an answer closes its connection
def test_closing_a_stream_ends_the_work(write):
    response = write(stream=True, max_tokens=1024, n=8)
    next(iter(response.streaming_content))
    response.close()
    assert write(max_tokens=1).status_code == 200  # one thread: it is free again
    wait_until(nobody_writes)


@pytest.mark.django_db(transaction=True)  # closing an answer closes its connection
def test_a_stream_that_is_never_read_keeps_no_place(write):
    write(stream=True, max_tokens=1024, n=8).close()
    assert write(max_tokens=1).status_code == 200
    wait_until(nobody_writes)


# F95: each value with the field that the answer must name.
ATTACKS = [
    *[("max_tokens", value) for value in (10**9, -1, 0, 1.5, "256", None)],
    ("n", 10**6),
    *[("temperature", value) for value in (-1, float("inf"), float("nan"), "nan", 999999)],
    *[("top_k", value) for value in (-1, 10**9)],
    *[("top_p", value) for value in (-1, 0, 2)],
    *[("prompt", value) for value in ("x" * 10_000_000, "\n" * 1_000_000, "\ud800", "\x00", None, 7, ["a"])],
    ("stop", ["x"] * 100_000),
    ("seed", 2**70),
    ("model", 7),
    ("model", None),
    ("stream", "yes"),
    ("save", 1),
    ("no_such_value", 1),
]


@pytest.mark.parametrize(("field", "value"), ATTACKS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_bad_value_is_answered_with_its_field(api, model, field, value, stream):
    body = json.dumps({"model": model.pk, "stream": stream, field: value})
    answer = api.generic("POST", ADDRESS, body, content_type="application/json")
    assert answer.status_code == 400
    assert field in answer.json()
    assert writing.engine.open_count == 0


@pytest.mark.parametrize(
    "values", [{"temperature": 0}, {"prompt": ""}, {"prompt": "zzz 🎵 ωμέγα"}, {"seed": 2**63 - 1}]
)
def test_what_is_strange_but_legal_is_written(write, values):
    assert write(**values).status_code == 200


def test_infinity_by_overflow_is_named_too(api, model):
    body = f'{{"model": "{model.pk}", "temperature": 1e309}}'
    answer = api.generic("POST", ADDRESS, body, content_type="application/json")
    assert (answer.status_code, list(answer.json())) == (400, ["temperature"])


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '"text"', "null", "[" * 100_000, "\xff", '{"seed": 1' + "0" * 5000 + "}"]
)
def test_a_body_that_is_no_request_is_a_400(api, body):
    answer = api.generic("POST", ADDRESS, body, content_type="application/json")
    assert answer.status_code == 400


def test_another_kind_of_body_is_a_415(api):
    assert api.post(ADDRESS, "a=b", content_type="application/x-www-form-urlencoded").status_code == 415


def test_a_body_without_end_is_a_413(api):
    answer = api.generic("POST", ADDRESS, b" " * (17 * 1024 * 1024), content_type="application/json")
    assert answer.status_code == 413


def test_everything_wrong_is_said_at_once(write):
    assert set(write(model=3, n=0, prompt=4, stream=5).json()) == {"model", "n", "prompt", "stream"}


def test_another_persons_model_is_not_there(other_api, model):
    assert other_api.post(ADDRESS, {"model": model.pk}).status_code == 404
    assert other_api.post(ADDRESS, {"model": "nothing"}).status_code == 404


def test_a_shared_model_writes_for_everyone(other_api, user):
    shared = publish(user, visibility="shared")
    assert other_api.post(ADDRESS, {"model": shared.pk, "max_tokens": 3}).status_code == 200


def test_nobody_writes_without_signing_in(client, model):
    answer = client.post(ADDRESS, {"model": model.pk}, content_type="application/json")
    assert (answer.status_code, "Bearer" in answer["WWW-Authenticate"]) == (401, True)


def test_a_damaged_model_is_a_409_with_a_sentence(api, user, write):
    damaged = publish(user, damaged=True)
    for stream in (False, True):
        answer = api.post(ADDRESS, {"model": damaged.pk, "stream": stream})
        assert answer.status_code == 409
        assert "damaged" in answer.json()["detail"]
    assert write().status_code == 200


def test_one_person_writes_so_many_at_once(api, model, write, user):
    body = {"model": model.pk, "prompt": "", "recipe": writing.Recipe(n=8, max_tokens=1024, seed=1)}
    open_ones = [writing.begin(user=user, **body | {"model": model}) for _ in range(4)]
    for stream in (False, True):
        answer = write(stream=stream)
        assert answer.status_code == 429
        assert int(answer["Retry-After"]) > 0
    for generation in open_ones:
        generation.writing.cancel()
    assert writing.engine.open_count <= 1


def test_a_full_engine_is_a_503_that_says_when_to_return(write, monkeypatch):
    monkeypatch.setattr(writing, "engine", writing.Engine(slots=0, inbox=0))
    answer = write()
    assert (answer.status_code, "Retry-After" in answer) == (503, True)


def test_asking_too_often_is_a_429(write, monkeypatch):
    monkeypatch.setattr(GenerateThrottle, "THROTTLE_RATES", {"generate": "2/min"})
    assert [write(max_tokens=1).status_code for _ in range(3)] == [200, 200, 429]


def test_an_eventstream_client_gets_its_refusal_as_json(api, model):
    answer = api.post(ADDRESS, {"model": model.pk, "n": 0, "stream": True}, HTTP_ACCEPT="text/event-stream")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/json")
