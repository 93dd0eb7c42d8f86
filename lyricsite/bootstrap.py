"""What a fresh installation finds: an administrator and the starter songbook."""

import secrets
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command

from lyricsite.env import DATA_DIR
from training.models import Dataset, Visibility

ADMIN = "admin"
PASSWORD_FILE = "admin-password"  # noqa: S105 - the name of a file
SONGBOOK = "Starter songbook"
SONGBOOK_FILE = settings.BASE_DIR / "training" / "starter" / "songbook.jsonl"
SONGBOOK_DESCRIPTION = (
    "Original songs in eight genres, written for this project and free of all rights (CC0): "
    "something to train on in the first minute."
)


def ensure_administrator() -> str | None:
    """Make the administrator on the first start; return the password when one was made, else None."""
    users = get_user_model().objects
    if users.filter(is_superuser=True).exists() or users.filter(username=ADMIN).exists():
        return None
    password = secrets.token_urlsafe(12)
    keep_password(password, DATA_DIR / PASSWORD_FILE)
    users.create_superuser(username=ADMIN, password=password)
    return password


def keep_password(password: str, path: Path) -> None:
    """Write the password into a file that only its owner may read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(password + "\n")


def ensure_songbook() -> bool:
    """Import the starter songbook for the administrator, shared with everyone, where there is no dataset yet."""
    administrator = get_user_model().objects.filter(username=ADMIN).first()
    if administrator is None or Dataset.objects.exists():
        return False
    call_command(
        "import_songs", str(SONGBOOK_FILE), dataset=SONGBOOK, owner=ADMIN, stdout=StringIO(), stderr=StringIO()
    )
    Dataset.objects.filter(owner=administrator, name=SONGBOOK).update(
        visibility=Visibility.SHARED, description=SONGBOOK_DESCRIPTION
    )
    return True
