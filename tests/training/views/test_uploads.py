"""How a person brings songs: the files, the preview, the columns, what is cleaned."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from tests.training.song_files import VERSES, csv_file, imported, run_waiting_import, unsure_file
from training.models import Dataset
from training.services import datasets as services
from training.services import songs as song_services

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]


def page(name, *arguments) -> str:
    return reverse(f"training:{name}", args=arguments)


def text(answer) -> str:
    return answer.content.decode()


# ── Adding one ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_form_without_scripts_uploads_and_leads_to_the_dataset(signed_in):
    answer = signed_in.post(page("dataset-create"), {"name": "Harbour", "file": csv_file()})

    dataset = Dataset.objects.get()
    assert answer.status_code == 302
    assert answer.url == dataset.get_absolute_url()
    assert dataset.state == Dataset.State.IMPORTING


def test_columns_that_were_chosen_in_the_preview_are_used(signed_in):
    signed_in.post(
        page("dataset-create"),
        {"name": "x", "file": unsure_file(), "column_lyrics": "beta", "column_title": "alpha", "delimiter": "comma"},
    )

    assert Dataset.objects.get().mapping == {"lyrics": "beta", "title": "alpha"}


@pytest.mark.parametrize(("found", "read_as"), [("utf-8", "windows-1252"), ("", "utf-8")])
def test_an_encoding_that_was_only_found_in_a_part_is_looked_for_again(signed_in, found, read_as):
    """The preview sees the beginning of a large file, here the one without accents."""
    rows = [("Café", "São Tomé", "Não há café\nsó maçãs e pães\ncoração, canção\n")]
    fields = {"name": "x", "file": csv_file(rows, encoding="windows-1252"), "encoding": "utf-8"}

    signed_in.post(page("dataset-create"), {**fields, "found_encoding": found})

    assert Dataset.objects.get().encoding == read_as


def test_an_encoding_that_was_chosen_stays_chosen_when_it_is_shown_again(signed_in):
    file = csv_file(encoding="windows-1252")

    found = text(signed_in.post(page("dataset-preview"), {"file": file}))
    file.seek(0)
    chosen = text(signed_in.post(page("dataset-preview"), {"file": file, "encoding": "koi8-r"}))

    assert 'name="found_encoding" value="' in found
    assert 'name="found_encoding" value="' not in chosen


def test_several_texts_each_keep_what_stands_between_their_own_songs(signed_in):
    one = b"The tide is out\nand so am I"
    two = b"-First-\nNine bells, no boat\n\n-Second-\nNine bells, no shore\n"

    def files():
        return [SimpleUploadedFile("one.txt", one), SimpleUploadedFile("two.txt", two)]

    shown = text(signed_in.post(page("dataset-preview"), {"file": files()}))
    signed_in.post(page("dataset-create"), {"name": "x", "file": files(), "format": "zip", "separator": ""})
    run_waiting_import(Dataset.objects.get())

    assert '<option value="" selected>as each file shows</option>' in shown
    assert list(Dataset.objects.get().songs_in_use().values_list("title", flat=True)) == ["one", "First", "Second"]


@pytest.mark.parametrize(
    ("fields", "status", "words"),
    [
        ({"name": ""}, 400, "This field is required"),
        ({"file": ""}, 400, "This field is required"),
        ({"file": SimpleUploadedFile("a.csv", b"\x89PNG\r\n\x1a\n" + bytes(50))}, 400, "PNG picture"),
        ({"column_lyrics": "nope"}, 400, "There is no column named"),
    ],
)
def test_what_is_wrong_is_said_in_the_form(signed_in, fields, status, words):
    answer = signed_in.post(page("dataset-create"), {"name": "x", "file": csv_file(), **fields})

    assert answer.status_code == status
    assert words in text(answer)
    assert not Dataset.objects.exists()


def test_a_file_over_the_limit_is_refused_with_its_status(signed_in, settings):
    settings.UPLOAD_LIMIT_BYTES = 10
    answer = signed_in.post(page("dataset-create"), {"name": "x", "file": csv_file()})

    assert answer.status_code == 413
    assert "larger than" in text(answer)


def test_a_used_up_quota_is_said(signed_in, settings):
    settings.DATASETS_PER_USER = 0

    assert signed_in.post(page("dataset-create"), {"name": "x", "file": csv_file()}).status_code == 429


def test_the_preview_shows_verse_and_columns_and_stores_nothing(signed_in):
    shown = text(signed_in.post(page("dataset-preview"), {"file": csv_file()}))

    assert "Salt on the Stair" in shown
    assert "and a rope in my hand" in shown
    assert '<option value="lyrics" selected>' in shown
    assert "UTF-8" in shown
    assert not Dataset.objects.exists()


def dirty_file():
    return csv_file(
        [
            ("Lantern", "Mira", "Folk", "I left my mother&#39;s house<br>of stone  \nand nothing stayed the same"),
            ("Corner", "Mira", "Folk", "Thereâ€™s a square\nand nobody knows me"),
        ]
    )


def test_the_preview_counts_what_each_switch_of_cleaning_does_and_shows_one_place(signed_in):
    shown = text(signed_in.post(page("dataset-preview"), {"file": dirty_file()}))

    assert "<del><bdi>Thereâ€™s a square</bdi></del>" in shown
    assert "<ins><bdi>There’s a square</bdi></ins>" in shown
    assert "in 1 of 2 songs" in shown
    assert "of stone" in shown  # and the songs are shown as they would be stored
    assert "&lt;br&gt;</p>" not in shown
    assert '<input type="checkbox" name="clean_markup" id="id_clean_markup" checked>' in shown


def test_a_switch_that_is_off_stays_off_and_leaves_the_words_as_they_stand(signed_in):
    chosen = {"had_switches": "True", "clean_mojibake": "on"}
    shown = text(signed_in.post(page("dataset-preview"), {"file": dirty_file(), **chosen}))

    assert '<input type="checkbox" name="clean_markup" id="id_clean_markup">' in shown
    assert "I left my mother&amp;#x27;s house" in shown or "I left my mother&amp;#39;s house" in shown


def test_the_choices_of_the_preview_are_imported(signed_in):
    chosen = {"had_switches": "True", "clean_markup": "on", "language": "EN, de", "duplicates": "on"}
    signed_in.post(page("dataset-create"), {"name": "Harbour", "file": csv_file(), **chosen})

    options = Dataset.objects.get().options
    assert options["cleaning"]["markup"] is True
    assert options["cleaning"]["spacing"] is False
    assert options["language"] == ["en", "de"]
    assert (options["duplicates"], options["near_duplicates"], options["full_text"]) == (True, False, False)


def test_without_the_preview_every_switch_is_on(signed_in):
    signed_in.post(page("dataset-create"), {"name": "Harbour", "file": csv_file()})

    options = Dataset.objects.get().options
    assert options["near_duplicates"] is True
    assert not options["cleaning"]


def test_a_language_that_is_no_code_is_said(signed_in):
    chosen = {"had_switches": "True", "language": "Elvish tongue"}
    answer = signed_in.post(page("dataset-create"), {"name": "Harbour", "file": csv_file(), **chosen})

    assert answer.status_code == 400
    assert "a code of two letters" in text(answer)


def test_several_files_become_one_dataset(signed_in):
    files = [csv_file(VERSES[:2], name="a.csv"), csv_file(VERSES[2:], name="b.csv")]

    shown = text(signed_in.post(page("dataset-preview"), {"file": files}))
    assert "Salt on the Stair" in shown
    assert "Nine Bells" in shown

    for file in files:
        file.seek(0)
    signed_in.post(page("dataset-create"), {"name": "Harbour", "file": files})
    dataset = Dataset.objects.get()
    run_waiting_import(dataset)
    assert dataset.songs_in_use().count() == 3


def test_letters_that_tell_the_encoding_are_shown_beside_the_choice(signed_in):
    rows = [("Nachtzug", "Lene", "Chanson", "Der Zug fährt für mich\nund hält nicht an")]
    shown = text(signed_in.post(page("dataset-preview"), {"file": csv_file(rows, encoding="windows-1252")}))

    assert "Do these letters look right?" in shown
    assert "fährt für mich" in shown
    assert "% sure" in shown
    assert shown.count('name="encoding"') == 1


def test_the_preview_says_what_is_wrong_with_a_file(signed_in):
    shown = signed_in.post(page("dataset-preview"), {"file": SimpleUploadedFile("a.csv", b"%PDF-1.7 " + bytes(50))})

    assert "PDF" in text(shown)


# ── Reading the stored file again ────────────────────────────────────────────────────────────────────────────────


def test_a_dataset_that_is_not_sure_asks_for_its_columns_on_its_own_page(signed_in, user):
    dataset = services.create_dataset(owner=user, name="x", file=unsure_file())
    shown = text(signed_in.get(page("dataset-detail", dataset.pk)))
    assert "Please confirm it" in shown
    assert page("dataset-mapping", dataset.pk) in shown

    answer = signed_in.post(page("dataset-mapping", dataset.pk), {"column_lyrics": "beta", "column_title": "alpha"})

    assert answer.url == dataset.get_absolute_url()
    run_waiting_import(dataset)
    assert dataset.state == Dataset.State.READY


def test_other_columns_are_looked_at_before_they_are_used(signed_in, user):
    dataset = imported(user)
    chosen = {"column_lyrics": "title", "look": "part"}

    shown = signed_in.post(page("dataset-mapping", dataset.pk), chosen)
    assert '<option value="title" selected>' in text(shown)
    assert "<html" not in text(shown)
    whole = signed_in.post(page("dataset-mapping", dataset.pk), {**chosen, "look": "page"})
    assert "<html" in text(whole)
    dataset.refresh_from_db()
    assert (dataset.state, dataset.version) == (Dataset.State.READY, 1)


def test_a_mapping_that_cannot_be_is_refused_on_its_page(signed_in, user):
    dataset = imported(user)
    answer = signed_in.post(page("dataset-mapping", dataset.pk), {"column_lyrics": "nope"})

    assert answer.status_code == 400
    assert "There is no column named" in text(answer)


def test_the_mapping_page_offers_what_was_cleaned_and_imports_anew_without_an_upload(signed_in, user):
    dataset = imported(user)
    shown = text(signed_in.get(page("dataset-mapping", dataset.pk)))
    assert "What is cleaned" in shown

    chosen = {"column_lyrics": "lyrics", "had_switches": "True", "clean_markup": "on", "near_duplicates": "on"}
    answer = signed_in.post(page("dataset-mapping", dataset.pk), chosen)

    assert answer.url == dataset.get_absolute_url()
    job = run_waiting_import(dataset)
    assert dataset.version == 2
    assert job.options["cleaning"]["spacing"] is False
    assert job.options["duplicates"] is False


def test_the_mapping_page_says_that_changes_by_hand_are_not_carried_over(signed_in, user):
    dataset = imported(user)
    warning = "What you changed by hand is not carried over."
    assert warning not in text(signed_in.get(page("dataset-mapping", dataset.pk)))

    song_services.change_song(song=dataset.songs.get(ordinal=1), by=user, excluded=True)
    assert warning in text(signed_in.get(page("dataset-mapping", dataset.pk)))

    signed_in.post(page("dataset-mapping", dataset.pk), {"column_lyrics": "lyrics"})
    run_waiting_import(dataset)
    assert warning not in text(signed_in.get(page("dataset-mapping", dataset.pk)))
