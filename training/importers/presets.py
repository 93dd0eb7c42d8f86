"""The public datasets people bring: known by the names of their columns, each with its own quirks put right.

A preset is recognised whatever the order and case of the columns are; more columns than it asks for do no harm. It
says which column plays which role, what is to be repaired in which role, and what its owner should hear about it.
To add one: one entry in ``PRESETS``, one fixture in ``tests/training/importers/public_datasets.py``.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .values import folded

NO_PRESET = "none"  # what a person chooses whose file only looks like one of these
Repair = Callable[[str], str]

_SLUG = re.compile(r"/?([^\W_A-Z]+(?:-+[^\W_A-Z]+)*)-*(?:/|\.html?)?")
_LYRICS_NAMES = frozenset({"lyrics", "lyric", "text", "songlyrics"})


def name_from_slug(value: str) -> str:
    """The name behind an address' last part: ``/10000-maniacs/`` is ``10000 Maniacs``; what is no slug stays."""
    found = _SLUG.fullmatch(value.strip())
    return " ".join(word[:1].upper() + word[1:] for word in found[1].split("-") if word) if found else value


def without_placeholder(value: str) -> str:
    """A genre, unless it is one of the words a site writes where it knows none."""
    return "" if folded(value) in ("notavailable", "unknown") else value


def without_title_line(text: str, title: str) -> str:
    """The lyrics without their first line where that only repeats the title."""
    first, _, rest = text.lstrip().partition("\n")
    wanted = folded(title)
    return rest.lstrip("\n") if rest and wanted and folded(first) in (wanted, wanted + "lyrics") else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One public dataset's table or JSON.

    ``columns`` have to be there, all of them, and with ``is_exact`` no others; ``mapping`` gives the column of each
    role, as far as the file has it. Both are folded names: no case, accents, spaces or punctuation.
    ``file_name`` tells apart two datasets that have the same columns.
    ``refusal`` says why a file without lyrics cannot be imported by itself, and what to do.
    """

    name: str
    title: str
    columns: frozenset[str]
    mapping: Mapping[str, str] = field(default_factory=dict)
    is_exact: bool = False
    file_name: str = ""
    repairs: Mapping[str, Repair] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    refusal: str = ""
    repeats_title: bool = False  # the first line of the lyrics may be the title once more
    guards_formulas: bool = False  # in a table, an apostrophe stands before what a spreadsheet could run
    no_songs: frozenset[str] = frozenset()  # genres whose texts are no songs

    def fits(self, columns: frozenset[str]) -> bool:
        """Whether a file with these folded column names can be this dataset's."""
        if self.refusal and columns & _LYRICS_NAMES:
            return False
        return columns == self.columns if self.is_exact else columns >= self.columns

    def for_mapping(self, mapping: Mapping[str, str]) -> "Preset | None":
        """What of this preset changes songs that are read with ``mapping``, None if nothing does.

        A role for which a person chose another column is left as it stands.
        """
        is_ours = {role: folded(column) == self.mapping.get(role) for role, column in mapping.items()}
        repairs = {role: repair for role, repair in self.repairs.items() if is_ours.get(role)}
        has_work = repairs or self.repeats_title or self.guards_formulas or self.no_songs
        return replace(self, repairs=repairs) if has_work else None

    def repaired(self, values: Mapping[str, str]) -> dict[str, str]:
        """The values of a song by role, put right."""
        values = {role: self.repairs[role](value) if role in self.repairs else value for role, value in values.items()}
        if self.repeats_title and "title" in values:
            values["lyrics"] = without_title_line(values["lyrics"], values["title"])
        return values

    def is_no_song(self, values: Mapping[str, str]) -> bool:
        """Whether the file itself says that this record is no song."""
        return folded(values.get("genre", "")) in self.no_songs


def _columns(names: str) -> frozenset[str]:
    return frozenset(map(folded, names.split(",")))


_SONGDATA = {
    "columns": _columns("artist,song,link,text"),
    "mapping": {"lyrics": "text", "title": "song", "artist": "artist"},
}
_VAGALUME = {
    "mapping": {"lyrics": "lyric", "title": "sname", "artist": "alink"},
    "repairs": {"artist": name_from_slug},
    "notes": (
        "The artists were read from their addresses. Upload the artist table (artists-data.csv) together with this "
        "file to get their names as they are written, and their genres.",
    ),
}
_NO_LYRICS_OF_MUSIC4ALL = (
    "This is one of the tables of Music4All. It holds no lyrics: pack it with the folder of lyrics (lyrics/<id>.txt) "
    "as a ZIP and upload that."
)

