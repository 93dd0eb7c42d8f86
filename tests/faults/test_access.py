"""Every route of the site, asked by everybody who may not: nobody finds another person's things."""

import json
import re
from collections.abc import Iterator
from itertools import product

import pytest
from django.db import transaction
from django.urls import reverse

from tests.faults.people import Route, close, every_route, give_belongings, make_cast, writes
from tests.faults.roles import METHODS, MINE, OPEN, OWN, READ, ROLES, STAFF, WRITE, expected, posts

TABLE = {
    # The site
    "home": OPEN,
    "login": OPEN | {"POST": "open", "PUT": "open"},
    "logout": posts("open"),
    "sign-up": OPEN | posts("open"),
    "account": OWN,
    "password_change": OWN | {"POST": "own", "PUT": "own"},
    "password_change_done": OWN,
    "token-create": posts("own"),
    "token-revoke": posts("mine"),
    "healthz": OPEN,
    "readyz": OPEN,
    "health-line": OPEN,
    "metrics": STAFF,
    "api-schema": OPEN,
    "api-docs": OPEN,
    # Songs
    "training:dataset-list": OWN,
    "training:dataset-create": OWN | posts("own"),
    "training:dataset-preview": posts("own"),
    "training:dataset-combine": OWN | posts("own"),
    "training:dataset-detail": READ,
    "training:dataset-import": READ,
    "training:dataset-mapping": WRITE | posts("write"),
    "training:dataset-cancel": posts("write"),
    "training:dataset-edit": posts("write"),
    "training:dataset-delete": WRITE | posts("write"),
    "training:dataset-rejections": READ,
    "training:song-list": READ,
    "training:songs-change": posts("write"),
    "training:song-detail": READ,
    "training:song-edit": posts("write"),
    "training:song-exclude": posts("write"),
    "training:song-export": READ,
    "training:duplicate-list": READ,
    "training:duplicate-restore": posts("write"),
    "training:version-list": READ,
    "training:version-compare": READ,
    # Runs, races, models
    "training:run-create": READ | posts("use"),
    "training:run-estimate": posts("use"),
    "training:dataset-compare": READ,
    "training:race-create": READ | posts("use"),
    "training:race-list": OWN,
    "training:race-detail": READ,
    "training:race-cancel": posts("write"),
    "training:race-edit": posts("write"),
    "training:race-delete": posts("write"),
    "training:run-list": OWN,
    "training:run-compare": OWN,
    "training:run-detail": READ,
    "training:run-live": READ,
    "training:run-insights": READ,
    "training:run-events": READ,
    "training:run-metrics-csv": READ,
    "training:run-again": posts("use"),
    "training:run-cancel": posts("write"),
    "training:run-pause": posts("write"),
    "training:run-resume": posts("write"),
    "training:run-retry": posts("write"),
    "training:run-move": posts("write"),
    "training:model-list": OWN,
    "training:model-import": posts("own"),
    "training:model-detail": READ,
    "training:model-download": READ,
    "training:model-edit": posts("write"),
    "training:model-pin": posts("write"),
    "training:model-delete": posts("write"),
    # Lyrics
    "generator:compose": OWN | posts("own"),
    "generator:side-by-side": OWN,
    "generator:lyric-list": OWN,
    "generator:lyric-save": posts("own"),
    "generator:lyrics-export": OWN,
    "generator:lyric-export": MINE,
    "generator:lyric-detail": MINE | posts("mine"),
    "generator:lyric-bookmark": posts("mine"),
    **{f"generator:lyric-{name}": posts("mine") for name in ("keep", "share", "collect", "reproduce")},
    "generator:lyric-delete": MINE | posts("mine"),
    "generator:collection-list": OWN | posts("own"),
    "generator:collection-detail": MINE | posts("mine"),
    "generator:collection-export": MINE,
    "generator:collection-delete": MINE | posts("mine"),
    "generator:collection-share": posts("mine"),
    "generator:entry-move": posts("mine"),
    "generator:entry-remove": posts("mine"),
    "generator:shared-lyric": OPEN,
    "generator:shared-collection": OPEN,
    # The API
    "token-api": posts("open"),
    "run-options-api": OWN,
    "intake-api": OWN | {"PUT": "staff"},
    "worker-api-list": STAFF,
    "worker-api-drain": posts("staff"),
    "dataset-api-list": OWN | posts("own"),
    "dataset-api-combine": posts("own"),
    "dataset-api-preview": posts("own"),
    "dataset-api-detail": READ | {"PATCH": "write", "DELETE": "write"},
    "dataset-api-cancel": posts("write"),
    "dataset-api-mapping": posts("write"),
    "dataset-api-songs": READ,
    "dataset-api-song": READ | {"PATCH": "write"},
    "dataset-api-rejections": READ,
    "dataset-api-versions": READ,
    "dataset-api-compare": READ,
    "dataset-api-duplicates": READ,
    "dataset-api-restore": posts("write"),
    "dataset-api-export": READ,
    "run-api-list": OWN | posts("own"),
    "run-api-estimate": posts("own"),
    "run-api-compare": OWN,
    "run-api-detail": READ,
    "run-api-attempts": READ,
    "run-api-checkpoints": READ,
    "run-api-pin": {"PUT": "write", "DELETE": "write"},
    "run-api-events": READ,
    "run-api-history": READ,
    "run-api-insights": READ,
    "run-api-metrics": READ,
    "run-api-samples": READ,
    "run-api-clone": posts("use"),
    "run-api-cancel": posts("write"),
    "run-api-pause": posts("write"),
    "run-api-resume": posts("write"),
    "run-api-retry": posts("write"),
    "run-api-move": posts("write"),
    "run-api-prioritise": posts("staff"),
    "race-api-list": OWN | posts("own"),
    "race-api-detail": READ | {"PATCH": "write", "DELETE": "write"},
    "race-api-cancel": posts("write"),
    "model-api-list": OWN | posts("own"),
    "model-api-detail": READ | {"PATCH": "write", "DELETE": "write"},
    "model-api-download": READ,
    "model-api-pin": {"PUT": "write", "DELETE": "write"},
    "model-unknown-words-api": posts("use"),
    "lyric-generate-api": posts("own"),
    "openai-models": OWN,
    "openai-model": READ,
    "openai-completions": posts("own"),
    "lyrics-export-api": OWN,
    "lyrics-api": OWN | posts("own"),
    "lyric-api": MINE | {"PATCH": "mine", "DELETE": "mine"},
    "lyric-bookmark-api": {"PUT": "mine", "DELETE": "mine"},
    "lyric-keep-api": {"PUT": "mine"},
    "lyric-share-api": {"PUT": "mine", "DELETE": "mine"},
    "lyric-reproduce-api": posts("mine"),
    "collections-api": OWN | posts("own"),
    "collection-api": MINE | {"PATCH": "mine", "DELETE": "mine"},
    "collection-share-api": {"PUT": "mine", "DELETE": "mine"},
    "collection-entries-api": MINE | posts("mine"),
    "collection-entry-api": MINE | {"PATCH": "mine", "DELETE": "mine"},
}

