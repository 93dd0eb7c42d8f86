"""A ZIP archive of text files: the folder is the artist, the file the song, or several songs."""

import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import BinaryIO

from .binary import is_binary, is_markup, signature_of
from .encoding import decoded_chunks, detect_encoding
from .importer import CountedStream, Importer, Progress, Sample
from .plain_text import PlainText, likely_separator
from .records import ImportRefused, ParsedSong, Reason, RowError
from .zip_directory import DEFLATED, STORED, Member, read_directory
from .zip_members import DamagedMember, MemberStream

_HEAD_BYTES = 64 * 1024
_TEXT_EXTENSIONS = (".txt", ".text", ".lyrics", "")
_ARCHIVE_EXTENSIONS = (".zip", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".jar")
_SYSTEM_NAMES = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
_DRIVE = re.compile(r"[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Word, Excel, OpenDocument and EPUB files are ZIP archives too.
_DOCUMENT_MEMBERS = frozenset({"[Content_Types].xml", "mimetype"})


class ZipOfTexts(Importer):
    """Songs out of the text files of a ZIP archive. Each member has its own encoding and its own separator."""

    name = "zip"
    title = "ZIP of text files"
    is_text = False

    @classmethod
    def recognise(cls, sample: Sample) -> float:
        return 1.0 if sample.head.startswith((b"PK\3\4", b"PK\5\6")) else 0.0

    def records(self, stream: BinaryIO, progress: Progress | None = None) -> Iterator[ParsedSong | RowError]:
        members = read_directory(stream, self.limits)
        if any(member.name in _DOCUMENT_MEMBERS for member in members):
            raise ImportRefused(
                "This is a Word, Excel or e-book document. Save it as CSV or plain text and upload that."
            )
        files = [member for member in members if not member.is_folder]
        problems = list(_problems(files))
        _refuse_if_nothing_is_left(files, problems)
        number = 0
        for member, problem in zip(files, problems, strict=True):
            if problem:
                number += 1
                yield RowError(number, 1, member.name, *problem)
                continue
            for item in self._songs(stream, member, number + 1, progress):
                number = item.record_number
                yield item

    def _songs(
        self, stream: BinaryIO, member: Member, number: int, progress: Progress | None
    ) -> Iterator[ParsedSong | RowError]:
        """The songs of one member, or the one error it is. It is read twice: first whole, to trust it."""
        try:
            encoding = detect_encoding(MemberStream(stream, member), self.options.encoding)
            head = MemberStream(stream, member).read(_HEAD_BYTES)
            text = "".join(decoded_chunks(io.BytesIO(head), encoding.name))
        except DamagedMember:
            message = "This member of the archive is damaged."
            yield RowError(number, 1, member.name, Reason.MALFORMED, message)
            return
        if problem := _content_problem(head, text, encoding.name):
            yield RowError(number, 1, member.name, *problem)
            return
        separator = self.options.separator or likely_separator(text)
        options = replace(self.options, encoding=encoding.name, separator=separator)
        texts = PlainText(options, filename=member.name, limits=self.limits)
        counted = CountedStream(stream, progress)
        songs = texts.songs(MemberStream(counted, member), first_number=number, artist=_artist(member.name))
        is_empty = True
        for song in songs:
            is_empty = False
            yield replace(song, column=member.name) if isinstance(song, RowError) else song
        if is_empty:
            yield RowError(number, 1, member.name, Reason.EMPTY, "There is nothing in this file.")


def _artist(name: str) -> str:
    return PurePosixPath(name).parent.name


def _problems(files: list[Member]) -> Iterator[tuple[Reason, str] | None]:
    """For each member what its entry alone says against it."""
    times = Counter()
    for member in files:
        times[member.name] += 1
        if times[member.name] > 1:
            yield Reason.MALFORMED, "The archive has another member of the same name."
        else:
            yield _problem(member)


def _problem(member: Member) -> tuple[Reason, str] | None:
    parts = member.name.split("/")
    if member.name.startswith("/") or ".." in parts or _DRIVE.match(member.name) or _CONTROL.search(member.name):
        return Reason.UNSAFE_PATH, "The name of this member points out of the archive."
    if member.is_link:
        return Reason.UNSAFE_PATH, "This member is a link to another file."
    if parts[-1].startswith(".") or any(part.casefold() in _SYSTEM_NAMES for part in parts):
        return Reason.JUNK, "This is a file of the operating system, not a song."
    extension = PurePosixPath(parts[-1]).suffix.lower()
    if extension in _ARCHIVE_EXTENSIONS:
        return Reason.BINARY, "Archives inside archives are not opened. Unpack it first."
    if member.is_encrypted:
        return Reason.BINARY, "This member is encrypted. Pack the archive without a password."
    if member.method not in (STORED, DEFLATED):
        return (
            Reason.BINARY,
            "This member is packed by a method other than ZIP's usual one. Pack it again as plain ZIP.",
        )
    if extension not in _TEXT_EXTENSIONS:
        return Reason.JUNK, "Only .txt files are read from an archive. Upload a table or JSON by itself."
    return None


def _content_problem(head: bytes, text: str, encoding: str) -> tuple[Reason, str] | None:
    if head.startswith(b"PK\3\4"):
        return Reason.BINARY, "Archives inside archives are not opened. Unpack it first."
    if found := signature_of(head):
        return Reason.BINARY, f"This is {found[0]}, not a text."
    if is_binary(head, text, encoding):
        return Reason.BINARY, "This is not a text."
    if is_markup(text):
        return Reason.JUNK, "This is a web page or an XML document, not a song."
    return None


def _refuse_if_nothing_is_left(files: list[Member], problems: list[tuple[Reason, str] | None]) -> None:
    if not files:
        raise ImportRefused("There are no files in this archive.")
    if all(problems):
        (_, message), name = problems[0], files[0].name
        raise ImportRefused(f"There is no text file in this archive that can be read. {name[:100]}: {message}")
