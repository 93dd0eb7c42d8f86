"""Small files with the faults that song files have whoever made them, and the counts they have to give."""

from tests.training.public_datasets import Fixture, packed, plain_rows, song, table

_UNCLOSED = "".join(
    f'Singer {number},Song {number},"{song(number, " ")}\nla"\n'
    if number != 499
    else 'Bad,Row,"It never ends\nand on\n'
    for number in range(600)
)

DIRTY_FILES: dict[str, Fixture] = {
    "an unclosed quote at line 1000": Fixture(
        files={"songs.csv": b"artist,song,text\n" + _UNCLOSED.encode()},
        records=600,
        accepted=599,
        rejected={"malformed": 1},
    ),
    "a field of 5 MB": Fixture(
        files={"songs.csv": table("artist,song,text", ("A", "B", "la " * 1_700_000), *plain_rows([1]))},
        records=2,
        accepted=1,
        rejected={"oversized": 1},
    ),
    "headers in another language": Fixture(
        files={"laulut.csv": table("esittaja,nimi,sanat", *plain_rows(range(6)))},
        mapping={"lyrics": "sanat", "artist": "esittaja", "title": "nimi"},
        records=6,
        accepted=6,
        songs=(("Singer 0", "Song 0", None),),
    ),
    "an empty lyrics column": Fixture(
        files={"songs.csv": table("artist,song,lyrics", ("A", "B", ""), ("A", "C", song(1)), ("A", "D", " \n "))},
        records=3,
        accepted=1,
        rejected={"empty": 2},
    ),
    "a zip with a nested folder": Fixture(
        files={"songs.zip": packed({"a/b/Ada Grey/Salt.txt": song(1), "a/Grain.txt": song(2), "a/.DS_Store": b"\0\1"})},
        records=3,
        accepted=2,
        rejected={"junk": 1},
    ),
}

_ROWS = table("artist,song, text ", *plain_rows(range(4)))
_AS_WRITTEN = {
    "a header with a trailing space": _ROWS,
    "a byte order mark": b"\xef\xbb\xbf" + _ROWS,
    "UTF-16": _ROWS.decode().encode("utf-16"),
    "CRLF": _ROWS.replace(b"\n", b"\r\n"),
    "lone CR": _ROWS.replace(b"\n", b"\r"),
    "semicolons": table("artist;song;text".replace(";", ","), *plain_rows(range(4)), delimiter=";"),
    "pipes": table("artist,song,text", *plain_rows(range(4)), delimiter="|"),
    "Excel's first line": b"sep=;\n" + table("artist,song,text", *plain_rows(range(4)), delimiter=";"),
    "a NUL byte": _ROWS.replace(b"Singer 2", b"Sin\0ger 2"),
}
DIRTY_FILES |= {
    name: Fixture(files={"songs.csv": content}, records=4, accepted=4, songs=(("Singer 0", "Song 0", None),))
    for name, content in _AS_WRITTEN.items()
}
