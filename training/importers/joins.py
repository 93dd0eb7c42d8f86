"""What an archive knows about a song beside its text: a table of artists, tables keyed by its id.

    artists-data.csv ──▶ Link → artist, genre ─┐
    lyrics-data.csv  ──▶ ALink ────────────────┴──▶ the song with its artist's name           (Vagalume, six genres)

    id_*.csv         ──▶ id → artist, title … ─┐
    lyrics/<id>.txt  ──▶ id ───────────────────┴──▶ the song with its names                   (Music4All)

Companion tables are recognised by their headers, held in memory in a compact form up to a limit, and give no records
of their own; a broken row of theirs is an error like any other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import PurePosixPath
from typing import NamedTuple

from .companion_tables import CompanionTable, companion_tables, rows_of
from .importer import Progress
from .limits import Limits
from .members import Member, extension_of, folder_of
from .options import ImportOptions
from .presets import NO_PRESET, OTHER_TITLES, name_from_slug
from .records import ParsedSong, Reason, RowError
from .values import folded, malformed, name, year

_PREVIEW_ROWS = 5_000
_LYRICS_COLUMNS = frozenset({"lyric", "lyrics", "text"})
_BETWEEN = "\x1f"  # names hold no control characters


class Facts(NamedTuple):
    """What a companion table says about a song; what it does not say is empty."""

    artist: str = ""
    title: str = ""
    genre: str = ""
    year: str = ""
    language: str = ""


class FactsByKey:
    """Facts by key, each a single string in memory, up to a limit."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._by_key: dict[str, str] = {}
        self._characters = 0

    def __getitem__(self, key: str) -> Facts | None:
        held = self._by_key.get(key)
        return None if held is None else Facts(*held.split(_BETWEEN))

    def add(self, key: str, facts: Facts) -> bool:
        """Keep the facts beside what is known of the key already, which wins; False where there is no room."""
        known = self._by_key.get(key)
        merged = facts if known is None else map(_first_of, known.split(_BETWEEN), facts)
        held = _BETWEEN.join(merged)
        characters = self._characters + len(held) - len(known or "") + (0 if known is not None else len(key))
        has_room = known is not None or len(self._by_key) < self._limits.joined_rows
        if not has_room or characters > self._limits.joined_characters:
            return False
        self._by_key[key] = held
        self._characters = characters
        return True


class Join:
    """How songs of one archive are completed from its companion tables. Subclasses know one public dataset."""

    title: str  # for people: what the archive looks like

    def __init__(self, tables: Sequence[CompanionTable], limits: Limits) -> None:
        self.tables = tables
        self._limits = limits
        self._facts = FactsByKey(limits)

    @property
    def companions(self) -> tuple[Member, ...]:
        """The members that are companion tables and hold no songs."""
        return tuple(table.member for table in self.tables)

    def load(self, table: CompanionTable, *, is_preview: bool, progress: Progress | None = None) -> Iterator[RowError]:
        """Read one of the companion tables, of which a preview needs the beginning; yields what is wrong with it."""
        rows = rows_of(table, self._limits, quick=is_preview, progress=progress)
        for row in islice(rows, _PREVIEW_ROWS) if is_preview else rows:
            if row.problem:
                message = "This row of a companion table cannot be read, so nothing is joined with it."
                yield malformed(0, row.line, row.beginning, message, column=table.member.name)
            elif not self._take(table.values(row)):
                message = (
                    "This companion table is larger than what is held in memory. Songs from here on are not joined "
                    "with it."
                )
                yield RowError(0, row.line, table.member.name, Reason.OVERSIZED, message)
                return

    def _take(self, values: dict[str, str]) -> bool:
        """Remember one row by its folded column names; False where there is no room."""
        return True

    def options_for(self, member_name: str, options: ImportOptions) -> ImportOptions:
        """How this member is to be read."""
        return options

    def complete(self, song: ParsedSong, member_name: str) -> ParsedSong:
        """The song with what the tables know about it."""
        raise NotImplementedError


