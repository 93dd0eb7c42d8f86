"""The files of a folder on disk, however many there are: by name, those of a folder before the folders in it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .importer import CountedStream, Progress
from .members import Problem, problem_of_name
from .records import Reason


class FolderMember:
    """One file of a folder, see `members.Member`."""

    __slots__ = ("_before", "_path", "_root", "bytes", "name", "problem")

    def __init__(self, root: Path, path: str, size: int, before: int, problem: Problem | None):
        # A name on disk may be no text at all; where it is shown it has to be.
        self.name = path if path.isprintable() else path.encode(errors="replace").decode()
        self.bytes = size
        self.problem = problem or problem_of_name(path)
        self._root = root
        self._path = path
        self._before = before  # bytes of the files in front of this one

    def open(self, progress: Progress | None = None) -> "FolderStream":
        return FolderStream((self._root / self._path).open("rb"), self._before, progress)


class FolderStream(CountedStream):
    """An open file of a folder that tells how far into the folder reading has come, and closes itself."""

    def __init__(self, file: BinaryIO, before: int, progress: Progress | None):
        super().__init__(file, (lambda place: progress(before + place)) if progress else None)
        self._file = file

    def __enter__(self) -> "FolderStream":
        return self

    def __exit__(self, *_) -> None:
        self._file.close()


def folder_members(root: Path) -> list[FolderMember]:
    """Every file below ``root`` with its name relative to it, in an order that each reading finds again.

    A link is followed where it leads to a file inside of the folder and is never followed out of it.
    """
    members, before = [], 0
    for path, entry in _walk(root, ""):
        problem = _problem(entry, root)
        size = 0 if problem else entry.stat().st_size
        members.append(FolderMember(root, path, size, before, problem))
        before += size
    return members


def _walk(folder: Path, inside: str) -> Iterator[tuple[str, os.DirEntry]]:
    """The files below ``folder`` by name, then those of its folders; a link to a folder counts as a file."""
    with os.scandir(folder) as entries:
        waiting = sorted(entries, key=lambda entry: entry.name, reverse=True)
    folders = []
    while waiting:  # let go of each one: with what it remembers of its file it is large
        entry = waiting.pop()
        if entry.is_dir(follow_symlinks=False):
            folders.append(entry.name)
        else:
            yield inside + entry.name, entry
    for name in folders:
        yield from _walk(folder / name, f"{inside}{name}/")


def _problem(entry: os.DirEntry, root: Path) -> Problem | None:
    if entry.is_symlink():
        target = Path(entry.path).resolve()
        if not target.is_relative_to(root.resolve()) or not target.is_file():
            return Reason.UNSAFE_PATH, "This is a link that leads out of the folder, or to no file."
    # A pipe or a device would keep us waiting for ever.
    return None if entry.is_file() else (Reason.JUNK, "This is no file that can be read.")
