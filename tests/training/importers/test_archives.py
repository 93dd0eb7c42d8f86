import gzip
import io
import struct
import zipfile

import pytest

from training.importers import ImportRefused, Limits, iterate_records

from .reading import errors_of, look, read, songs_of, texts_of


def packed(members: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", method) as target:
        for name, content in members.items():
            target.writestr(name, content)
    return archive.getvalue()


def patched(content: bytes, signature: bytes, offset: int, value: bytes) -> bytes:
    """The archive with bytes overwritten in its first central (or local) header."""
    place = content.index(signature) + offset
    return content[:place] + value + content[place + len(value) :]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_folder_is_the_artist_and_the_file_the_song(method):
    content = packed({"songs/Ada/Winter.txt": "la la\nla", "Alone.txt": "lo lo"}, method)
    first, second = read(content, "songs.zip")
    assert (first.artist, first.title, first.text) == ("Ada", "Winter", "la la\nla")
    assert (second.artist, second.title, second.record_number) == ("", "Alone", 2)


def test_each_member_has_its_own_encoding_and_separator():
    content = packed(
        {
            "a.txt": "é la".encode("latin-1"),
            "b.txt": "é lo\nlo".encode("utf-16"),
            "c/d.txt": "one\n---\ntwo\n",
        }
    )
    items = read(content)
    assert texts_of(items) == ["é la", "é lo\nlo", "one", "two"]
    assert [item.record_number for item in items] == [1, 2, 3, 4]
    assert items[-1].line == 3


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("__MACOSX/._a.txt", "x", "junk"),
        (".DS_Store", b"\0\0\0\1Bud1", "junk"),
        ("a/Thumbs.db", "x", "junk"),
        ("a/songs.csv", "id,price\n1,2\n3,4", "malformed"),
        ("a/broken.csv", '"' * 50, "malformed"),
        ("a/notes.md", "la la", "junk"),
        ("README.txt", "la la", "junk"),
        ("songs.csv.gz", gzip.compress(b"title,lyrics\na,la la\n" * 900)[:-20], "malformed"),
        ("bomb.txt.gz", gzip.compress(b"la \n" * 1_000_000), "oversized"),
        ("inner.gz", gzip.compress(packed({"a.txt": "la"})), "binary"),
        ("twice.txt.gz", gzip.compress(gzip.compress(b"la la")), "binary"),
        ("../evil.txt", "la la", "unsafe_path"),
        ("a/../../evil.txt", "la la", "unsafe_path"),
        ("..\\evil.txt", "la la", "unsafe_path"),
        ("/etc/evil.txt", "la la", "unsafe_path"),
        ("C:\\evil.txt", "la la", "unsafe_path"),
        ("c:evil.txt", "la la", "unsafe_path"),
        ("inner.zip", packed({"a.txt": "la"}), "binary"),
        ("inner.txt", packed({"a.txt": "la"}), "binary"),
        ("picture.txt", b"\x89PNG\r\n\x1a\n\0\0\0", "binary"),
        ("noise.txt", bytes(range(256)) * 9, "binary"),
        ("page.txt", "<!DOCTYPE html><p>la la", "junk"),
        ("nothing.txt", "", "empty"),
        ("marks.txt", "***", "empty"),
        ("long.txt", "la la la\n" * 30_000, "oversized"),
    ],
    ids=lambda value: None if isinstance(value, str) else "content",  # a packed one holds the moment it was made
)
def test_a_member_that_is_no_song_is_left_out_alone(name, content, reason):
    items = read(packed({"a.txt": "la la", name: content, "z.txt": "lo lo"}))
    assert errors_of(items) == [(2, 1, reason)]
    assert texts_of(items) == ["la la", "lo lo"]
    assert items[1].column == name.replace("\\", "/")


TABLE = 'title,artist,lyrics\nWinter,Ada,"la la\nla"\nSpring,,lo lo\n'


