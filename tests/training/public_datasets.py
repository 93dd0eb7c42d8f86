"""A small file for every public dataset people bring, with the traps they are known for; all of the text is invented.

Each has the counts that importing it has to give. ``FIXTURES`` is the table; the test beside it only walks through it.
"""

import csv
import io
import json
import random
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_WORDS = (
    *("salt", "stair", "rope", "hand", "winter", "key", "door", "bell", "boat", "shore"),
    *("mill", "wheel", "grain", "river", "stone", "lantern", "harbour", "rain", "tin", "roof"),
    *("sparrow", "ladder", "copper", "moon", "ditch", "meadow", "kettle", "smoke", "orchard", "wagon"),
    *("thread", "needle", "anchor", "candle", "bridge", "saddle", "hill", "slowly", "turning", "never"),
    *("under", "over", "until", "against", "along", "softly", "carry", "follow", "borrow", "remember"),
    *("gather", "wander", "answer"),
)


@dataclass(frozen=True, kw_only=True)
class Fixture:
    """Files that are uploaded together, and what has to become of them.

    ``songs`` are artist, title and year of the first songs in use; ``mapping`` is what a person confirms where the
    import has to wait for one.
    """

    files: dict[str, bytes]
    records: int
    accepted: int
    rejected: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    looks_like: str = ""
    songs: tuple[tuple[str, str, int | None], ...] = ()
    mapping: dict[str, str] = field(default_factory=dict)
    warning: str = ""


def song(number: int, ending: str = "\n") -> str:
    """The text of one invented song: two stanzas that no other number has."""
    words = random.Random(number)
    lines = [" ".join(words.choices(_WORDS, k=6)) for _ in range(6)]
    return ending.join([*lines[:3], "", *lines[3:]])


def table(header: str, *rows: Sequence, delimiter: str = ",", encoding: str = "utf-8") -> bytes:
    written = io.StringIO()
    writer = csv.writer(written, delimiter=delimiter, lineterminator="\n")
    writer.writerows([header.split(","), *rows])
    return written.getvalue().encode(encoding)


