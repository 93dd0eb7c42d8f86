"""What every answer of the site holds to, whoever asks and whatever they typed."""

import logging
import os
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from lyricsite import health
from lyricsite.logging import OneLineFormatter
from lyricsite.models import ApiToken
from tests.conftest import PASSWORD, make_user
from tests.faults.people import close, database_digest, every_route, give_belongings
from training.models import Checkpoint, Song, TrainingRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def things(user):
    return give_belongings(user)


# ── Fields that are not the sender's to write ────────────────────────────────────────────────────────────────────
FOREIGN = {
    "id": "forged",
    "pk": "forged",
    "owner": "tom",
    "owner_id": 1,
    "user": 1,
    "state": "succeeded",
    "attempts": 99,
    "priority": 9,
    "place": -1,
    "lease_token": "00000000-0000-0000-0000-000000000000",
    "lease_expires_at": "2030-01-01T00:00:00Z",
    "is_staff": True,
    "is_superuser": True,
    "sha256": "f" * 64,
    "model_sha256": "f" * 64,
    "folder": "/etc",
    "manifest": {},
    "version": 99,
    "created_at": "2001-01-01T00:00:00Z",
}


def own_columns(row) -> dict:
    kept = type(row).objects.values().get(pk=row.pk)
    return {name: value for name, value in kept.items() if name != "updated_at"}


def test_fields_of_the_platform_are_not_written_by_patches(api, things, other_user):
    """F86: state, owner, lease and hashes stay as they were, whatever else a PATCH names."""
    doors = {
        f"/api/v1/datasets/{things.dataset.pk}/": things.dataset,
        f"/api/v1/models/{things.model.pk}/": things.model,
        f"/api/v1/lyrics/{things.lyric.pk}/": things.lyric,
    }
    for address, row in doors.items():
        before = own_columns(row)
        assert api.patch(address, FOREIGN).status_code in (200, 400), address
        assert own_columns(row) == before, address


def test_a_new_run_is_its_senders_and_waits_like_any_other(api, things, user, doorbells):
    """F86: a POST that names an owner, a state, a lease and a priority gets none of them."""
    answer = api.post("/api/v1/runs/", FOREIGN | {"dataset": things.dataset.pk, "architecture": "lstm"})
    assert answer.status_code == 202, answer.content
    run = TrainingRun.objects.get(pk=answer.json()["id"])
    assert (run.owner, run.state, run.attempts, run.priority, run.lease_token) == (user, "queued", 0, 0, None)
    assert run.pk != "forged"


def test_who_signs_up_becomes_no_staff(client):
    """F86: is_staff in the form of sign-up is nobody's to send."""
    form = {"username": "eve", "password1": PASSWORD, "password2": PASSWORD, "is_staff": "on", "is_superuser": "on"}
    assert client.post(reverse("sign-up"), form).status_code == 302
    eve = type(make_user("x")).objects.get(username="eve")
    assert (eve.is_staff, eve.is_superuser) == (False, False)


# ── Filters and orderings through foreign columns ────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("name", ["datasets", "runs", "races", "models", "lyrics"])
@pytest.mark.parametrize(
    "query",
    [
        "owner__password__startswith=md5",
        "owner__username=nobody",
        "_connector=OR",
        "_negated=1",
        "ordering=owner__password",
        "ordering=-owner__password",
        "owner=999",
        "pk__in=1",
    ],
)
def test_no_column_of_another_table_decides_what_a_list_holds(api, things, name, query):
    """F87: such a parameter is refused, or changes neither rows nor order."""
    plain, asked = api.get(f"/api/v1/{name}/"), api.get(f"/api/v1/{name}/?{query}")
    assert asked.status_code in (200, 400)
    if asked.status_code == 200:
        assert [row["id"] for row in asked.json()["results"]] == [row["id"] for row in plain.json()["results"]]


# ── Scripts in every text ────────────────────────────────────────────────────────────────────────────────────────
XSS = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "'><svg/onload=alert(1)>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "` onclick=alert(1) `",
    "javascript:alert(1)",
    "<a href=javascript:alert(1)>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<math><mtext></math><img src onerror=alert(1)>",
    "<!--<script>alert(1)//-->",
    "]]><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "{{constructor.constructor('alert(1)')()}}",
    "{% load x %}<b x-on:click=alert(1)>",
    "\u2028</style><style>@import'//x'",
    "<body onpageshow=alert(1)><base href=//x>",
]


LEADS = ("href", "src", "action", "formaction", "data", "xlink:href", "hx-get", "hx-post")


