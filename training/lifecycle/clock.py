"""Moments by the database's clock."""

from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now


def from_now(seconds: float):
    """The moment ``seconds`` from now (in the past when negative), as an expression for the database."""
    return Now() + timedelta(seconds=seconds)


def lease_end():
    return from_now(settings.LEASE_SECONDS)
