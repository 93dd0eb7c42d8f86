"""What a member of an archive or folder is, and which names no song file has."""

import re
from typing import BinaryIO, Protocol

from .importer import Progress
from .records import Reason

Problem = tuple[Reason, str]

TEXT_EXTENSIONS = (".txt", ".text", ".lyrics", "")
TABLE_EXTENSIONS = (".csv", ".tsv", ".tab")
_ARCHIVE_EXTENSIONS = (".zip", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".jar")
_SYSTEM_NAMES = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
# What people pack beside their songs. With another ending these can be songs' names.
_NOTES = frozenset({"readme", "readme.txt", "license", "licence", "copying", "changelog", "makefile"})
_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
NESTED = (Reason.BINARY, "Archives inside archives are not opened. Unpack it first.")


class Member(Protocol):
    """One file of an archive or of a folder.

    ``name`` has ``/`` between its parts and is never used as a path; ``problem`` is what speaks against the member
    before it is opened; ``bytes`` is how much it claims to hold.
    """

    name: str
    problem: Problem | None
    bytes: int

    def open(self, progress: Progress | None = None) -> BinaryIO:
        """The member's bytes from their beginning, as a context manager with ``read``, ``tell`` and ``seek``.

        Calls ``progress`` with how far into the whole archive reading has come.
        """


def problem_of_name(name: str) -> Problem | None:
    """What a member's name says against it: it points elsewhere, or no song is called so."""
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or _DRIVE.match(name) or _CONTROL.search(name):
        return Reason.UNSAFE_PATH, "The name of this member points out of the archive."
    if parts[-1].startswith(".") or any(part.casefold() in _SYSTEM_NAMES for part in parts):
        return Reason.JUNK, "This is a file of the operating system, not a song."
    if parts[-1].casefold() in _NOTES:
        return Reason.JUNK, "This is a note about the archive, not a song."
    return NESTED if extension_of(name) in _ARCHIVE_EXTENSIONS else None


def extension_of(name: str) -> str:
    """The name's ending in lower case with its dot; of ``x.csv.gz`` that is ``.csv``."""
    last = name.rpartition("/")[2].lower().removesuffix(".gz")
    stem, dot, ending = last.rpartition(".")
    return dot + ending if stem and ending else ""


def folder_of(name: str) -> str:
    """The name of the folder that the member lies in, or the empty string."""
    return name.rpartition("/")[0].rpartition("/")[2]
