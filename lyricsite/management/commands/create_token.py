"""Print a new API token of a user."""

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from lyricsite.models import ApiToken


class Command(BaseCommand):
    help = "Print a new API token of a user. It is shown this once; only its hash is kept."

    def add_arguments(self, parser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="command line")
        parser.add_argument("--scope", choices=ApiToken.Scope.values, default=ApiToken.Scope.WRITE)

    def handle(self, *, username: str, name: str, scope: str, **options) -> None:
        user = get_user_model().objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user called {username!r}.")
        _, token = ApiToken.issue(user=user, name=name, scope=scope)
        self.stdout.write(token)
