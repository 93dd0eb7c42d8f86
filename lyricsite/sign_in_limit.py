"""Guessing of passwords: one count of tries for all doors that take one."""

import hashlib
import ipaddress
import logging
from time import time

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.core.cache import cache
from django.core.exceptions import ValidationError
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

MINUTE = 60
KEPT_SECONDS = 2 * MINUTE  # longer than the minute that a key is of: no count ends while it is counted


class TooManyTries(ValidationError):
    """Raised instead of looking at a password: a form shows the sentence, the API answers 429.

    Being a ``ValidationError``, it needs no form of ours: Django's own, in the admin too, turn it into their error.
    """

    def __init__(self, retry_seconds: int) -> None:
        super().__init__(f"Too many tries with this user name. Wait {retry_seconds} seconds, then try again.")
        self.retry_seconds = retry_seconds


class LimitedModelBackend(ModelBackend):
    """Looks at so many passwords a minute for one user name from one address (`settings.SIGN_IN_TRIES_A_MINUTE`).

    A try is counted before the password is looked at, so that many at the same moment are no more than many in a row,
    and whether or not anybody has that name, so that the limit tells nothing. The right password forgets the count.
    """

    def authenticate(self, request, username=None, password=None, **others):
        key = _key(request, username)
        tries = _count(key)
        if tries > settings.SIGN_IN_TRIES_A_MINUTE:
            if tries == settings.SIGN_IN_TRIES_A_MINUTE + 1:
                logger.warning("Too many tries to sign in as %s from %s", username, _network(request))
            raise TooManyTries(MINUTE - int(time()) % MINUTE)
        user = super().authenticate(request, username=username, password=password, **others)
        if user is not None:
            _forget(key)
        return user


def _key(request, username: str | None) -> str:
    """Where the tries of this minute are counted; a digest, as a name may be long and hold anything."""
    who = hashlib.sha256(f"{_network(request)} {username}".encode()).hexdigest()
    return f"sign-in:{int(time()) // MINUTE}:{who}"


def _network(request) -> str:
    """Who is connected: the address, or of IPv6 the network, in which one household has 2**64 addresses.

    That is the web server's word. It believes an ``X-Forwarded-For`` from the proxies in FORWARDED_ALLOW_IPS alone.
    """
    told = request.META.get("REMOTE_ADDR", "") if request is not None else ""
    try:
        address = ipaddress.ip_address(told)
    except ValueError:  # a unix socket has none
        return told
    address = getattr(address, "ipv4_mapped", None) or address
    return str(address if address.version == 4 else ipaddress.ip_network(f"{address}/64", strict=False))


def _count(key: str) -> int:
    """Count one more try, and say how many there were; none where the cache is away: people may go on signing in."""
    try:
        cache.add(key, 0, KEPT_SECONDS)
        return cache.incr(key)
    except (RedisError, OSError) as problem:
        logger.warning("Tries to sign in are not counted: the cache does not answer (%s)", type(problem).__name__)
        return 0


def _forget(key: str) -> None:
    """Begin at nought again. The key stays: one deleted between another's `add` and `incr` would break that count."""
    try:
        cache.set(key, 0, KEPT_SECONDS)
    except (RedisError, OSError):
        return  # it was said when the try was not counted
