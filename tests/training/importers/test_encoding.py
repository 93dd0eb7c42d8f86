import io

import pytest

from training.importers import ImportRefused, InvalidOptions
from training.importers.encoding import CHUNK_BYTES, decoded_chunks, detect_encoding

from .reading import look, read, texts_of

TEXT = "Ça va, señor?\nÜber den Wolken – “la la”\n"


def detect(content: bytes, chosen: str = ""):
    return detect_encoding(io.BytesIO(content), chosen)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_every_usual_encoding_is_recognised_and_read(encoding):
    content = TEXT.encode(encoding)
    found = look(content, "x.txt")
    assert texts_of(read(content, "x.txt")) == [TEXT.strip()]
    assert found.encoding.replaced == 0
    assert 0.5 < found.encoding.confidence <= 1


@pytest.mark.parametrize("script", ["Привет мир\nкак дела\n" * 9, "Γειά σου\nκόσμε\n" * 9, "hello world\n"])
def test_utf_16_without_a_mark_is_recognised_in_any_script(script):
    assert detect(script.encode("utf-16-le")).name == "utf-16-le"
    assert detect(script.encode("utf-16-be")).name == "utf-16-be"


def test_one_latin_1_letter_at_the_end_of_a_long_file_is_noticed():
    content = b"la la la\n" * (CHUNK_BYTES // 4) + "café".encode("latin-1")
    assert detect(content).name == "windows-1252"
    assert look(content, "x.csv", format="txt", separator="none").encoding.confidence < 0.8


@pytest.mark.parametrize("before", range(4))
def test_a_character_across_two_chunks_is_whole(before):
    content = b"a" * (CHUNK_BYTES - before) + "€é".encode() + b"b" * CHUNK_BYTES
    found = detect(content)
    assert (found.name, found.confidence, found.replaced) == ("utf-8", 1.0, 0)
    assert "".join(decoded_chunks(io.BytesIO(content), "utf-8")) == content.decode()


def test_utf_8_with_a_few_broken_places_stays_utf_8_and_counts_them():
    found = detect("schöne grüße ".encode() * 50 + b"\xff\xc3 end")
    assert (found.name, found.replaced) == ("utf-8", 2)
    assert found.confidence < 1


def test_replacement_characters_that_stood_in_the_file_do_not_make_it_another_encoding():
    found = detect("plain \ufffd text".encode())
    assert (found.name, found.replaced) == ("utf-8", 1)


def test_a_chosen_encoding_is_used_and_its_losses_are_counted():
    content = "Привет, мир, la la".encode("cp1251")
    assert texts_of(read(content, "x.txt", encoding="cp1251")) == ["Привет, мир, la la"]
    assert look("la é la la la".encode("latin-1"), "x.txt", encoding="utf-8").encoding.replaced == 1


@pytest.mark.parametrize("encoding", ["no-such", "idna", "rot13", "base64", "unicode_escape", "a\0b", 17])
def test_what_is_no_text_encoding_cannot_be_chosen(encoding):
    with pytest.raises(InvalidOptions) as refusal:
        look("la la", encoding=encoding)
    assert "encoding" in refusal.value.errors


def test_a_guess_is_called_a_guess():
    warnings = look("café la la".encode("latin-1"), "x.txt").warnings
    assert any("guess" in warning for warning in warnings)


def test_every_newline_becomes_one_kind_even_across_chunks():
    content = b"a" * (CHUNK_BYTES - 1) + b"\r\nb\rc\n"
    assert "".join(decoded_chunks(io.BytesIO(content), "utf-8"))[-6:] == "a\nb\nc\n"


def test_a_file_of_nul_bytes_is_refused():
    with pytest.raises(ImportRefused):
        look(bytes(500_000), "x.txt")