# The admin answers each method; which of them do something is Django's matter, and who may, is ours.
ADMIN_MODELS = (
    *("lyricsite_user", "lyricsite_apitoken", "auth_group", "generator_lyric", "generator_collection"),
    *("training_dataset", "training_datasetversion", "training_import", "training_rejection", "training_song"),
    *("training_trainingrun", "training_checkpoint"),
)
DESK = {"GET": "desk", "POST": "desk"}
ADMIN = {"GET": "admin", "POST": "admin"}
TABLE |= {
    **{f"admin:{name}": DESK for name in ("index", "search", "password_change", "password_change_done", "jsi18n")},
    **{f"admin:{name}": DESK for name in ("view_on_site", "app_list")},
    **{
        f"admin:{m}_{page}": ADMIN
        for m in ADMIN_MODELS
        for page in ("changelist", "add", "change", "delete", "history")
    },
    **{f"admin/{m.replace('_', '/')}/<path:object_id>/": DESK for m in ADMIN_MODELS},
    "admin/(?P<url>.*)$": DESK,
    "admin:login": OPEN | posts("open"),
    "admin:logout": DESK,
    "admin:autocomplete": ADMIN,
    "admin:auth_user_password_change": ADMIN,
    "admin:training_dataset_mapping": ADMIN,
    "admin:training_worker_changelist": ADMIN,
    "admin:training_intake_set": posts("admin"),
    "admin:training_worker_drain": posts("admin"),
}
NO_ADDRESS = {"admin:index": "/admin/"}

ROUTES = every_route()
REFUSALS = (401, 403, 404, 405)


def group_of(route: Route) -> str:
    first = route.pattern.removeprefix("api/v1/").removeprefix("^").partition("/")[0].rstrip("$")
    return {"": "home"}.get(first, ("api " if route.pattern.startswith("api/v1/") else "") + first)


def told(answer) -> str:
    """What an answer comes to, in the words of `expected`."""
    place = answer.headers.get("Location", "")
    if answer.status_code == 302 and place.startswith(("/sign-in/", "/admin/login/")):
        return "sign-in"
    if answer.status_code in REFUSALS or answer.status_code >= 500:
        return str(answer.status_code)
    return "let in"


