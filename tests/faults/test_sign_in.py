"""Guessing of passwords: all doors count together, many at once are no more than many in a row, others go on."""

import logging
from itertools import cycle, islice

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core.cache import cache
from django.test import Client, RequestFactory
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from lyricsite import sign_in_limit
from tests.conftest import PASSWORD
from tests.faults.private_broker import PrivateBroker
from tests.training.runs import in_threads

LIMIT = 20
DOORS = ("/sign-in/", "/admin/login/", "/api/v1/tokens/")
SENTENCE = "Too many tries with this user name."
GUESS = {"username": "ada", "password": "wrong"}


class CountingHasher(MD5PasswordHasher):
    """Notes how many passwords it was given to look at."""

    looked_at = 0

    def verify(self, password, encoded):
        CountingHasher.looked_at += 1
        return super().verify(password, encoded)

    def must_update(self, decoded):
        return False


@pytest.fixture(autouse=True)
def at_one_minute(monkeypatch):
    """A clock that stands still: the count is of a minute, and a test must not see two."""
    clock = {"now": 1_800_000_015.0}
    monkeypatch.setattr(sign_in_limit, "time", lambda: clock["now"])
    return clock


@pytest.fixture
def passwords_looked_at(settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]
    CountingHasher.looked_at = 0
    return CountingHasher


@pytest.fixture
def redis_cache(settings, tmp_path):
    """A cache in a real server, as an installation has it."""
    broker = PrivateBroker(tmp_path / "cache")
    broker.start()
    use_redis(settings, broker.port)
    yield broker
    cache.close()
    broker.kill()


def use_redis(settings, port: int) -> None:
    backend, location = "django.core.cache.backends.redis.RedisCache", f"redis://127.0.0.1:{port}/0"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": location}}


def post(door: str, form: dict, **how):
    kind = {"content_type": "application/json"} if door.startswith("/api/") else {}
    return Client().post(door, form, **kind, **how)


def knock(door: str, form: dict = GUESS, **how) -> str:
    """What a door says to a name and a password: ``wrong``, ``wait`` or ``welcome``."""
    answer = post(door, form, **how)
    if answer.status_code == 429:
        assert 1 <= int(answer["Retry-After"]) <= 60
        assert answer.json()["detail"].startswith(SENTENCE)
        return "wait"
    if answer.status_code in (201, 302):
        return "welcome"
    assert answer.status_code == (401 if door.startswith("/api/") else 200)
    return "wait" if SENTENCE in answer.content.decode() else "wrong"


def test_thirty_bad_tries_at_any_doors_are_twenty_that_are_looked_at(staff_user, passwords_looked_at):
    """F92: one count for the site's form, the admin's and the API's; whoever goes on is told to wait."""
    told = [knock(door) for door in islice(cycle(DOORS), 30)]
    assert told == ["wrong"] * LIMIT + ["wait"] * 10
    assert passwords_looked_at.looked_at == LIMIT
    assert [knock(door, GUESS | {"password": PASSWORD}) for door in DOORS] == ["wait"] * 3
    assert passwords_looked_at.looked_at == LIMIT


@pytest.mark.django_db
def test_a_name_that_nobody_has_is_counted_alike():
    """F92: the limit does not tell who exists."""
    told = [knock("/api/v1/tokens/", {"username": "nobody", "password": "wrong"}) for _ in range(25)]
    assert told == ["wrong"] * LIMIT + ["wait"] * 5


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("store", ["memory", "redis"])
def test_fifty_at_the_same_moment_are_no_more_than_fifty_in_a_row(staff_user, request, store):
    """F92: counted before the password is looked at, in one step that no two take together."""
    if store == "redis":
        request.getfixturevalue("redis_cache")
    knock(DOORS[0], {"username": "somebody", "password": "wrong"})  # what is loaded once is loaded
    told = in_threads(*[lambda door=door: knock(door) for door in islice(cycle(DOORS), 50)])
    assert (told.count("wrong"), told.count("wait")) == (LIMIT, 30)


def test_another_forwarded_address_each_time_gives_no_more_tries(staff_user):
    """F92, F101: who is connected is counted, not who they say they are."""
    headers = [
        {"X-Forwarded-For": f"203.0.113.{number}", "Forwarded": f"for=203.0.113.{number}"} for number in range(30)
    ]
    told = [knock(door, headers=header) for door, header in zip(cycle(DOORS), headers, strict=False)]
    assert told == ["wrong"] * LIMIT + ["wait"] * 10