def test_members_of_every_format_are_read_in_their_order():
    items = read(
        packed(
            {
                "data/songs.csv": TABLE,
                "data/songs.tsv": "song\tartist\ttext\nOne\tTom\tle le\n",
                "data/semicolons.txt": "titre;artiste;paroles\nDeux;Zoé;li li\nTrois;Zoé;la li\n",
                "data/lines.jsonl": '{"title": "Three", "lyrics": "lu lu"}\nbroken\n',
                "data/songs.json": '[{"title": "Four", "artist": "Eve", "lyrics": "lü lü"}]',
                "Ada/Five.txt": "la lo",
                "more.csv.gz": gzip.compress(b"title,lyrics\nSix,le lo\n"),
            }
        )
    )
    assert [item.record_number for item in items] == list(range(1, 11))
    assert [(song.title, song.artist) for song in songs_of(items)] == [
        *[("Winter", "Ada"), ("Spring", ""), ("One", "Tom"), ("Deux", "Zoé"), ("Trois", "Zoé"), ("Three", "")],
        *[("Four", "Eve"), ("Five", "Ada"), ("Six", "")],
    ]
    assert errors_of(items) == [(7, 2, "malformed")]
    assert items[6].column == "data/lines.jsonl"


def test_a_table_that_is_alone_in_its_archive_is_looked_at_like_a_file():
    found = look(packed({"songs.csv": TABLE}), "songs.zip")
    assert (found.format, found.mapping["lyrics"]) == ("zip", "lyrics")
    assert found.columns == ("title", "artist", "lyrics")
    assert not found.needs_mapping
    assert found.encoding.name == "utf-8"


def test_a_packed_table_that_nobody_can_be_sure_of_waits_for_a_person():
    rows = "".join(f'Kappale {n},"laa laa laa\nlaa laa laa"\n' for n in range(5))
    content = packed({"songs.csv": "nimi,sanat\n" + rows, "__MACOSX/._songs.csv": "x"})
    found = look(content)
    assert found.needs_mapping
    assert found.mapping == {"lyrics": "sanat"}
    assert len(found.songs) == 5
    assert [str(item.reason) for item in iterate_records(io.BytesIO(content))] == ["malformed", "junk"]
    items = read(content, mapping={"lyrics": "sanat", "title": "nimi"})
    assert [song.title for song in songs_of(items)] == [f"Kappale {n}" for n in range(5)]


def test_a_mapping_holds_for_the_tables_that_have_its_columns():
    content = packed({"a.csv": "lyrics,notes\nno,la la\n", "b.csv": TABLE})
    assert texts_of(read(content, mapping={"lyrics": "notes"})) == ["la la", "la la\nla", "lo lo"]


def test_a_refused_member_says_in_its_own_words_why():
    (error, _) = read(packed({"a.csv": "artist,price\nA,2\nB,4", "b.txt": "la"}))
    assert error.message == "Nobody said which column of this table holds the lyrics. Its columns are: artist, price."


def test_a_name_with_a_nul_can_still_be_stored():
    content = packed({"a.txt": "la la", "b!.txt": "lo lo"}).replace(b"b!.txt", b"b\0.txt")
    (error,) = [item for item in read(content) if not hasattr(item, "text")]
    assert (error.column, str(error.reason)) == ("b\ufffd.txt", "unsafe_path")


def test_what_gzip_wrapped_members_unpack_to_is_limited_together():
    member = gzip.compress(b"la la\n---\n" * 40_000, 1)
    content = packed({"a.txt": "la la", **{f"{n}.txt.gz": member for n in range(4)}})
    items = list(iterate_records(io.BytesIO(content), limits=Limits(archive_bytes=1_000_000)))
    errors = [item for item in items if not hasattr(item, "text")]
    assert [(error.column, str(error.reason)) for error in errors] == [
        ("2.txt.gz", "oversized"),
        ("3.txt.gz", "oversized"),
    ]
    assert len(items) == 80_003


def test_a_link_is_an_unsafe_path():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        link = zipfile.ZipInfo("link.txt")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        target.writestr(link, "/etc/passwd")
        target.writestr("a.txt", "la la")
    assert errors_of(read(archive.getvalue())) == [(1, 1, "unsafe_path")]


def test_a_second_member_of_the_same_name_is_left_out():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("a.txt", "la la")
        with pytest.warns(UserWarning, match="Duplicate"):
            target.writestr("a.txt", "lo lo")
    assert errors_of(read(archive.getvalue())) == [(2, 1, "malformed")]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_methods_are_refused_without_unpacking(method):
    with pytest.raises(ImportRefused, match="Pack it again"):
        look(packed({"a.txt": "la la"}, method))