class Alarm(HTMLParser):
    """Notes every element, handler or address that could run what somebody typed."""

    def __init__(self) -> None:
        super().__init__()
        self.found, self.script = [], None

    def handle_starttag(self, tag, attributes):
        self.script = dict(attributes) if tag == "script" else None
        typed = [f"{name}={value}" for name, value in attributes if name.startswith("on") and "alert" in (value or "")]
        leads = [(name, value or "") for name, value in attributes if name in LEADS]
        typed += [f"{name}={value}" for name, value in leads if value.strip().startswith("javascript:")]
        if typed or tag in ("iframe", "base", "math"):
            self.found.append((tag, *typed))

    def handle_data(self, data):
        is_data = self.script is not None and self.script.get("type") in ("application/json", "importmap")
        if self.script is not None and not is_data and "alert(1)" in data:
            self.found.append(("script", data[:80]))

    def handle_endtag(self, tag):
        self.script = None


def alarms(page: str) -> list:
    alarm = Alarm()
    alarm.feed(page)
    return alarm.found


def test_the_alarm_hears():
    """F88: the parser finds each thing that it is there for."""
    assert alarms("<script>alert(1)</script>")
    assert alarms("<img src=x onerror=alert(1)>")
    assert alarms("<a href=' javascript:alert(1)'>x</a>")
    assert not alarms('<script type="application/json">"alert(1)"</script>&lt;script&gt;alert(1)')


@pytest.mark.parametrize("typed", XSS)
def test_what_somebody_typed_runs_nowhere(typed, staff_user, monkeypatch):
    """F88: in titles, lyrics, names, file names and errors, on every page that shows them and in the admin."""
    staff_user.username = staff_user.first_name = typed[:150]
    staff_user.save()
    things = give_belongings(staff_user, name=typed[:90])
    Song.objects.update(title=typed, artist=typed, genre=typed, text=typed)
    TrainingRun.objects.update(error=typed, phase=typed, error_code="diverged")
    things.dataset.files.update(original_name=typed)
    type(things.dataset).objects.update(error=typed, description=typed)
    Checkpoint.objects.update(name=typed)
    type(things.lyric).objects.update(text=typed, title=typed, prompt=typed, model_name=typed, tags=[typed])
    type(things.collection).objects.update(name=typed[:120], description=typed)
    client = Client()
    client.force_login(staff_user)
    pages = 0
    for route in every_route():
        if route.pattern.startswith(("api/", "metrics")) or "stream" in route.key or route.key.endswith("run-events"):
            continue
        answer = client.get(route.address(things))
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            pages += 1
            assert alarms(answer.content.decode()) == [], route.key
    assert pages > 60


# ── Headers of every answer ──────────────────────────────────────────────────────────────────────────────────────
def test_every_answer_says_what_a_browser_may_do_with_it(staff_user):
    """F89: content policy, nosniff, referrer, opener and frames, on each route and on errors too."""
    things = give_belongings(staff_user)
    client = Client(raise_request_exception=False)
    client.force_login(staff_user)
    for address in ["/nowhere/", "/api/v1/nowhere/", *(route.address(things) for route in every_route())]:
        answer = client.get(address)
        policy = answer["Content-Security-Policy"]
        close(answer)
        is_wider = address.startswith(("/admin/", "/api/docs/"))
        assert policy == "sandbox" or (
            all(f"{name} 'none'" in policy for name in ("object-src", "base-uri", "frame-ancestors", "default-src"))
            and (is_wider or "unsafe" not in policy)
        ), (address, policy)
        assert answer["X-Content-Type-Options"] == "nosniff", address
        assert answer["Referrer-Policy"] == ("no-referrer" if "/shared/" in address else "same-origin"), address
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin", address
        assert answer["X-Frame-Options"] == "DENY", address
        assert answer["X-Request-ID"], address


def test_cookies_are_for_the_site_alone(client, user):
    """F89: the session's cookie is closed to scripts, and neither is sent from other sites."""
    client.get(reverse("login"))
    answer = client.post(reverse("login"), {"username": "mara", "password": PASSWORD})
    assert answer.status_code == 302
    session = client.cookies["sessionid"]
    assert (session["httponly"], session["samesite"]) == (True, "Lax")
    assert client.cookies["csrftoken"]["samesite"] == "Lax"