def ask(cast, role: str, method: str, address: str, body: dict | None = None, headers: dict | None = None):
    """The answer, and whether asking changed anything; it is all undone."""
    with transaction.atomic(), writes() as written:
        client, form = cast.client(role), address.startswith("/admin/") or not address.startswith(("/api/", "/v1/"))
        sent = {} if method in ("GET", "HEAD") else {"data": body or {}, "content_type": "application/json"}
        if form and method == "POST":
            sent = {"data": body or {}}
        answer = client.generic(method, address, headers=headers) if not sent else _send(client, method, address, sent)
        transaction.set_rollback(True)
    close(answer)
    return answer, bool(written)


def _send(client, method: str, address: str, sent: dict):
    return getattr(client, method.lower())(address, **sent)


def test_every_route_has_its_entry():
    """F85: a route that nobody thought about fails by its name."""
    routes = {route.key for route in ROUTES}
    unknown, gone = sorted(routes - TABLE.keys()), sorted(TABLE.keys() - routes)
    assert not unknown, f"Who may do what at {', '.join(unknown)}? Add a line for each to TABLE."
    assert not gone, f"There are no routes any more that are called {', '.join(gone)}. Take them out of TABLE."


@pytest.mark.django_db
def test_every_object_in_an_address_can_be_made(doorbells):
    """F85: a route about a kind of thing that these tests don't know fails with what is to be added."""
    cast = make_cast()
    assert all(route.address(cast.private).startswith("/") for route in ROUTES)
    with pytest.raises(AssertionError, match="band-detail is about a <band_id> that nobody can make"):
        Route("band-detail", "bands/<slug:band_id>/").address(cast.private)


@pytest.mark.django_db
@pytest.mark.parametrize("group", sorted({group_of(route) for route in ROUTES}))
def test_every_route_by_everybody(group, doorbells):
    """F85, F90, F102: each method of each route by each role; refusals and GETs change nothing."""
    cast, wrong = make_cast(), []
    routes = [route for route in ROUTES if group_of(route) == group and route.key in TABLE]
    for method, route in product(METHODS, routes):  # what is deleted takes its files along, so reading comes first
        kind = TABLE[route.key].get("GET" if method == "HEAD" else method)
        if route.pattern.startswith("admin/") and (kind is None or method == "HEAD"):  # Django's HEAD is its GET
            continue
        for role, is_shared in product(ROLES, (False, True) if kind in ("read", "use", "write") else (False,)):
            wrong += faults_of(cast, route, method, role, is_shared=is_shared)
    assert wrong == [], "\n".join(wrong)


def faults_of(cast, route: Route, method: str, role: str, *, is_shared: bool) -> Iterator[str]:
    """What is wrong with the answer to one question, in words."""
    kind, is_safe = TABLE[route.key].get("GET" if method == "HEAD" else method), method in ("GET", "HEAD")
    is_api = route.pattern.startswith(("api/v1/", "v1/", "metrics"))
    address = route.address(cast.shared if is_shared else cast.private)
    answer, has_changed = ask(cast, role, method, address)
    if method == "HEAD" and answer.status_code == 405:  # many pages have none
        return
    wanted = expected(kind, role, is_api=is_api, is_shared=is_shared, is_safe=is_safe)
    if not is_as_wanted(answer, wanted, route, kind):
        yield f"{method} {address} by {role}: {answer.status_code} and not {wanted}"
    if has_changed and (is_safe or wanted != "let in"):
        yield f"{method} {address} by {role} changed something"


# Where everything is as it should be, there is nothing to compare or to take back.
FINDS_NOTHING = ("duplicate-restore", "dataset-api-restore", "version-compare")


def is_as_wanted(answer, wanted: str, route: Route, kind: str | None) -> bool:
    got = told(answer)
    if got == wanted:
        return True
    if wanted == "let in" and route.key.endswith(FINDS_NOTHING):
        return got == "404"
    if route.key == "token-api":
        return got in ("401", "403", "405")
    if route.key == "admin:logout" or (route.key == "login" and answer.status_code == 302):
        return True  # whoever is signed in already, or not at all, is sent on
    if kind is None:  # whichever door is closed first
        return got in ("405", "404", "403", "401", "sign-in")
    if kind in ("desk", "admin"):  # what the admin has for nobody it refuses to all, or goes back to its front page
        return got in ("403", "404", "405") or (wanted == "403" and answer.status_code == 302)
    if kind == "open" and got == "401":  # that a password or a token is wrong is told here too
        return route.pattern.startswith("api/")
    return route.key == "readyz" and got == "503"


