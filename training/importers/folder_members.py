"""The files of a folder on disk, however many there are: by name, those of a folder before the folders in it."""

import os
import stat
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
    for path in _walk(root):
        problem = _problem(path, root)
        size = 0 if problem else path.stat().st_size
        members.append(FolderMember(root, path.relative_to(root).as_posix(), size, before, problem))
        before += size
    return members


def _walk(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders.sort()
        # os.walk does not go into folders that are links, and names them among the folders.
        links = [name for name in folders if Path(folder, name).is_symlink()]
        yield from (Path(folder, name) for name in sorted(files + links))


def _problem(path: Path, root: Path) -> Problem | None:
    if path.is_symlink():
        target = path.resolve()
        if not target.is_relative_to(root.resolve()) or not target.is_file():
            return Reason.UNSAFE_PATH, "This is a link that leads out of the folder, or to no file."
    # A pipe or a device would keep us waiting for ever.
    return None if stat.S_ISREG(path.stat().st_mode) else (Reason.JUNK, "This is no file that can be read.")
