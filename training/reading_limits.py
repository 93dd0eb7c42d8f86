"""How much of a file is read, which depends on who brought it (reliability rule R20).

An operator's import from the command line may be of any size that the settings allow, and stays so when the file is
read again for other columns; so the name under which we store a file says how it came.
"""

from django.conf import settings

from training.importers import Limits
from training.models import DatasetFile

UPLOADED, BY_OPERATOR = ".upload", ".operator"


def upload_limits(owner) -> Limits:
    """The limits of what ``owner`` uploads; None stands for somebody who is no member of staff."""
    is_staff = owner is not None and owner.is_staff
    return Limits(archive_bytes=settings.STAFF_UPLOAD_LIMIT_BYTES) if is_staff else Limits()


def operator_limits() -> Limits:
    """The limits of what is imported from the command line."""
    return Limits(
        archive_members=settings.OPERATOR_ARCHIVE_MEMBERS,
        archive_bytes=settings.OPERATOR_ARCHIVE_BYTES,
        archive_ratio=settings.OPERATOR_ARCHIVE_RATIO,
        joined_rows=settings.OPERATOR_JOINED_ROWS,
        joined_characters=100 * settings.OPERATOR_JOINED_ROWS,
    )


def limits_for(stored: DatasetFile) -> Limits:
    """The limits for reading a stored file, whoever asks."""
    is_by_operator = stored.file.name.endswith(BY_OPERATOR)
    return operator_limits() if is_by_operator else upload_limits(stored.dataset.owner)
