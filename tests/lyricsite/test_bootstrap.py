"""The first start makes an administrator and a songbook, and later starts leave both alone."""

import stat

import pytest
from django.contrib.auth import authenticate, get_user_model

from lyricsite import bootstrap
from training.models import Dataset


@pytest.fixture(autouse=True)
def _own_data_dir(tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "DATA_DIR", tmp_path)


@pytest.mark.django_db
def test_the_administrator_can_sign_in_with_the_password_that_is_kept(tmp_path):
    password = bootstrap.ensure_administrator()
    kept = tmp_path / bootstrap.PASSWORD_FILE
    assert kept.read_text().strip() == password
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert authenticate(username="admin", password=password).is_superuser


@pytest.mark.django_db
def test_a_second_start_changes_no_password():
    bootstrap.ensure_administrator()
    assert bootstrap.ensure_administrator() is None
    assert get_user_model().objects.count() == 1


@pytest.mark.django_db
def test_an_existing_administrator_is_respected(staff_user):
    assert bootstrap.ensure_administrator() is None


@pytest.mark.django_db
def test_the_songbook_is_imported_once_and_shared(other_user):
    bootstrap.ensure_administrator()
    assert bootstrap.ensure_songbook() is True
    songbook = Dataset.objects.visible_to(other_user).get()
    assert (songbook.state, songbook.name) == ("ready", "Starter songbook")
    assert songbook.songs_in_use().count() >= 120
    assert bootstrap.ensure_songbook() is False


@pytest.mark.django_db
def test_a_songbook_that_was_deleted_does_not_come_back_beside_other_datasets(ready_dataset):
    bootstrap.ensure_administrator()
    assert bootstrap.ensure_songbook() is False
