"""People and the tokens their programs carry."""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone


class User(AbstractUser):
    """A person who signs in; ours from the first migration, so that it can grow."""


class ApiTokenQuerySet(models.QuerySet):
    def usable(self) -> "ApiTokenQuerySet":
        return self.filter(expires_at__gt=Now(), user__is_active=True)


class ApiToken(models.Model):
    """A bearer token; only its hash is kept, so a stolen database opens nothing."""

    class Scope(models.TextChoices):
        READ = "read", "read only"
        WRITE = "write", "read and write"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100, default="token")
    prefix = models.CharField(max_length=8, help_text="The first characters, to recognise a token by.")
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token, in hexadecimal.")
    scope = models.CharField(max_length=5, choices=Scope.choices, default=Scope.WRITE)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        verbose_name = "API token"
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @staticmethod
    def digest_of(token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()

    @classmethod
    def issue(cls, *, user: User, name: str = "", scope: str = Scope.WRITE) -> tuple["ApiToken", str]:
        """Make a token for ``user``; the second value is the token itself, shown this once."""
        token = secrets.token_urlsafe(32)
        row = cls.objects.create(
            user=user,
            name=name or "token",
            prefix=token[:8],
            digest=cls.digest_of(token),
            scope=scope,
            expires_at=timezone.now() + timedelta(days=settings.TOKEN_DAYS),
        )
        return row, token
