"""Caches between people and the site hand nobody what is another's."""

import pytest
from django.test import Client

from generator.services import lyrics
from lyricsite.models import ApiToken
from tests.generator.tiny_models import publish
from tests.training.finished_runs import make_finished_run

PAGES = ["/", "/runs/", "/lyrics/", "/datasets/", "/models/", "/account/", "/write/"]
LISTS = [f"/api/v1/{name}/" for name in ("runs", "lyrics", "datasets", "models", "collections", "tokens")]


class Cache:
    """Keeps what it is allowed to, or everything, and keeps apart what ``Vary`` says; then asks the site no more."""

    def __init__(self, *, is_obedient: bool) -> None:
        self.is_obedient = is_obedient
        self.kept: dict[str, list[tuple[dict, object]]] = {}

    def get(self, path: str, headers: dict[str, str]):
        for varied, answer in self.kept.get(path, []):
            if all(headers.get(name, "") == value for name, value in varied.items()):
                return answer
        answer = Client().get(path, headers=headers)
        if not self.is_obedient or self.may_keep(answer):
            names = [name.strip().lower() for name in answer.get("Vary", "").split(",") if name.strip()]
            told = {name: headers.get(name, "") for name in names}
            self.kept.setdefault(path, []).append((told, answer))
        return answer

    @staticmethod
    def may_keep(answer) -> bool:
        """RFC 9111, section 3, for a cache that many share."""
        said = answer.get("Cache-Control", "")
        return not any(word in said for word in ("private", "no-store"))


def content_of(answer) -> str:
    return b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()


def belongings(person, dataset) -> list[str]:
    """The addresses of what is one person's alone, each with the name of its owner in it."""
    run = make_finished_run(dataset, owner=person, name=f"run of {person.username}")
    model = publish(person, name=f"model of {person.username}")
    lyric = lyrics.save_lyric(user=person, text=f"song of {person.username}", title=f"title of {person.username}")
    pages = [run.get_absolute_url(), model.get_absolute_url(), lyric.get_absolute_url()]
    return [
        *pages,
        *(f"/api/v1/{kind}/{row.pk}/" for kind, row in (("runs", run), ("models", model), ("lyrics", lyric))),
    ]


def as_visitor(person) -> dict[str, str]:
    client = Client()
    client.force_login(person)
    return {"cookie": f"sessionid={client.cookies['sessionid'].value}"}


def as_program(person) -> dict[str, str]:
    return {"authorization": f"Bearer {ApiToken.issue(user=person)[1]}"}


@pytest.mark.parametrize("is_obedient", [True, False], ids=["obedient", "stubborn"])
@pytest.mark.parametrize("identified", [as_visitor, as_program])
def test_no_cache_hands_one_person_what_is_anothers(user, other_user, ready_dataset, identified, is_obedient):
    """F107: two people and a stranger through one cache, by session and by token."""
    people = {person.username: identified(person) for person in (user, other_user)}
    paths = PAGES + LISTS + belongings(user, ready_dataset) + belongings(other_user, ready_dataset)
    cache = Cache(is_obedient=is_obedient)
    seen = set()
    for path in paths:
        for name, headers in [*people.items(), ("nobody", {})]:
            text = content_of(cache.get(path, {**headers, "accept": "text/html, application/json"}))
            others = {kind for kind in people if kind != name and f"of {kind}" in text}
            assert not others, f"{name} got from {path} what belongs to {others}"
            seen.add(name if f"of {name}" in text else None)
    assert seen >= set(people), "nobody saw anything: the test would prove nothing"


@pytest.mark.parametrize("path", [*PAGES, *LISTS, "/sign-in/"])
def test_every_answer_is_for_who_asked_alone(signed_in, path):
    """F107: with a session, by page and by API."""
    answer = signed_in.get(path)
    assert any(word in answer["Cache-Control"] for word in ("private", "no-store"))
    assert {"cookie", "authorization"} <= {name.strip().lower() for name in answer["Vary"].split(",")}


def test_what_is_the_same_for_all_may_be_kept(client, settings):
    """F107: the static files say no person's cookie into their key."""
    settings.WHITENOISE_USE_FINDERS = True
    answer = client.get("/static/css/tokens.css")
    assert answer.status_code == 200
    assert "Cookie" not in answer.get("Vary", "")