def packed(members: dict[str, bytes | str]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return archive.getvalue()


def plain_rows(numbers: Iterable[int]) -> list[tuple[str, str, str]]:
    return [(f"Singer {number}", f"Song {number}", song(number)) for number in numbers]


_VAGALUME_ROWS = (
    ("/10000-millwheels/", "Salt", "/10000-millwheels/salt.html", song(1), "ENGLISH"),
    ("/ada-grey/", "Grain", "/ada-grey/grain.html", song(2), "ENGLISH"),
    ("/ada-grey/", "Nothing", "/ada-grey/nothing.html", "", "ENGLISH"),
    ("/nobody-at-all/", "Rain", "/nobody-at-all/rain.html", song(3), "PORTUGUESE"),
)
_OLD_ARTISTS = table(
    "Artist,Songs,Popularity,Link,Genre,Genres",
    ("10000 Millwheels", 110, 0.3, "/10000-millwheels/", "Rock", "Rock; Folk"),
    ("10000 Millwheels", 110, 0.3, "/10000-millwheels/", "Folk", "Rock; Folk"),
    ("Ada Grey", 12, 0.1, "/ada-grey/", "Folk", "Folk"),
)
_NEW_ARTISTS = table(
    "Artist,Genres,Songs,Popularity,Link",
    ("10000 Millwheels", "Rock; Folk", 110.0, 0.3, "/10000-millwheels/"),
    ("Ada Grey", "Folk", 12.0, 0.1, "/ada-grey/"),
)
_JOINED = (("10000 Millwheels", "Salt", None), ("Ada Grey", "Grain", None), ("Nobody At All", "Rain", None))
_MUSIC4ALL = {
    "id_information.csv": table(
        "id,artist,song,album_name",
        ("a1", "Ada Grey", "Salt", "One"),
        ("b2", "The Mill", "Rain", "Two"),
        delimiter="\t",
    ),
    "id_lang.csv": table("id,lang", ("a1", "en"), ("b2", "en"), delimiter="\t"),
    "id_genres.csv": table("id,genres", ("a1", "folk,rock"), ("b2", "pop"), delimiter="\t"),
    "id_tags.csv": table("id,tags", ("a1", "sad,slow"), ("b2", "loud"), delimiter="\t"),
    "id_metadata.csv": table(
        "id,spotify_id,popularity,release,energy,valence", ("a1", "x", 1, 1999, 0.5, 0.5), delimiter="\t"
    ),
    "lyrics/a1.txt": song(1),
    "lyrics/b2.txt": song(2),
}
_WEEK = (1, "2019-07-13", "Ada Grey", "Mill Wheel", f"Mill Wheel\n{song(1)}")
_GENIUS_SONG = {
    "annotation_count": 2,
    "api_path": "/songs/1",
    "full_title": "Salt by Ada Grey",
    "title": "Salt",
    "release_date": "2001-05-04",
    "primary_artist": {"name": "Ada Grey", "id": 3},
    "media": [{"url": "https://example.org"}],
    "artist": "Ada Grey",
    "lyrics": f"3 ContributorsSalt Lyrics[Verse 1]\n{song(1)}12Embed",
}

FIXTURES: dict[str, Fixture] = {
    "Vagalume, old: two files, an artist once for each genre": Fixture(
        files={
            "lyrics-data.csv": table("ALink,SName,SLink,Lyric,Idiom", *_VAGALUME_ROWS),
            "artists-data.csv": _OLD_ARTISTS,
        },
        records=4,
        accepted=3,
        rejected={"empty": 1},
        songs=_JOINED,
    ),
    "Vagalume, new: two files": Fixture(
        files={
            "artists-data.csv": _NEW_ARTISTS,
            "lyrics-data.csv": table("ALink,SName,SLink,Lyric,language", *_VAGALUME_ROWS),
        },
        records=4,
        accepted=3,
        rejected={"empty": 1},
        songs=_JOINED,
    ),
    "Vagalume without its artists: names out of slugs": Fixture(
        files={"lyrics-data.csv": table("ALink,SName,SLink,Lyric,language", *_VAGALUME_ROWS)},
        records=4,
        accepted=3,
        rejected={"empty": 1},
        songs=_JOINED,
        looks_like="Vagalume song lyrics from six genres",
    ),
    "Music4All: tables with tabs called .csv, a text for each song": Fixture(
        files={"music4all.zip": packed(_MUSIC4ALL)},
        records=2,
        accepted=2,
        songs=(("Ada Grey", "Salt", 1999), ("The Mill", "Rain", None)),
    ),
    "tabs in a .csv": Fixture(
        files={"songs.csv": table("artist,song,text", *plain_rows(range(9)), delimiter="\t")},
        records=9,
        accepted=9,
        songs=(("Singer 0", "Song 0", None),),
    ),
    "Kaggle poetry: no separators, an artist under three names": Fixture(
        files={
            "poetry.zip": packed(
                {
                    "poetry/adele.txt": "\n".join(song(number).replace("\n\n", "\n") for number in range(30)),
                    "poetry/kanye.txt": song(50),
                    "poetry/kanye-west.txt": song(50),
                    "poetry/Kanye_West.txt": song(50).upper(),
                    "poetry/dr-seuss.txt": song(51),
                }
            )
        },
        records=5,
        accepted=3,
        duplicates=2,
        songs=(("Adele", "", None), ("Kanye West", "", None), ("Dr Seuss", "", None)),
    ),
    "a text without separators": Fixture(
        files={"words.txt": "\n".join(song(number).replace("\n\n", "\n") for number in range(60)).encode()},
        records=1,
        accepted=1,
        songs=(("", "words", None),),
    ),
    "Billboard 1964-2015: Latin-1 with one accent late, no line breaks, NA": Fixture(
        files={
            "billboard_lyrics_1964-2015.csv": table(
                "Rank,Song,Artist,Year,Lyrics,Source",
                *((n, f"song {n}", f"singer {n}", 1964 + n % 50, song(n, " "), 1) for n in range(1, 120)),
                (120, "stub", "singer", 1999, " NA ", "NA"),
                (121, "stub", "singer", 1999, "instrumental", 3),
                (122, "stub", "singer", 1999, "", "NA"),
                (123, "caf\xe9", "zo\xeb", 2015, song(123, " ") + " caf\xe9", 5),
                encoding="latin-1",
            )
        },
        records=123,
        accepted=120,
        rejected={"empty": 3},
        songs=(("singer 1", "song 1", 1965),),
        looks_like="Billboard lyrics 1964-2015",
        warning="no line breaks",
    ),
    "Billboard Hot 100: one row for each week, the title once more": Fixture(
        files={
            "billboardHot100_1999-2019.csv": table(
                ",Week,Artists,Name,Lyrics",
                *(_WEEK for _ in range(5)),
                (6, "2019-07-20", "The Mill", "Grain", f"Grain\n{song(2)}"),
                (7, "2019-07-27", "The Mill", "Grain", f"Grain \n{song(2)}"),
            )
        },
        records=7,
        accepted=2,
        duplicates=5,
        songs=(("Ada Grey", "Mill Wheel", None), ("The Mill", "Grain", None)),
        looks_like="Billboard Hot 100 1999-2019",
    ),
    "songdata: two spaces behind each line": Fixture(
        files={
            "songdata.csv": table(
                "artist,song,link,text",
                *(("Ada Grey", f"Song {n}", f"/a/ada/{n}.html", song(n, "  \n") + "  \n\n") for n in range(8)),
            )
        },
        records=8,
        accepted=8,
        songs=(("Ada Grey", "Song 0", None),),
        looks_like="Kaggle song lyrics (songdata)",
    ),
    "Spotify million-song, columns in another order and case": Fixture(
        files={
            "spotify_millsongdata.csv": table(
                "TEXT,Link,Artist,SONG", *((song(n), f"/{n}", "Ada Grey", f"Song {n}") for n in (1, 2, 1))
            )
        },
        records=3,
        accepted=2,
        duplicates=1,
        songs=(("Ada Grey", "Song 1", None),),
        looks_like="Spotify Million Song Dataset",
    ),
    "Genius with language columns: texts that are no songs, instrumentals, literals": Fixture(
        files={
            "song_lyrics.csv": table(
                "title,tag,artist,year,views,features,lyrics,id,language_cld3,language_ft,language",
                (
                    "Salt",
                    "pop",
                    "Ada Grey",
                    1999,
                    5,
                    '{"A, B","C \\"D\\""}',
                    f"[Verse 1]\n{song(1)}",
                    1,
                    "en",
                    "en",
                    "en",
                ),
                ("A Speech", "misc", "Somebody", 1899, 5, "{}", song(2), 2, "en", "en", "en"),
                ("Still", "rock", "Ada Grey", 2001, 5, "{}", "[Instrumental]", 3, "", "", ""),
                ("Grain", "rap", "Genius English Translations", 2020, 5, "{}", song(4), 4, "en", "fr", ""),
            )
        },
        records=4,
        accepted=2,
        rejected={"junk": 1, "empty": 1},
        songs=(("Ada Grey", "Salt", 1999), ("Genius English Translations", "Grain", 2020)),
        looks_like="Genius song lyrics with language information",
    ),
    "MetroLyrics: hyphens, mad years, missing and instrumental lyrics": Fixture(
        files={
            "lyrics.csv": table(
                "index,song,year,artist,genre,lyrics",
                (0, "ego-remix", 2009, "beyonce-knowles", "Pop", song(1)),
                (1, "mill-wheel", 702, "ada-grey", "Not Available", song(2)),
                (2, "grain", 67, "ada-grey", "Folk", ""),
                (3, "still", 112, "ada-grey", "Folk", "instrumental"),
            )
        },
        records=4,
        accepted=2,
        rejected={"empty": 2},
        songs=(("Beyonce Knowles", "Ego Remix", 2009), ("Ada Grey", "Mill Wheel", None)),
        looks_like="380,000 lyrics from MetroLyrics",
    ),
    "PopLyrics": Fixture(
        files={
            "poplyrics.csv": table(
                "track_name,album,release_date,song_length,popularity,songwriters,artist,lyrics,genre,featured_artist",
                ("Salt", "One", "2011-02-03", 200, 7, "X", "Ada Grey", song(1), "pop", ""),
                ("Grain", "One", "2012", 200, 7, "X", "Ada Grey", song(2), "pop", "The Mill"),
            )
        },
        records=2,
        accepted=2,
        songs=(("Ada Grey", "Salt", 2011), ("Ada Grey", "Grain", 2012)),
        looks_like="PopLyrics-1K",
    ),
    "LyricsGenius, a song's file": Fixture(
        files={"lyrics_adagrey_salt.json": json.dumps(_GENIUS_SONG, indent=1).encode()},
        records=1,
        accepted=1,
        songs=(("Ada Grey", "Salt", 2001),),
        looks_like="LyricsGenius JSON",
    ),
    "LyricsGenius, an artist's file": Fixture(
        files={
            "Lyrics_AdaGrey.json": json.dumps(
                {
                    "alternate_names": ["A"],
                    "name": "Ada Grey",
                    "songs": [{"title": f"Song {n}", "full_title": "x", "lyrics": song(n)} for n in (1, 2, 3)],
                }
            ).encode()
        },
        records=3,
        accepted=3,
        songs=(("Ada Grey", "Song 1", None),),
        looks_like="LyricsGenius JSON",
    ),
    "LyricsGenius, an artist's text": Fixture(
        files={"Lyrics_AdaGrey.txt": "".join(f"[Song {n}: Song {n}]\n{song(n)}\n\n" for n in (1, 2)).encode()},
        records=2,
        accepted=2,
        songs=(("", "Song 1", None), ("", "Song 2", None)),
    ),
    "songs with -Title- heads": Fixture(
        files={"songs.txt": f"-Salt-\n{song(1)}\n\n- Grain -\n{song(2)}\n-Nothing-\n-Rain-\n{song(3)}".encode()},
        records=4,
        accepted=3,
        rejected={"empty": 1},
        songs=(("", "Salt", None), ("", "Grain", None), ("", "Rain", None)),
    ),
    "our own export": Fixture(
        files={
            "export.csv": table(
                "ordinal,title,artist,genre,year,language,lyrics",
                (1, "'=Salt", "'@ada", "folk", 1999, "en", "'- " + song(1)),
                (2, "'Twas", "Ada", "", "", "", song(2)),
            )
        },
        records=2,
        accepted=2,
        songs=(("@ada", "=Salt", 1999), ("Ada", "'Twas", None)),
        looks_like="LyricsGeneration export",
    ),
}

# Files that hold no lyrics, and a word of the sentence that says so.
REFUSED: dict[str, tuple[str, bytes, str]] = {
    "WASABI": (
        "wasabi_songs.csv",
        table(
            "_id,id_album,title,artist,albumTitle,album_genre,language,publicationDateAlbum,bpm",
            ("ObjectId(5714dec325ac0d8aee3804a6)", 1, "Salt", "Ada", "One", "Rock", "english", "200?", 120),
            delimiter="\t",
        ),
        "hold no lyrics",
    ),
    "the artists of Vagalume alone": ("artists-data.csv", _OLD_ARTISTS, "lyrics-data.csv"),
    "the songs of Music4All alone": ("id_information.csv", _MUSIC4ALL["id_information.csv"], "folder of lyrics"),
}
