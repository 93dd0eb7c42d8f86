"""People sign up, sign in and make tokens; a token is shown once and kept as a hash."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from lyricsite.models import ApiToken, User
from tests.conftest import PASSWORD


def whoami(token: str):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client.get("/api/v1/datasets/")


@pytest.mark.django_db
def test_signing_up_signs_in(client):
    answer = client.post(reverse("sign-up"), {"username": "new", "password1": PASSWORD, "password2": PASSWORD})
    assert answer.status_code == 302
    assert client.get(reverse("account")).status_code == 200


@pytest.mark.django_db
def test_a_weak_password_is_refused_at_its_field(client):
    answer = client.post(reverse("sign-up"), {"username": "new", "password1": "12345", "password2": "12345"})
    assert answer.status_code == 400
    assert "password2" in answer.context["form"].errors
    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_closed_server_has_no_sign_up_page(client, settings):
    settings.SIGN_UP_IS_OPEN = False
    assert client.get(reverse("sign-up")).status_code == 404


def test_the_api_gives_a_token_for_a_password(user, client):
    answer = client.post(
        "/api/v1/tokens/", {"username": "mara", "password": PASSWORD, "name": "phone"}, content_type="application/json"
    )
    assert answer.status_code == 201
    assert set(answer.json()) == {"token", "name", "expires_at"}
    assert whoami(answer.json()["token"]).status_code == 200


def test_a_wrong_password_is_a_401_with_a_challenge(user, client):
    answer = client.post("/api/v1/tokens/", {"username": "mara", "password": "no"}, content_type="application/json")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "body", [{}, {"username": "mara"}, {"username": ["x"], "password": 3}, {"username": "\0", "password": "x"}]
)
def test_a_malformed_request_for_a_token_is_a_400(user, client, body):
    assert client.post("/api/v1/tokens/", body, content_type="application/json").status_code == 400


def test_only_a_hash_of_the_token_is_kept(user):
    row, token = ApiToken.issue(user=user)
    stored = [str(value) for value in ApiToken.objects.values().get(pk=row.pk).values()]
    assert not any(token in value for value in stored)


def test_a_revoked_token_opens_nothing(user, signed_in):
    row, token = ApiToken.issue(user=user)
    assert whoami(token).status_code == 200
    signed_in.post(reverse("token-revoke", args=[row.pk]))
    assert whoami(token).status_code == 401


def test_nobody_revokes_anothers_token(other_user, signed_in):
    row, _ = ApiToken.issue(user=other_user)
    assert signed_in.post(reverse("token-revoke", args=[row.pk])).status_code == 404
    assert ApiToken.objects.filter(pk=row.pk).exists()


def test_an_expired_token_and_a_disabled_user_open_nothing(user):
    row, token = ApiToken.issue(user=user)
    ApiToken.objects.filter(pk=row.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert whoami(token).status_code == 401
    _, fresh = ApiToken.issue(user=user)
    User.objects.update(is_active=False)
    assert whoami(fresh).status_code == 401


def test_a_reading_token_may_not_write(user):
    _, token = ApiToken.issue(user=user, scope="read")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    assert client.get("/api/v1/runs/").status_code == 200
    assert client.post("/api/v1/runs/", {}).status_code == 403


def test_a_new_token_is_shown_once_on_the_page(signed_in, user):
    signed_in.post(reverse("token-create"), {"name": "script", "scope": "write"})
    first = signed_in.get(reverse("account"))
    token = first.context["fresh_token"]
    assert token in first.content.decode()
    assert whoami(token).status_code == 200
    assert token not in signed_in.get(reverse("account")).content.decode()


def test_the_account_page_lists_only_ones_own_tokens(signed_in, user, other_user):
    ApiToken.issue(user=user, name="mine")
    ApiToken.issue(user=other_user, name="theirs")
    page = signed_in.get(reverse("account")).content.decode()
    assert "mine" in page
    assert "theirs" not in page


@pytest.mark.django_db
def test_the_account_page_says_what_one_keeps_and_may_keep(signed_in, user, settings):
    settings.STORAGE_PER_USER_BYTES = 3 * 1024**3
    words = " ".join(signed_in.get(reverse("account")).content.decode().replace("\xa0", " ").split())
    assert "take 0 bytes of the 3.0 GB that you may keep." in words
    User.objects.update(is_staff=True)
    assert "that you may keep" not in signed_in.get(reverse("account")).content.decode()


def test_the_command_prints_a_token_that_works(user, capsys):
    call_command("create_token", "mara")
    assert whoami(capsys.readouterr().out.strip()).status_code == 200


@pytest.mark.django_db
def test_the_command_names_a_user_that_does_not_exist():
    with pytest.raises(CommandError, match="nobody"):
        call_command("create_token", "nobody")


def test_a_token_in_the_address_is_no_key(user, client):
    _, token = ApiToken.issue(user=user)
    assert client.get(f"/api/v1/datasets/?token={token}").status_code == 401
