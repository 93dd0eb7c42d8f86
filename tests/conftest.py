"""What every test may ask for: people, a client that is signed in, a small dataset, a folder for files."""

from pathlib import Path

import hypothesis
import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from rest_framework.test import APIClient

from lyricsite.models import ApiToken

PASSWORD = "correct horse 7 battery"

# No test is judged by its time: the first to need torch waits seconds for it, and so does everything on a busy machine.
hypothesis.settings.register_profile(
    "unhurried",
    parent=hypothesis.settings(),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix):
    """Remove what a killed test run left of its SQLite database: a stale write-ahead log breaks the next one.

    Tests that run side by side have a database each, by a suffix.
    """
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        name = str(database["TEST"]["NAME"])
        for suffix in ("", "-wal", "-shm"):
            Path(name + suffix).unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def _quiet_surroundings(settings, tmp_path):
    """No test writes into the data folder, asks a real cache or waits for a slow password hash."""
    settings.MEDIA_ROOT = tmp_path / "media"
    local = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": str(tmp_path)}
    settings.CACHES = {"default": local}  # of this test alone: what one counts must not stop another
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture
def doorbells(monkeypatch):
    """Record who was rung instead of talking to a broker."""
    from training import tasks

    rung = []
    monkeypatch.setattr(tasks, "ring_for_training", lambda: rung.append("training"))
    monkeypatch.setattr(tasks, "ring_for_import", lambda import_id: rung.append(import_id))
    return rung


def make_user(name: str, **fields):
    return get_user_model().objects.create_user(username=name, password=PASSWORD, **fields)


@pytest.fixture
def user(db):
    return make_user("mara")


@pytest.fixture
def other_user(db):
    return make_user("tom")


@pytest.fixture
def staff_user(db):
    return make_user("ada", is_staff=True, is_superuser=True)


@pytest.fixture
def signed_in(client, user):
    client.force_login(user)
    return client


def api_client(person) -> APIClient:
    _, token = ApiToken.issue(user=person, name="test")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


@pytest.fixture
def api(user):
    return api_client(user)


@pytest.fixture
def other_api(other_user):
    return api_client(other_user)


@pytest.fixture
def ready_dataset(user):
    """Twenty-four short songs of ``user``, imported and ready."""
    from tests.songs import make_ready_dataset

    return make_ready_dataset(user)
