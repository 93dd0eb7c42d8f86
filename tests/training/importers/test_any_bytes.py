"""Whatever bytes a file has, as whatever format it is read: songs and errors come out, numbered, or a refusal."""

import gzip
import io
import unicodedata
import zipfile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from training.importers import (
    ENCODINGS,
    FORMAT_NAMES,
    ImportOptions,
    ImportRefused,
    ParsedSong,
    Reason,
    RowError,
    inspect,
    iterate_records,
)

from .reading import as_archive

# Bytes that mean something to one of the formats come up often.
PIECES = st.sampled_from(
    [
        *(b'"', b'""', b",", b"\t", b";", b"|", b" ", b"\n", b"\r", b"\r\n", b"\n\n\n\n", b"---\n", b"-a-\n", b"la la"),
        *(b"{", b"}", b"[", b"]", b":", b'{"lyrics":', b'"la la"', b"lyrics", b"title,lyrics\n", b"\\", b"\\ud800"),
        *(b"\0", b"\xff", b"\xc3", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", "é".encode(), "\u2028".encode()),
        *(b"PK\3\4", b"PK\1\2", b"PK\5\6"),
        *(
            b"sep=;\n",
            b"[Song 1: a]\n",
            b'{"songs":[',
            b'{"data": [{',
            b"'=",
            b"/a-b/",
            b"misc",
            b"\n1,a,b,c,2000,en,la\n",
        ),
        *(b"ordinal,title,artist,genre,year,language,lyrics\n", b"title,tag,artist,views,features,lyrics\n"),
        *(b"Week,Artists,Name,Lyrics\n", b"ALink,SName,SLink,Lyric,Idiom\n"),
    ]
)
FILES = st.lists(PIECES | st.binary(max_size=9), max_size=60).map(b"".join)
FORMATS = st.sampled_from(["", *FORMAT_NAMES])


def read_all(content: bytes, options: dict) -> list[ParsedSong | RowError]:
    return list(iterate_records(io.BytesIO(content), ImportOptions.from_dict(options)))


@settings(max_examples=300, deadline=None)
@given(FILES, FORMATS, st.sampled_from(["", *ENCODINGS]))
@example(b"", "", "")
@example(b'lyrics\n"', "csv", "")
def test_any_bytes_as_any_format_give_numbered_records_or_a_refusal(content, format_name, encoding):
    options = {"format": format_name, "encoding": encoding}
    try:
        found = inspect(io.BytesIO(content), "songs.csv", ImportOptions.from_dict(options))
        items = list(iterate_records(io.BytesIO(content), found.options))
    except ImportRefused:
        return
    assert [item.record_number for item in items] == list(range(1, len(items) + 1))
    lines = [item.line for item in items]
    assert found.format == "zip" or lines == sorted(lines)
    for item in items:
        if isinstance(item, ParsedSong):
            assert any(character.isalnum() for character in item.text)
            assert "\0" not in item.text
            assert "\r" not in item.text
            (item.text + item.title + item.artist).encode()  # no lone surrogates
        else:
            assert item.reason in Reason
            assert item.message
            assert "\n" not in item.snippet
            item.snippet.encode()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40), st.integers(min_value=0), st.booleans())
def test_an_archive_with_any_bytes_changed_gives_records_or_a_refusal(noise, place, in_place):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("Ada/one.txt", "la la\nla\n---\nlo")
        target.writestr("two.txt", "la " * 50)
    content = archive.getvalue()
    place %= len(content)
    content = content[:place] + noise + content[place + len(noise) * in_place :]
    try:
        items = read_all(content, {"format": "zip"})
    except ImportRefused:
        return
    assert [item.record_number for item in items] == list(range(1, len(items) + 1))


NAMES = st.sampled_from(
    ["a.txt", "Ada/b.csv", "c.json", "d.jsonl", "e", "lyrics/f.txt", "g.csv.gz", "h.gz", "i.tsv", "artists-data.csv"]
)
# Headers of companion tables come up often, so that any bytes are joined with any others.
MEMBERS = st.sampled_from([b"", b"ALink,SName,Lyric\n", b"Artist,Link\n", b"id\tartist\tsong\n"])


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(NAMES, st.tuples(MEMBERS, FILES, st.booleans()), max_size=5), st.booleans())
def test_any_bytes_as_members_of_an_archive_give_numbered_records_or_a_refusal(members, is_wrapped):
    contents = {
        name: gzip.compress(header + content) if is_packed else header + content
        for name, (header, content, is_packed) in members.items()
    }
    archive = as_archive(contents)
    try:
        found = inspect(io.BytesIO(gzip.compress(archive) if is_wrapped else archive))
        items = list(iterate_records(io.BytesIO(archive), found.options))
    except ImportRefused:
        return
    assert not is_wrapped
    assert [item.record_number for item in items] == list(range(1, len(items) + 1))
    assert list(iterate_records(io.BytesIO(archive), found.options)) == items
    for item in items:
        assert isinstance(item, ParsedSong) or (item.reason in Reason and item.message and item.column in contents)


@settings(max_examples=150, deadline=None)
@given(FILES, FORMATS, st.integers(min_value=0), st.booleans())
def test_any_bytes_wrapped_by_gzip_are_read_as_if_they_were_not(content, format_name, cut, is_whole):
    wrapped = gzip.compress(content)
    options = {"format": format_name}
    try:
        items = read_all(wrapped if is_whole else wrapped[: cut % len(wrapped)], options)
    except ImportRefused:
        return
    if is_whole:
        assert items == read_all(content, options)


MISSING = {"na", "n/a", "nan", "null", "none"}
LINES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=30)
# A text that begins with a comma makes the quote before it a closing one for a row left open above: a table in which
# nobody can tell, so no promise is made about it.
TEXTS = st.lists(LINES, min_size=1, max_size=6).map("\n".join).filter(lambda text: text[0].isalnum())


@settings(max_examples=200, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=8), st.data())
def test_a_broken_row_anywhere_never_costs_a_good_one(texts, data):
    rows = [f'{number},"{text.replace(chr(34), chr(34) * 2)}",x\n' for number, text in enumerate(texts)]
    place = data.draw(st.integers(0, len(rows)))
    rows.insert(place, data.draw(st.sampled_from(['a,"never closed\nla\n', "one\n", "a,b,c,d\n", 'a,"b"\n'])))
    items = read_all(("id,lyrics,link\n" + "".join(rows)).encode(), {"format": "csv", "delimiter": ","})
    songs = [item.text for item in items if isinstance(item, ParsedSong)]
    expected = [unicodedata.normalize("NFC", text) for text in texts]
    assert [text for text in songs if text in expected] == [text for text in expected if text.lower() not in MISSING]


@pytest.mark.parametrize("format_name", FORMAT_NAMES)
def test_an_empty_file_is_refused_as_any_format(format_name):
    with pytest.raises(ImportRefused):
        read_all(b"", {"format": format_name})
