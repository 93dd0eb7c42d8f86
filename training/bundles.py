"""Several files, or a folder, as one file: a ZIP archive of our own that stores them as they are.

Everything behind the upload then deals with one file, that can be read again. Names are kept as words inside of the
archive; none of them becomes a path.
"""

import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import BinaryIO

from django.core.files.base import File

from training.errors import Invalid, TooLarge
from training.importers import Reason
from training.importers.folder_members import FolderMember, folder_members

_DATE = (1980, 1, 1, 0, 0, 0)  # the same files make the same bundle, whenever they come
_LINK = 0o120777 << 16
_UNIX = 3


def one_file(files: Sequence[File], *, limit_bytes: int | None = None) -> File:
    """The file itself if it is one, otherwise a bundle of them all.

    Raises: Invalid without a file; TooLarge once they hold more than ``limit_bytes`` together, as counted.
    """
    if not files:
        raise Invalid({"file": ["Choose a file."]})
    if len(files) == 1:
        return files[0]
    counted = _Counted(limit_bytes)
    names = unique_names(shown_name(file.name) for file in files)
    entries = ((_entry(name), counted.chunks(file)) for name, file in zip(names, files, strict=True))
    return _bundle(entries, name=f"{shown_name(files[0].name)} and {len(files) - 1} more.zip")


def folder_as_file(folder: Path) -> File:
    """A bundle of every file below ``folder``; links that lead out of it are named and not followed.

    Raises: OSError if a file cannot be read.
    """
    return _bundle(map(_of_member, folder_members(folder)), name=f"{shown_name(folder.resolve().name)}.zip")


def shown_name(name: str | None) -> str:
    """The last part of a file's name, without what cannot be shown."""
    last = PurePath(str(name or "").replace("\\", "/")).name
    return "".join(letter for letter in last if letter.isprintable())


def unique_names(names: Iterable[str]) -> list[str]:
    """The names with a number in those that came before, and a name for those that have none."""
    taken: dict[str, None] = {}
    for name in names:
        path = PurePath(name or "file")
        unique, number = path.name, 1
        while unique in taken:
            number += 1
            unique = f"{path.stem} ({number}){path.suffix}"
        taken[unique] = None
    return list(taken)


class _Counted:
    """Hands on the chunks of several files until they are more than the limit."""

    def __init__(self, limit_bytes: int | None) -> None:
        self.limit_bytes = limit_bytes
        self.bytes = 0

    def chunks(self, file: File) -> Iterator[bytes]:
        for chunk in file.chunks():
            self.bytes += len(chunk)
            if self.limit_bytes is not None and self.bytes > self.limit_bytes:
                raise too_large(self.limit_bytes)
            yield chunk


def too_large(limit_bytes: int) -> TooLarge:
    return TooLarge(f"This is larger than {limit_bytes // 1024**2:,} MB. Split it, or ask an operator.")


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(name, _DATE)


def _of_member(member: FolderMember) -> tuple[zipfile.ZipInfo, Iterable[bytes]]:
    """A member as it goes into the bundle: one that will not be read goes without its content."""
    entry = _entry(member.name)
    if member.problem is None:
        return entry, _content(member)
    if member.problem[0] == Reason.UNSAFE_PATH:
        entry.create_system, entry.external_attr = _UNIX, _LINK
    return entry, ()


def _content(member: FolderMember) -> Iterator[bytes]:
    with member.open() as stream:
        while chunk := stream.read(shutil.COPY_BUFSIZE):
            yield chunk


def _bundle(entries: Iterable[tuple[zipfile.ZipInfo, Iterable[bytes]]], *, name: str) -> File:
    """A temporary file, gone once it is closed, with the entries as a ZIP archive that packs nothing."""
    bundle: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 - whoever gets it closes it
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_STORED) as archive:
        for entry, chunks in entries:
            with archive.open(entry, "w", force_zip64=True) as member:
                for chunk in chunks:
                    member.write(chunk)
    bundle.seek(0)
    return File(bundle, name=name)
