"""Many files as one: the members of a ZIP archive or of a folder, each read in its own format and encoding.

ZIP directory ─┐
               ├─▶ members in their order ──▶ text_files.examine ──▶ its importer ──▶ join ──▶ numbered records
folder ────────┘                         └──▶ what is no song file: one RowError with the member's name
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import BinaryIO

from .columns import is_foreign_lyrics_name
from .encoding import DetectedEncoding
from .gzip_stream import GunzipStream, GzipTooLarge
from .importer import Findings, Progress
from .joins import Join, find_join
from .limits import Limits
from .members import TEXT_EXTENSIONS, Member, extension_of, folder_of
from .options import ImportOptions
from .poetry_folder import PoetryFolder
from .records import ImportRefused, ParsedSong, Reason, RowError
from .text_files import Examined, examine, records, unwrapped
from .zip_members import DamagedMember, LyingArchive

NAME = "zip"  # a folder is called so too: it is read in the same way, and kept as a ZIP archive
_SHOWN_COLUMNS = 20


class Archive:
    """The songs of many members.

    Args:
        options: what a person chose; a mapping holds for the tables that have all of its columns.
        is_preview: look at the beginning of large members and companion tables only.
    Raises: ImportRefused if no member can be a song file.
    """

    def __init__(
        self, members: Sequence[Member], options: ImportOptions, limits: Limits, *, is_preview: bool = False
    ) -> None:
        _refuse_if_nothing_is_left(members)
        self.members = members
        self.options = replace(options, format="")
        self.limits = limits
        self.is_preview = is_preview
        self._bytes_left = limits.archive_bytes  # for what gzip-wrapped members unpack to, all of them together
        self._progress: Progress | None = None
        self._place = 0  # how far reading has come
        self._join: Join | None = None
        self._last_examined: Examined | None = None
        self._unsure: tuple[Member, Examined] | None = None  # the first table whose lyrics column nobody named

    def records(self, progress: Progress | None = None) -> Iterator[ParsedSong | RowError]:
        """Every record of every member, numbered from 1 through all of them.

        Raises: ImportRefused where the archive turns out to be a trap.
        """
        self._progress = progress
        for number, item in enumerate(self._items(), start=1):
            yield replace(item, record_number=number)

    def preview(self, most_songs: int, most_records: int) -> tuple[Findings, list[ParsedSong], list[RowError]]:
        """What the archive is, and its first songs and errors."""
        songs, errors = _first(self.records(), most_songs, most_records)
        options = replace(self.options, format=NAME)
        looks_like = self._join.title if self._join else ""
        if not songs and self._unsure:
            member, examined = self._unsure
            with self._opened(member) as stream:
                songs, errors = _first(_readable_records(examined, stream), most_songs, most_records)
            options = replace(options, mapping=examined.findings.options.mapping)
            return replace(examined.findings, options=options), songs, errors
        if self._is_one_file_of_songs():
            found = self._last_examined.findings
            options = replace(options, mapping=found.options.mapping)
            return replace(found, options=options, looks_like=looks_like or found.looks_like), songs, errors
        return Findings(options, looks_like=looks_like), songs, errors

    @property
    def encoding(self) -> DetectedEncoding:
        """Each member has its own, unless a person chose one; a member that is alone speaks for all."""
        if self._is_one_file_of_songs():
            return self._last_examined.encoding
        return DetectedEncoding(self.options.encoding, 1.0)

    def _read_on(self, place: int) -> None:
        self._place = place
        if self._progress:
            self._progress(place)

    def _wait(self, _: int) -> None:
        """Say that work goes on where nothing is read for good: an import that is silent for long counts as dead."""
        self._read_on(self._place)

    def _items(self) -> Iterator[ParsedSong | RowError]:
        self._join = find_join(self.members, self.limits) or PoetryFolder.find(self.members, self.limits)
        for table in self._join.tables if self._join else ():
            yield from _guarded(table.member, self._join.load(table, is_preview=self.is_preview, progress=self._wait))
        companions = self._companions()
        for member in self.members:
            if member.problem:
                yield RowError(0, 1, _shown(member), *member.problem)
            elif member not in companions:
                yield from _guarded(member, self._records(member))

    def _records(self, member: Member) -> Iterator[ParsedSong | RowError]:
        """The member is read twice: first whole, to trust it and to know its encoding.

        Raises: DamagedMember, ImportRefused.
        """
        options = self._join.options_for(member.name, self.options) if self._join else self.options
        with self._opened(member, self._wait) as stream:
            examined = examine(stream, member.name, options, self.limits, quick=self.is_preview, is_member=True)
        self._last_examined = examined
        is_text = examined.importer.name == "txt"
        if is_text and extension_of(member.name) not in TEXT_EXTENSIONS:
            raise ImportRefused("This is neither a table nor JSON, and not named like a text.", reason=Reason.JUNK)
        if examined.findings.needs_mapping and not self._is_guess_good_enough(examined.findings):
            self._unsure = self._unsure or (member, examined)
            raise ImportRefused(_which_column(examined.findings))
        artist = folder_of(member.name) if is_text else ""
        is_empty = True
        with self._opened(member, self._read_on) as stream:
            for item in records(examined.importer, stream):
                is_empty = False
                yield self._completed(item, member, artist) if isinstance(item, ParsedSong) else item
            if isinstance(stream, GunzipStream):
                self._bytes_left -= stream.tell()
        if is_empty:
            raise ImportRefused("There is nothing in this file.", reason=Reason.EMPTY)

    @contextmanager
    def _opened(self, member: Member, progress: Progress | None = None) -> Iterator[BinaryIO]:
        with member.open(progress) as packed:
            stream = unwrapped(packed, self.limits, most_bytes=self._bytes_left)
            try:
                yield stream
            except GzipTooLarge:
                self._bytes_left -= stream.tell()  # what it cost to find out
                raise

    def _completed(self, song: ParsedSong, member: Member, artist: str) -> ParsedSong:
        """The song with what its folder and the other members say about it."""
        song = replace(song, artist=artist) if artist and not song.artist else song
        return self._join.complete(song, member.name) if self._join else song

    def _companions(self) -> tuple[Member, ...]:
        return self._join.companions if self._join else ()

    def _is_guess_good_enough(self, findings: Findings) -> bool:
        """Among other files nobody can be asked for each table: there a name that means lyrics has to do."""
        lyrics = findings.options.mapping.get("lyrics", "")
        return is_foreign_lyrics_name(lyrics) and not self._is_one_file_of_songs()

    def _is_one_file_of_songs(self) -> bool:
        companions = self._companions()
        files = (member for member in self.members if not member.problem and member not in companions)
        return self._last_examined is not None and len(list(islice(files, 2))) == 1


def _guarded(member: Member, items: Iterator[ParsedSong | RowError]) -> Iterator[ParsedSong | RowError]:
    """The items with the member's name in each error, and one more error where reading it had to end.

    Raises: LyingArchive, the only trouble of a member that is one of the whole archive.
    """
    try:
        for item in items:
            yield replace(item, column=_shown(member)) if isinstance(item, RowError) else item
    except LyingArchive:
        raise
    except DamagedMember:
        yield RowError(0, 1, _shown(member), Reason.MALFORMED, "This member of the archive is damaged.")
    except ImportRefused as refusal:
        yield RowError(0, 1, _shown(member), refusal.reason, str(refusal))


def _shown(member: Member) -> str:
    """The member's name without what cannot be stored or shown."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in member.name)


def _readable_records(examined: Examined, stream: BinaryIO) -> Iterator[ParsedSong | RowError]:
    return records(examined.importer, stream) if examined.is_readable else iter(())


def _first(
    items: Iterator[ParsedSong | RowError], most_songs: int, most_records: int
) -> tuple[list[ParsedSong], list[RowError]]:
    songs, errors = [], []
    for item in islice(items, most_records):
        (songs if isinstance(item, ParsedSong) else errors).append(item)
        if len(songs) == most_songs:
            break
    return songs, errors


def _which_column(findings: Findings) -> str:
    shown = ", ".join(findings.columns[:_SHOWN_COLUMNS])
    return f"Nobody said which column of this table holds the lyrics. Its columns are: {shown}."


def _refuse_if_nothing_is_left(members: Sequence[Member]) -> None:
    if not members:
        raise ImportRefused("There are no files in this archive.")
    if all(member.problem for member in members):
        (_, message), name = members[0].problem, members[0].name
        raise ImportRefused(f"There is no file in this archive that can be read. {name[:100]}: {message}")
