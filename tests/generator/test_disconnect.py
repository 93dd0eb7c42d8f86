"""A client that goes away: the work ends and its place is free (reliability fault F49), through the whole of ASGI."""

import asyncio
import json
import time

import numpy as np
import pytest
from asgiref.testing import ApplicationCommunicator

from generator.decoding.model_file import WritingModel
from generator.models import Lyric
from generator.services import writing
from lyricsite.asgi import application
from lyricsite.models import ApiToken
from tests.generator.tiny_models import publish, tiny_tokenizer

PATIENCE = 20


@pytest.fixture
def endless(monkeypatch):
    """A network that would take a minute for its song."""
    monkeypatch.setattr(writing, "engine", writing.Engine())
    tokenizer = tiny_tokenizer("char")
    model = WritingModel(Dawdling(tokenizer.vocabulary_size), tokenizer, size_bytes=0)
    monkeypatch.setattr(writing, "load_model", lambda _: model)


class Dawdling:
    def __init__(self, size):
        self.size = size

    def first_memory(self, rows):
        return [np.zeros((rows, 1), np.float32)]

    def step(self, tokens, memory):
        time.sleep(0.1)
        scores = np.zeros((len(tokens), self.size), np.float32)
        scores[:, -1] = 9
        return scores, memory


def scope_of(token: str, content: bytes) -> dict:
    headers = [(b"authorization", b"Bearer " + token.encode()), (b"content-type", b"application/json")]
    headers += [(b"host", b"localhost"), (b"content-length", str(len(content)).encode())]
    path = "/api/v1/lyrics/generate/"
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": headers,
        "http_version": "1.1",
        "scheme": "http",
        "server": ("localhost", 80),
        "client": ("127.0.0.1", 1),
    }


async def until(condition) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


async def ask_and_leave(token: str, body: dict, until_words: bytes = b"event: token") -> bytes:
    """Read a stream until these words came, and go away; what was read."""
    read = b""
    content = json.dumps(body).encode()
    client = ApplicationCommunicator(application, scope_of(token, content))
    await client.send_input({"type": "http.request", "body": content})
    first = asyncio.ensure_future(client.receive_output(PATIENCE))  # this starts the application
    await until(lambda: writing.engine.open_count == 1)
    if body["stream"]:
        assert (await first)["status"] == 200
        while until_words not in read:
            read += (await client.receive_output(PATIENCE))["body"]
    await client.send_input({"type": "http.disconnect"})
    await until(lambda: writing.engine.open_count == 0)
    await client.wait(PATIENCE)  # what is left of the text is in the history then
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    return read


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("stream", [True, False])
def test_who_leaves_ends_the_work(user, endless, stream):
    _, token = ApiToken.issue(user=user)
    body = {"model": publish(user).pk, "stream": stream, "max_tokens": 600}
    asyncio.run(ask_and_leave(token, body))
    assert writing.engine.open_count == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("stream", [True, False])
def test_who_leaves_while_others_are_first_gives_the_place_in_the_inbox_back(user, endless, monkeypatch, stream):
    monkeypatch.setattr(writing, "engine", writing.Engine(slots=0))
    _, token = ApiToken.issue(user=user)
    body = {"model": publish(user).pk, "stream": stream, "max_tokens": 600}
    asyncio.run(ask_and_leave(token, body, b'event: waiting\ndata: {"position": 1}'))
    assert writing.engine.open_count == 0


@pytest.mark.django_db(transaction=True)
def test_nothing_is_kept_for_who_has_left(user, endless):
    """A text that was not written to its end is no lyric."""
    _, token = ApiToken.issue(user=user)
    body = {"model": publish(user).pk, "stream": False, "save": True, "max_tokens": 600}
    asyncio.run(ask_and_leave(token, body))
    assert not Lyric.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_history_has_what_was_written_until_its_reader_stopped(user, endless):
    """Reliability fault F51: flagged as stopped, and not among the lyrics that are kept."""
    _, token = ApiToken.issue(user=user)
    body = {"model": publish(user).pk, "prompt": "oh", "stream": True, "save": True, "history": True, "max_tokens": 600}
    read = asyncio.run(ask_and_leave(token, body))
    lyric = Lyric.objects.get()
    assert read.startswith(f'event: history\ndata: {{"lyrics": ["{lyric.pk}"]}}'.encode())
    assert lyric.kept_at is None
    assert lyric.made_with["ending"] == "stopped"
    assert lyric.text.startswith("oh")
    assert len(lyric.generated_text) > len("oh")


@pytest.mark.django_db(transaction=True)
def test_the_history_has_nothing_of_a_text_that_had_not_begun(user, endless, monkeypatch):
    monkeypatch.setattr(writing, "engine", writing.Engine(slots=0))
    _, token = ApiToken.issue(user=user)
    body = {"model": publish(user).pk, "stream": True, "history": True, "max_tokens": 600}
    asyncio.run(ask_and_leave(token, body, b'event: waiting\ndata: {"position": 1}'))
    assert not Lyric.objects.exists()