def test_an_encrypted_member_is_refused():
    content = patched(packed({"a.txt": "la la"}), b"PK\1\2", 8, b"\1\0")
    with pytest.raises(ImportRefused, match="encrypted"):
        look(content)


def test_a_damaged_member_is_left_out_alone():
    content = packed({"a.txt": "la la la", "b.txt": "lo lo"}, zipfile.ZIP_STORED)
    items = read(content.replace(b"la la la", b"la lX la"))
    assert errors_of(items) == [(1, 1, "malformed")]
    assert texts_of(items) == ["lo lo"]


def test_a_bomb_is_refused_by_what_it_claims():
    with pytest.raises(ImportRefused, match="100 times"):
        look(packed({"a.txt": "la la", "bomb.txt": bytes(5_000_000)}))


@pytest.mark.parametrize("claim", [1, 1000])
def test_a_bomb_that_lies_about_its_size_is_refused(claim):
    content = packed({"bomb.txt": b"la \n" * 5_000_000})
    content = patched(content, b"PK\1\2", 24, struct.pack("<L", claim))
    with pytest.raises(ImportRefused, match="lies"):
        look(content)


def test_a_forged_compressed_size_is_refused():
    content = patched(packed({"a.txt": "la la"}), b"PK\1\2", 20, struct.pack("<L", 0xFFFFFFFE))
    with pytest.raises(ImportRefused, match="contradicts itself"):
        look(content)


def test_members_that_overlap_are_refused():
    content = packed({"a.txt": "la la", "b.txt": "lo lo"}, zipfile.ZIP_STORED)
    second = content.rindex(b"PK\1\2")
    content = content[: second + 42] + struct.pack("<L", 0) + content[second + 46 :]
    with pytest.raises(ImportRefused, match="contradicts itself"):
        look(content)


def test_too_many_members_are_refused():
    members = {f"{number}.txt": "la" for number in range(1001)}
    with pytest.raises(ImportRefused, match="1,001 members"):
        look(packed(members))
    del members["0.txt"]
    assert len(read(packed(members))) == 1000


def test_an_operator_may_have_wider_limits():
    content = packed({f"{number}.txt": "la la" for number in range(30)})
    with pytest.raises(ImportRefused):
        next(iterate_records(io.BytesIO(content), limits=Limits(archive_members=20)))
    with pytest.raises(ImportRefused):
        next(iterate_records(io.BytesIO(content), limits=Limits(archive_bytes=100)))
    assert len(list(iterate_records(io.BytesIO(content), limits=Limits(archive_members=30)))) == 30


@pytest.mark.parametrize("kept", [4, 30, 60, 0.5, -1])
def test_half_an_archive_is_refused(kept):
    content = packed({"a.txt": "la la" * 100, "b.txt": "lo lo"})
    end = int(len(content) * kept) if isinstance(kept, float) else kept
    with pytest.raises(ImportRefused):
        look(content[:end])


def test_an_archive_without_songs_says_what_it_found():
    with pytest.raises(ImportRefused, match=r"songs\.7z: Archives inside archives"):
        look(packed({"songs.7z": "7z", "b/.DS_Store": "x"}))
    with pytest.raises(ImportRefused, match="no files"):
        look(packed({"folder/": ""}))


def test_a_word_document_is_called_one():
    with pytest.raises(ImportRefused, match="Word, Excel"):
        look(packed({"[Content_Types].xml": "<x/>", "word/document.xml": "<x/>"}))


def test_folders_are_no_records_and_names_in_other_alphabets_are_read():
    (song,) = songs_of(read(packed({"Ада/": "", "Ада/Зима.txt": "la la"})))
    assert (song.artist, song.title) == ("Ада", "Зима")


def test_large_archives_in_the_zip64_layout_are_read():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target, target.open("a.txt", "w", force_zip64=True) as member:
        member.write(b"la la")
    assert texts_of(read(archive.getvalue())) == ["la la"]


def test_progress_grows_to_the_last_member():
    content, seen = packed({f"{number}.txt": "la la" for number in range(9)}), []
    for _ in iterate_records(io.BytesIO(content), progress=seen.append):
        pass
    assert seen == sorted(seen)
    assert 0 < seen[-1] <= len(content)
