"""Opaque identifiers: short enough to type, long enough that nobody guesses one."""

import secrets

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # no 0/o, 1/i/l: they get read aloud and copied by hand
LENGTH = 12  # 31^12 is about 2^59


def new_id() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
