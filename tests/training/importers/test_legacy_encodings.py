import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.importers.encoding import (
    CHUNK_BYTES,
    ENCODINGS,
    QUICK_HEAD_BYTES,
    QUICK_WINDOWS,
    decoded_chunks,
    detect_encoding,
)
from training.importers.legacy_encodings import guess_legacy_encoding

from .foreign_songs import KEPT_AS, OTHER_SONGS, SONGS

KEPT_SONGS = [(encoding, language) for encoding, languages in KEPT_AS.items() for language in languages]


def detect(content: bytes, chosen: str = "", **look):
    return detect_encoding(io.BytesIO(content), chosen, **look)


def is_read(line: str, encoding: str) -> bool:
    found, _ = guess_legacy_encoding([line.encode(encoding)])
    return line.encode(encoding).decode(found, "replace") == line


@pytest.mark.parametrize("songs", [SONGS, OTHER_SONGS], ids=["songs", "other songs"])
@pytest.mark.parametrize(("encoding", "language"), KEPT_SONGS)
def test_a_song_in_an_old_encoding_is_read_as_it_was_written(encoding, language, songs):
    song = songs[language].replace("–", "-")  # ISO-8859-1 has no dash
    content = song.encode(encoding)
    found = detect(content)
    assert content.decode(found.name) == song
    assert found.confidence > 0.5
    assert found.replaced == 0


def test_a_single_line_is_mostly_enough():
    lines = [
        (line, encoding)
        for encoding, language in KEPT_SONGS
        for line in OTHER_SONGS[language].split("\n")
        if not line.isascii() and line == line.encode(encoding, "ignore").decode(encoding)
    ]
    assert sum(is_read(*line) for line in lines) >= 0.95 * len(lines)


@pytest.mark.parametrize("nothing", [[], [b"\xe9"], [b"don\x92t go"], [b"10\xb0 south"], [b"a\xa0b"], [b"caf\xe9"]])
def test_it_is_windows_1252_where_nothing_tells(nothing):
    name, confidence = guess_legacy_encoding(nothing)
    assert name == "windows-1252"
    assert confidence < 0.8


def test_confidence_grows_with_evidence_and_never_becomes_certainty():
    lines = [line.encode("windows-1251") for line in SONGS["russian"].split("\n")]
    confidences = [guess_legacy_encoding(lines[:count])[1] for count in (1, 3, 6)]
    assert confidences == sorted(confidences)
    assert 0.9 < confidences[-1] < 1


def test_a_guess_between_two_likely_encodings_is_a_weak_one():
    assert guess_legacy_encoding(["čekam te, draga, kao dijete".encode("windows-1250")])[1] < 0.85


@pytest.mark.parametrize("encoding", ["windows-1251", "shift_jis", "windows-1250"])
def test_a_few_foreign_lines_at_the_end_of_a_long_file_decide(encoding):
    song = SONGS[KEPT_AS[encoding][0]].encode(encoding)
    found = detect(b"la la la\n" * (CHUNK_BYTES // 2) + song)
    assert song.decode(found.name) == song.decode(encoding)


def test_a_file_in_several_western_languages_is_windows_1252():
    western = "\n".join(SONGS[language] for language in KEPT_AS["windows-1252"])
    assert detect(western.encode("windows-1252")).name == "windows-1252"


def test_bytes_that_mean_nothing_are_counted():
    found = detect("él está aquí, señor\n".encode("windows-1252") * 20 + b"\x81 \x8d\n")
    assert (found.name, found.replaced) == ("windows-1252", 2)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "windows-1252", "iso-8859-1"])
def test_three_lines_with_foreign_letters_are_shown_as_they_were_read(encoding):
    found = detect(("plain line\n" * 50 + SONGS["spanish"]).encode(encoding))
    assert len(found.samples) == 3
    assert set(found.samples) <= set(SONGS["spanish"].split("\n"))
    assert found.to_dict()["samples"] == list(found.samples)


def test_samples_show_what_a_wrong_choice_does_to_the_text():
    assert detect("Привет, мир".encode("windows-1251"), "koi8-r").samples == ("оПХБЕР, ЛХП",)


def test_a_file_of_plain_ascii_has_no_samples():
    assert detect(b"la la la").samples == ()


def test_a_sample_of_an_endless_line_is_cut():
    samples = detect(("é" * 100_000).encode()).samples
    assert all(len(sample) <= 120 for sample in samples)


LONG = QUICK_HEAD_BYTES + (QUICK_WINDOWS + 4) * CHUNK_BYTES


@pytest.mark.parametrize("encoding", ["windows-1251", "utf-8", "gb18030"])
def test_a_quick_look_sees_the_end_of_a_long_file(encoding):
    song = SONGS["chinese" if encoding == "gb18030" else "russian"].encode(encoding)
    found = detect(b"la la la\n" * (LONG // 9) + song, quick=True)
    assert song.decode(found.name) == song.decode(encoding)
    assert found.replaced == 0


def test_a_quick_look_cuts_no_character_in_two():
    line = "Над рекой плывёт туман, я пою тебе одной\n".encode()
    found = detect(line * (LONG // len(line)), quick=True)
    assert (found.name, found.confidence, found.replaced) == ("utf-8", 1.0, 0)


def test_a_quick_look_stays_in_step_with_utf_16():
    content = "Над рекой плывёт туман\n".encode("utf-16-le")
    found = detect(content * (LONG // len(content)), quick=True)
    assert (found.name, found.replaced) == ("utf-16-le", 0)


def test_a_quick_look_reads_a_fraction_of_the_file():
    class Counted(io.BytesIO):
        bytes_read = 0

        def read(self, size=-1):
            piece = super().read(size)
            self.bytes_read += len(piece)
            return piece

    stream = Counted(b"la la la\n" * (3 * LONG // 9))
    detect_encoding(stream, quick=True)
    assert stream.bytes_read <= QUICK_HEAD_BYTES + (QUICK_WINDOWS + 2) * CHUNK_BYTES


@given(st.binary(max_size=400))
def test_any_bytes_get_an_encoding_that_reads_them(content):
    found = detect(content)
    assert found.name in ENCODINGS
    assert 0 <= found.confidence <= 1
    text = "".join(decoded_chunks(io.BytesIO(content), found.name))
    assert "\0" not in text
    assert "\r" not in text
    assert detect(content, quick=True) == found
