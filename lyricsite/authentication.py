"""Bearer tokens for programs."""

from datetime import timedelta

from django.db import DatabaseError
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import SAFE_METHODS

from lyricsite.models import ApiToken, User
from training.asked_often import AskedOften
from training.database import is_away

USE_IS_NOTED_EVERY = timedelta(minutes=1)  # so that reading with a token is not a write each time
USABLE_TOKEN = AskedOften(lambda digest: ApiToken.objects.usable().filter(digest=digest).order_by(), digest="digest")
PERSON = AskedOften(lambda pk: User.objects.filter(pk=pk).order_by(), pk=-1)


class BearerTokenAuthentication(BaseAuthentication):
    """Reads ``Authorization: Bearer <token>``; anything else is left to the next authentication."""

    def authenticate(self, request):
        words = get_authorization_header(request).decode("latin-1").split()
        if not words or words[0].lower() != "bearer":
            return None
        if len(words) != 2:
            raise AuthenticationFailed("The header must read: Authorization: Bearer <token>")
        token = USABLE_TOKEN.first(digest=ApiToken.digest_of(words[1]))
        if token is None:
            raise AuthenticationFailed("This token is unknown, revoked or expired.")
        if token.scope == ApiToken.Scope.READ and request.method not in SAFE_METHODS:
            raise PermissionDenied("This token may only read.")
        self._note_use(token, only_reads=request.method in SAFE_METHODS)
        if (person := PERSON.first(pk=token.user_id)) is None:  # deleted in this moment, and the token with them
            raise AuthenticationFailed("This token is unknown, revoked or expired.")
        return person, token

    def authenticate_header(self, request) -> str:
        return 'Bearer realm="api"'

    @staticmethod
    def _note_use(token: ApiToken, *, only_reads: bool) -> None:
        """Note the use now and then. Where nothing can be written right now, reading goes on without it."""
        now = timezone.now()
        if token.last_used_at is not None and now - token.last_used_at <= USE_IS_NOTED_EVERY:
            return
        try:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        except DatabaseError as error:
            if not (only_reads and is_away(error)):
                raise


class BearerTokenScheme(OpenApiAuthenticationExtension):
    target_class = "lyricsite.authentication.BearerTokenAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer"}
