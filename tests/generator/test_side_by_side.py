"""The same line and seed for several models."""

import threading

import pytest
from django.test import RequestFactory
from django.urls import reverse

from generator.services import writing
from generator.views.compose import side_by_side
from tests.generator.tiny_models import publish

PAGE = reverse("generator:side-by-side")


@pytest.fixture(autouse=True)
def _own_engine(monkeypatch):
    monkeypatch.setattr(writing, "engine", writing.Engine())


def ask(client, *models, **values):
    return client.get(
        PAGE, {"model": [one.pk for one in models], "prompt": "Oh my", "seed": 4, "temperature": 0.8} | values
    )


def test_each_model_goes_on_from_the_same_line_in_the_order_asked_for(signed_in, user):
    models = [publish(user, name=cell, architecture=cell) for cell in ("gru", "rnn", "lstm")]
    answer = ask(signed_in, *models)
    verses = answer.context["verses"]
    assert [one["model"] for one in verses] == models
    assert all(one["text"].startswith("Oh my") for one in verses)
    assert [one["text"] for one in ask(signed_in, *models).context["verses"]] == [one["text"] for one in verses]
    assert '<div id="verses"' in answer.content.decode()


def test_a_model_that_cannot_write_says_so_and_the_others_go_on(signed_in, user):
    broken, well = publish(user, damaged=True, name="Broken"), publish(user)
    page = ask(signed_in, broken, well)
    assert "damaged" in page.content.decode()
    assert "text" in page.context["verses"][1]


def test_nothing_more_is_written_for_who_has_left(user, monkeypatch):
    request = RequestFactory().get(
        PAGE, {"model": [publish(user).pk], "prompt": "Oh my", "seed": 4, "temperature": 0.8}
    )
    request.user, request.has_left = user, threading.Event()
    request.has_left.set()
    monkeypatch.setattr(writing, "generate", lambda **_: pytest.fail("it was written"))
    assert side_by_side(request).status_code == 200


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"seed": "x"}, "seed"), ({"seed": -1}, "seed"), ({"temperature": "nan"}, "temperature"),
        ({"temperature": 9}, "temperature"), ({"prompt": "x" * 5000}, "prompt"), ({"prompt": "a\0b"}, "prompt"),
        ({"model": []}, "model"), ({"model": ["nothing"]}, "model"), ({"model": ["a\0b"]}, "model"),
        ({"seed": ""}, "seed"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_said_at_its_field(signed_in, user, values, field):
    answer = ask(signed_in, publish(user), **values)
    assert answer.status_code == 400
    assert field in answer.context["form"].errors


def test_more_than_ten_models_are_refused(signed_in, user):
    models = [publish(user, name=str(number)) for number in range(11)]
    assert "at most 10" in ask(signed_in, *models).content.decode()


def test_models_of_others_do_not_write_for_me(signed_in, other_user):
    assert ask(signed_in, publish(other_user)).status_code == 400
    assert ask(signed_in, publish(other_user, visibility="shared")).status_code == 200


def test_writing_side_by_side_asks_for_a_name_first(client):
    assert client.get(PAGE).status_code == 302