# ── Writing without a CSRF token ─────────────────────────────────────────────────────────────────────────────────
def test_no_session_writes_without_its_csrf_token(staff_user, things):
    """F90: each unsafe method of each route, signed in and without the token, is refused and changes nothing."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(staff_user)
    mine = give_belongings(staff_user, name="Own")
    before = database_digest()
    for route in every_route():
        if route.key == "token-api":  # it takes a password instead of a session
            continue
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = client.generic(method, route.address(mine), "{}", content_type="application/json")
            assert answer.status_code in (403, 405, 415), (method, route.key, answer.status_code)
    assert database_digest() == before


# ── Tokens ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_token_is_found_nowhere_but_in_its_header(user, things, caplog):
    """F91: not in the log, not in pages, not in the database after it was used; another place for it is no key."""
    _, token = ApiToken.issue(user=user)
    caplog.set_level(logging.DEBUG)
    client = Client(headers={"Authorization": f"Bearer {token}"})
    assert client.get("/api/v1/runs/").status_code == 200
    assert client.get("/api/v1/runs/nothing/").status_code == 404
    session = Client()
    session.force_login(user)
    pages = "".join(session.get(address).content.decode() for address in ("/", "/account/", "/runs/"))
    kept = str(list(ApiToken.objects.values_list()))
    assert not [place for place in (caplog.text, pages, kept) if token in place]
    for name in ("token", "access_token", "api_key", "key"):
        assert Client().get(f"/api/v1/runs/?{name}={token}").status_code == 401
    assert Client(headers={"Authorization": f"Token {token}"}).get("/api/v1/runs/").status_code == 401
    assert Client(headers={"X-Api-Key": token}).get("/api/v1/runs/").status_code == 401


# ── An error of ours, in production ──────────────────────────────────────────────────────────────────────────────
def test_an_error_of_ours_tells_nothing_of_how_it_came(client, user, monkeypatch):
    """F103: a page or JSON with a request id, and neither trace nor query nor path."""
    assert not django_settings.DEBUG
    client.raise_request_exception = False

    def break_down(*arguments, **named):
        raise RuntimeError("SELECT secret FROM /srv/hidden/path")

    monkeypatch.setattr("lyricsite.views.overview", break_down)
    monkeypatch.setattr("training.models.datasets.OwnedQuerySet.visible_to", break_down)
    client.force_login(user)
    for address in ("/", "/runs/", "/api/v1/runs/"):
        answer = client.get(address, headers={"Accept": "text/html" if "api" not in address else "application/json"})
        assert answer.status_code == 500
        assert answer["X-Request-ID"]
        told = answer.content.decode()
        assert not re.search(r"Traceback|RuntimeError|SELECT|/srv/|\.py\b", told), address
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["request_id"] == answer["X-Request-ID"]


# ── A deployment ─────────────────────────────────────────────────────────────────────────────────────────────────
def manage(*words: str, **environment: str) -> subprocess.CompletedProcess:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "DATA_DIR") if name in os.environ}
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(
        command, cwd=django_settings.BASE_DIR, env=kept | environment, capture_output=True, text=True, timeout=120
    )


def test_a_server_does_not_start_without_a_secret_key():
    """F105: with a database of its own it needs a SECRET_KEY, and says so."""
    ended = manage("check", DATABASE_URL="postgres://nobody@127.0.0.1:1/none")
    assert ended.returncode != 0
    assert "Set SECRET_KEY" in ended.stderr


def test_a_deployment_has_nothing_to_warn_of():
    """F105: Django's own list for deployments, under the settings that the guide names."""
    ended = manage(
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        DATABASE_URL="postgres://nobody@127.0.0.1:1/none",
        SECRET_KEY="k3y-" + "only for this test 0123456789 abcdefghij" * 2,
        USES_HTTPS="1",
    )
    assert ended.returncode == 0, ended.stderr


def test_the_models_have_their_migrations():
    """F105: makemigrations --check finds nothing to add."""
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


# ── Logs ─────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "typed", ["a\nERROR forged", "a\r\nERROR forged", "a\x1b[2Jb", "a\u2028ERROR forged", "a\x85b", "a\x9b2Jb"]
)
def test_one_event_is_one_line(typed):
    """F115: line breaks and terminal codes in names arrive escaped in one line."""
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "song %s of %s", (typed, typed), None)
    line = OneLineFormatter().format(record)
    assert len(line.splitlines()) == 1
    assert line.isprintable()


# ── Parts that are down ──────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("part", ["database", "broker", "storage"])
def test_a_part_that_is_down_is_named_and_the_process_still_lives(client, monkeypatch, part):
    """F116: /readyz is 503 and says which part; /healthz is 200."""

    def refuse() -> str:
        raise ConnectionError("refused")

    monkeypatch.setitem(health.CHECKS, "broker", lambda: "answers")
    monkeypatch.setitem(health.CHECKS, part, refuse)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert not answer.json()["parts"][part]["ok"]
    assert client.get("/healthz").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_the_home_page_is_readable_while_only_redis_is_down(settings, user):
    """F116: a real connection to a port where nobody listens: pages are read all the same."""
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.CACHES = {
        "default": django_settings.CACHES["default"]
        | {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
    }
    cache.close()
    visitor, signed_in = Client(), Client()
    signed_in.force_login(user)
    assert visitor.get("/").status_code == 200
    assert signed_in.get("/").status_code == 200
    assert signed_in.get("/runs/").status_code == 200
    answer = visitor.get("/readyz")
    assert (answer.status_code, answer.json()["parts"]["broker"]["ok"]) == (503, False)
