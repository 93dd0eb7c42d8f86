"""A program asks which words a model has never read."""

import pytest
from django.urls import reverse

from tests.generator.tiny_models import publish


def address(model) -> str:
    return reverse("model-unknown-words-api", args=[model.pk])


def test_unknown_words_are_named_with_their_places(api, user):
    answer = api.post(address(publish(user, kind="word")), {"text": "Oh my Zeppelin\nriver"})
    assert answer.status_code == 200
    assert answer.json() == {"words": [{"word": "Zeppelin", "start": 6, "end": 14}]}


def test_a_model_of_characters_has_read_every_word(api, user):
    assert api.post(address(publish(user)), {"text": "Zeppelin"}).json() == {"words": []}


@pytest.mark.parametrize(
    "body", [{}, [], {"text": None}, {"text": 7}, {"text": "x" * 5000}, {"text": "a\x00"}, {"text": ["a"]}]
)
def test_what_is_no_opening_is_refused_at_its_field(api, user, body):
    answer = api.post(address(publish(user, kind="word")), body)
    assert answer.status_code == 400
    assert answer.json()["text"]


def test_another_persons_model_is_not_there(other_api, user):
    assert other_api.post(address(publish(user, kind="word")), {"text": "a"}).status_code == 404
    assert other_api.post(address(publish(user, kind="word", visibility="shared")), {"text": "a"}).status_code == 200


def test_a_damaged_model_is_a_conflict_that_says_so(api, user):
    answer = api.post(address(publish(user, damaged=True, kind="word")), {"text": "a"})
    assert answer.status_code == 409
    assert "damaged" in answer.json()["detail"]


def test_a_page_asks_with_its_session(signed_in, user):
    model = publish(user, kind="word")
    answer = signed_in.post(address(model), {"text": "Zeppelin"}, content_type="application/json")
    assert [found["word"] for found in answer.json()["words"]] == ["Zeppelin"]
