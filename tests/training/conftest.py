"""What tests of the storage may ask for."""

from collections.abc import Iterator

import pytest

from tests.object_store import KEYS, Bucket, new_bucket, running_store


@pytest.fixture(scope="session")
def object_store() -> Iterator[str]:
    with running_store() as address:
        yield address


@pytest.fixture
def bucket(object_store, settings, monkeypatch) -> Iterator[Bucket]:
    """Files are kept in an object store, in an empty bucket."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with new_bucket(object_store) as made:
        settings.STORAGES = settings.STORAGES | {"default": made.settings()}
        yield made