def test_a_proxy_that_is_trusted_says_who_is_connected():
    """F92: FORWARDED_ALLOW_IPS tells our web server whose word to take; nobody else's is taken."""
    trusting = ProxyHeadersMiddleware(_told_client, trusted_hosts="10.0.0.1")
    assert client_of(trusting, connected="10.0.0.1", forwarded="203.0.113.5") == "203.0.113.5"
    assert client_of(trusting, connected="10.0.0.1", forwarded="198.51.100.1, 203.0.113.5") == "203.0.113.5"
    assert client_of(trusting, connected="192.0.2.9", forwarded="203.0.113.5") == "192.0.2.9"


async def _told_client(scope, receive, send):
    await send(scope["client"][0])


def client_of(server, *, connected: str, forwarded: str) -> str:
    """The address that a request has in the end."""
    told = []

    async def send(address):
        told.append(address)

    headers = [(b"x-forwarded-for", forwarded.encode())]
    asked = server({"type": "http", "client": (connected, 4711), "headers": headers, "scheme": "http"}, None, send)
    with pytest.raises(StopIteration):
        asked.send(None)
    return told[0]


def test_one_household_has_one_count_whatever_its_address():
    """F92: an IPv6 network is one neighbour, and an IPv4 address in IPv6 clothes is itself."""
    asked = {
        "2001:db8:1:2::1": "2001:db8:1:2::/64",
        "2001:db8:1:2:ffff::9": "2001:db8:1:2::/64",
        "2001:db8:1:3::1": "2001:db8:1:3::/64",
        "::ffff:192.0.2.7": "192.0.2.7",
        "192.0.2.8": "192.0.2.8",
        "": "",
    }
    requests = RequestFactory()
    assert {told: sign_in_limit._network(requests.get("/", REMOTE_ADDR=told)) for told in asked} == asked


def test_others_sign_in_from_the_same_address(staff_user, other_user):
    """F92: whoever is guessed at waits; the neighbour at the same address does not."""
    for door in islice(cycle(DOORS), 30):
        knock(door)
    assert knock("/sign-in/", {"username": "tom", "password": PASSWORD}) == "welcome"
    assert knock("/api/v1/tokens/", {"username": "tom", "password": PASSWORD}) == "welcome"
    assert knock("/sign-in/", GUESS | {"password": PASSWORD}, REMOTE_ADDR="192.0.2.77") == "welcome"


def test_the_right_password_forgets_the_wrong_ones(staff_user):
    """F92: people who mistype now and then are never told to wait."""
    for _ in range(3):
        assert [knock(door) for door in islice(cycle(DOORS), LIMIT - 1)] == ["wrong"] * (LIMIT - 1)
        assert knock("/sign-in/", GUESS | {"password": PASSWORD}) == "welcome"


def test_the_next_minute_begins_at_nought(staff_user, at_one_minute):
    """F92: and the API says how long that is."""
    for _ in range(LIMIT):
        knock("/api/v1/tokens/")
    assert post("/api/v1/tokens/", GUESS)["Retry-After"] == "45"
    at_one_minute["now"] += 45
    assert knock("/api/v1/tokens/", GUESS | {"password": PASSWORD}) == "welcome"


def test_people_sign_in_while_the_cache_is_away(staff_user, settings, caplog):
    """F92: without a cache nothing is counted, which is said in the log, and no door is closed or broken."""
    use_redis(settings, port=1)  # where nobody listens
    cache.close()
    assert [knock(door) for door in DOORS] == ["wrong"] * 3
    assert [knock(door, GUESS | {"password": PASSWORD}) for door in DOORS] == ["welcome"] * 3
    assert "Tries to sign in are not counted" in caplog.text


def test_the_log_names_who_is_guessed_at_once(staff_user, caplog):
    """F92: an operator sees the attack, and not a line for each of its tries."""
    caplog.set_level(logging.WARNING, logger=sign_in_limit.__name__)
    for _ in range(30):
        knock("/sign-in/")
    assert [record.getMessage() for record in caplog.records if record.name == sign_in_limit.__name__] == [
        "Too many tries to sign in as ada from 127.0.0.1"
    ]