PRESETS: tuple[Preset, ...] = (
    Preset(
        name="own_export",
        title="LyricsGeneration export",
        columns=_columns("ordinal,title,artist,genre,year,language,lyrics"),
        mapping={role: role for role in ("lyrics", "title", "artist", "genre", "year", "language")},
        guards_formulas=True,
    ),
    Preset(name="songdata", title="Kaggle song lyrics (songdata)", **_SONGDATA),
    Preset(name="spotify_million", title="Spotify Million Song Dataset", file_name="millsong", **_SONGDATA),
    Preset(
        name="vagalume_old",
        title="Vagalume song lyrics from six genres (old edition)",
        columns=_columns("ALink,SName,SLink,Lyric,Idiom"),
        **(_VAGALUME | {"mapping": _VAGALUME["mapping"] | {"language": "idiom"}}),
    ),
    Preset(
        name="vagalume",
        title="Vagalume song lyrics from six genres",
        columns=_columns("ALink,SName,SLink,Lyric,language"),
        **(_VAGALUME | {"mapping": _VAGALUME["mapping"] | {"language": "language"}}),
    ),
    Preset(
        name="vagalume_artists",
        title="Artist table of Vagalume song lyrics",
        columns=_columns("Artist,Songs,Popularity,Link,Genres"),
        refusal=(
            "This is the artist table of the Vagalume lyrics. It holds no lyrics: upload it together with "
            "lyrics-data.csv."
        ),
    ),
    Preset(
        name="genius",
        title="Genius song lyrics with language information",
        columns=_columns("title,tag,artist,views,features,lyrics"),
        mapping={
            "lyrics": "lyrics",
            "title": "title",
            "artist": "artist",
            "genre": "tag",
            "year": "year",
            "language": "language",
        },
        no_songs=frozenset({"misc"}),
        notes=("Texts that Genius tags “misc” (speeches, essays, chapters of books) are no songs and are left out.",),
    ),
    Preset(
        name="metrolyrics",
        title="380,000 lyrics from MetroLyrics",
        columns=_columns("index,song,year,artist,genre,lyrics"),
        mapping={"lyrics": "lyrics", "title": "song", "artist": "artist", "genre": "genre", "year": "year"},
        repairs={"title": name_from_slug, "artist": name_from_slug, "genre": without_placeholder},
        notes=("Titles and artists were read from hyphenated addresses, so their capitals are a guess.",),
    ),
    Preset(
        name="music4all_information",
        title="Song table of Music4All",
        columns=_columns("id,artist,song,album_name"),
        is_exact=True,
        refusal=_NO_LYRICS_OF_MUSIC4ALL,
    ),
    Preset(
        name="music4all_metadata",
        title="Metadata table of Music4All",
        columns=_columns("id,spotify_id,release,energy,valence"),
        refusal=_NO_LYRICS_OF_MUSIC4ALL,
    ),
    *(
        Preset(
            name=f"music4all_{column}",
            title=f"Table of Music4All ({column})",
            columns=_columns(f"id,{column}"),
            is_exact=True,
            refusal=_NO_LYRICS_OF_MUSIC4ALL,
        )
        for column in ("lang", "tags", "genres")
    ),
    Preset(
        name="billboard",
        title="Billboard lyrics 1964-2015",
        columns=_columns("Rank,Song,Artist,Year,Lyrics,Source"),
        mapping={"lyrics": "lyrics", "title": "song", "artist": "artist", "year": "year"},
    ),
    Preset(
        name="hot100",
        title="Billboard Hot 100 1999-2019",
        columns=_columns("Week,Artists,Name,Lyrics"),
        mapping={
            "lyrics": "lyrics",
            "title": "name",
            "artist": "artists",
            "genre": "genre",
            "year": "date",
        },
        repeats_title=True,
        notes=(
            "This table has one row for each week, so most songs come many times: copies count as duplicates. "
            "A first line that only repeats the title is left out.",
        ),
    ),
    Preset(
        name="poplyrics",
        title="PopLyrics-1K",
        columns=_columns("track_name,album,release_date,song_length,songwriters,artist,lyrics"),
        mapping={
            "lyrics": "lyrics",
            "title": "trackname",
            "artist": "artist",
            "genre": "genre",
            "year": "releasedate",
        },
    ),
    Preset(
        name="wasabi",
        title="WASABI song table",
        columns=_columns("_id,id_album,title,artist,albumTitle"),
        refusal=(
            "This is the WASABI song table. It describes songs, but its public files hold no lyrics, so there is "
            "nothing to learn from."
        ),
    ),
    Preset(
        name="lyricsgenius",
        title="LyricsGenius JSON",
        columns=_columns("title,full_title,lyrics"),
        mapping={
            "lyrics": "lyrics",
            "title": "title",
            "artist": "artist",
            "year": "releasedate",
            "language": "language",
        },
    ),
)
# What is known by something else than columns: an importer says so by putting the name into the options.
OTHER_TITLES = {
    "kaggle_poetry": "Kaggle poetry folder",
    "music4all": "Music4All",
    "lyricsgenius_text": "LyricsGenius text",
}
PRESET_NAMES = (*(preset.name for preset in PRESETS), *OTHER_TITLES, NO_PRESET)
_BY_NAME = {preset.name: preset for preset in PRESETS}


def recognised(columns: Sequence[str], filename: str = "", *, chosen: str = "") -> Preset | None:
    """The dataset that a file with these columns is, None if it is none we know.

    Args:
        filename: tells apart two datasets with the same columns.
        chosen: the name of the preset a person wants, taken if it fits; ``NO_PRESET`` for none at all.
    """
    if chosen == NO_PRESET:
        return None
    names = frozenset(map(folded, columns))
    fitting = [preset for preset in PRESETS if preset.fits(names)]
    if not fitting:
        return None
    plain = folded(filename)

    def likeness(preset: Preset) -> tuple:
        is_named_so = bool(preset.file_name) and preset.file_name in plain
        return preset.name == chosen, len(preset.columns), is_named_so

    return max(fitting, key=likeness)


def working_preset(name: str, mapping: Mapping[str, str]) -> Preset | None:
    """The preset of this name if it changes songs that are read with ``mapping``."""
    return _BY_NAME[name].for_mapping(mapping) if name in _BY_NAME else None


def name_of(preset: Preset | None, chosen: str = "") -> str:
    """What the completed options say: the preset that was found, or that a person wants none."""
    return preset.name if preset else chosen if chosen == NO_PRESET else ""


def title_of(name: str) -> str:
    """What people call the dataset that options name, the empty string if they name none."""
    return _BY_NAME[name].title if name in _BY_NAME else OTHER_TITLES.get(name, "")