@pytest.mark.django_db
def test_things_of_others_can_not_be_named_in_a_body(doorbells):
    """F85: a foreign key to another person's dataset, model or run is as unknown as one that never was."""
    cast = make_cast()
    theirs = cast.private
    mine = give_belongings(cast.people["other"], name="Own")
    race = {"architectures": ["rnn", "gru"], "seeds": [1], "budget": {"tokens": 768}}
    bodies = {
        "/api/v1/runs/": [
            {"dataset": theirs.dataset.pk, "architecture": "lstm"},
            {"dataset": mine.dataset.pk, "starts_from": theirs.model.pk},
        ],
        "/api/v1/runs/estimate/": [
            {"dataset": theirs.dataset.pk, "architecture": "lstm"},
            {"dataset": mine.dataset.pk, "starts_from": theirs.model.pk},
        ],
        "/api/v1/races/": [{"dataset": theirs.dataset.pk, **race}],
        "/api/v1/datasets/combine/": [{"name": "x", "sources": [{"dataset": theirs.dataset.pk}]}],
        "/api/v1/lyrics/generate/": [{"model": theirs.model.pk, "max_tokens": 4}],
        "/v1/completions": [{"model": theirs.model.pk, "max_tokens": 4}],
        "/api/v1/lyrics/": [{"text": "la", "title": "la", "model": theirs.model.pk}],
        f"/api/v1/collections/{mine.collection.pk}/lyrics/": [{"lyric": theirs.lyric.pk}],
    }
    for address, tries in bodies.items():
        for body in tries:
            answer, has_changed = ask(cast, "other", "POST", address, body)
            never_was = json.loads(
                re.sub("|".join((theirs.dataset.pk, theirs.model.pk, theirs.lyric.pk)), "0" * 12, json.dumps(body))
            )
            same, _ = ask(cast, "other", "POST", address, never_was)
            assert answer.status_code in (400, 404), (address, body, answer.content)
            assert not has_changed, address
            told_of_theirs = answer.content.decode()
            for pk in (theirs.dataset.pk, theirs.model.pk, theirs.lyric.pk):
                told_of_theirs = told_of_theirs.replace(pk, "0" * 12)
            assert without_request(told_of_theirs) == without_request(same.content.decode()), address


def without_request(text: str) -> dict:
    return {name: value for name, value in json.loads(text).items() if name != "request_id"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/runs/compare/?run={mine.run.pk}&run={theirs.run.pk}",
    ],
)
def test_a_comparison_with_anothers_run_is_not_found(address):
    """F85: an address that names one's own run and another's finds none."""
    cast = make_cast()
    mine = give_belongings(cast.people["other"], name="Own")
    answer, _ = ask(cast, "other", "GET", address.format(mine=mine, theirs=cast.private))
    assert answer.status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["anonymous", "other", "clerk", "superuser"])
def test_no_address_without_an_object_tells_of_anothers_things(role, doorbells):
    """F85: every page, list and fragment there is, but for the admin, which is for who may see all."""
    cast, told_of = make_cast(), []
    for route in ROUTES:
        if route.names_nothing and "GET" in TABLE.get(route.key, ()) and not route.pattern.startswith("admin/"):
            answer, _ = ask(cast, role, "GET", route.address(cast.private))
            text = answer.getvalue().decode()  # of a stream too
            if "Secret " in text or any(pk in text for pk in cast.private.ids):
                told_of.append(route.key)
    assert told_of == []


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["other", "clerk", "superuser"])
def test_lists_and_counts_hold_ones_own_and_what_is_shared(role):
    """F85: no list, count or page of the site tells of another person's private things, to staff neither."""
    cast = make_cast()
    mine = give_belongings(cast.people[role], name="Own")
    kinds = {"datasets": "dataset", "runs": "run", "races": "race", "models": "model"}
    for name, kind in kinds.items():
        answer = json.loads(ask(cast, role, "GET", f"/api/v1/{name}/")[0].content)
        seen = {getattr(mine, kind).pk, getattr(cast.shared, kind).pk}
        assert {row["id"] for row in answer["results"]} == seen, name
        assert answer["count"] == 2, name
        for narrowed in (f"?search={getattr(cast.private, kind).name}", f"?dataset={cast.private.dataset.pk}"):
            rows = json.loads(ask(cast, role, "GET", f"/api/v1/{name}/{narrowed}")[0].content)["results"]
            assert not {row["id"] for row in rows} & cast.private.ids, (name, narrowed)
    lyrics = json.loads(ask(cast, role, "GET", "/api/v1/lyrics/")[0].content)["results"]
    assert [row["id"] for row in lyrics] == [mine.lyric.pk]
    collections = json.loads(ask(cast, role, "GET", "/api/v1/collections/")[0].content)
    assert ([row["id"] for row in collections["results"]], collections["count"]) == ([mine.collection.pk], 1)
    pages = ("home", "account", "training:dataset-list", "training:dataset-combine", "training:run-list")
    pages += ("training:race-list", "training:model-list", "training:run-compare", "generator:compose")
    for page in (*pages, "generator:side-by-side", "generator:lyric-list", "generator:collection-list"):
        text = ask(cast, role, "GET", reverse(page))[0].content.decode()
        assert "Secret" not in text, page
        assert not [pk for pk in cast.private.ids if pk in text], page