class Vagalume(Join):
    """ "Song lyrics from 6 musical genres": songs name their artist by a link, which a second table explains.

    An artist stands in that table once for each of its genres (old version) or once with all of them (new version);
    the first row counts, and of several genres the first. What that table does not know is read out of the link.
    """

    title = "Song lyrics from 6 musical genres (Vagalume)"

    @classmethod
    def find(cls, tables: Sequence[CompanionTable], members: Sequence[Member], limits: Limits) -> "Vagalume | None":
        songs = [table for table in tables if table.has("alink", "sname", "lyric")]
        artists = [table for table in tables if table.has("artist", "link") and not table.has("lyric")]
        return cls(artists, songs, limits) if songs else None

    def __init__(self, artists: Sequence[CompanionTable], songs: Sequence[CompanionTable], limits: Limits) -> None:
        super().__init__(artists, limits)
        self._songs = {table.member.name: table for table in songs}

    def options_for(self, member_name: str, options: ImportOptions) -> ImportOptions:
        table = self._songs.get(member_name)
        if table is None:
            return options
        columns = {"lyrics": "lyric", "title": "sname", "artist": "alink"}
        columns["language"] = "idiom" if table.has("idiom") else "language"
        spelled = {role: table.spelled(column) for role, column in columns.items() if table.has(column)}
        # Without a preset the link comes as it stands, and not made into a name already.
        return replace(options, mapping=options.mapping or spelled, preset=NO_PRESET)

    def complete(self, song: ParsedSong, member_name: str) -> ParsedSong:
        if member_name not in self._songs or not song.artist:
            return song
        facts = self._facts[_link(song.artist)] or self._facts[folded(song.artist)]
        if facts is None:
            return replace(song, artist=name_from_slug(song.artist))
        return replace(song, artist=facts.artist or name_from_slug(song.artist), genre=song.genre or facts.genre)

    def _take(self, values: dict[str, str]) -> bool:
        genre = values.get("genre") or values.get("genres", "").partition(";")[0]
        facts = Facts(artist=name(values.get("artist", ""), self._limits), genre=name(genre, self._limits))
        link = values.get("link", "")
        # Under the second key it is found however it is written.
        return self._facts.add(_link(link), facts) and self._facts.add(folded(link), facts)


class Music4All(Join):
    """Tables keyed by ``id``, and the text of each song in ``lyrics/<id>.txt``."""

    title = OTHER_TITLES["music4all"]

    @classmethod
    def find(cls, tables: Sequence[CompanionTable], members: Sequence[Member], limits: Limits) -> "Music4All | None":
        keyed = [table for table in tables if table.has("id") and not _LYRICS_COLUMNS & set(table.columns)]
        is_complete = any(table.has("artist", "song") for table in keyed) and any(
            _is_lyrics(member.name) for member in members
        )
        return cls(keyed, limits) if is_complete else None

    def options_for(self, member_name: str, options: ImportOptions) -> ImportOptions:
        if not _is_lyrics(member_name):
            return options
        return replace(options, format="txt", separator=options.separator or "none")

    def complete(self, song: ParsedSong, member_name: str) -> ParsedSong:
        if not _is_lyrics(member_name):
            return song
        facts = self._facts[_stem(member_name)] or Facts()
        return replace(
            song,
            artist=facts.artist,
            title=facts.title or song.title,
            genre=facts.genre,
            year=year(facts.year),
            language=facts.language,
        )

    def _take(self, values: dict[str, str]) -> bool:
        key = values.get("id", "").strip()
        genres = values.get("genres") or values.get("genre", "")
        facts = Facts(
            artist=values.get("artist", ""),
            title=values.get("song", ""),
            genre=genres.partition(",")[0],
            year=values.get("release", "")[:10],
            language=values.get("lang", ""),
        )
        return not key or self._facts.add(key, Facts(*(fact and name(fact, self._limits) for fact in facts)))


def find_join(members: Sequence[Member], limits: Limits) -> Join | None:
    """How the songs of these members are completed, None if no member says anything about another's songs."""
    tables = companion_tables(members, limits)
    return next((join for kind in (Vagalume, Music4All) if (join := kind.find(tables, members, limits))), None)


def _link(link: str) -> str:
    return link.strip().strip("/").casefold()


def _stem(member_name: str) -> str:
    return PurePosixPath(member_name).stem


def _first_of(known: str, found: str) -> str:
    return known or found


def _is_lyrics(member_name: str) -> bool:
    return folder_of(member_name).casefold() == "lyrics" and extension_of(member_name) == ".txt"
