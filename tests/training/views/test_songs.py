"""What a person sees and does with songs in the browser."""

import pytest
from django.urls import reverse

from tests.songs import make_ready_dataset
from tests.training.song_files import VERSES, csv_file, imported
from training.models import Dataset, Song

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

HTMX = {"HX-Request": "true"}


def page(name, *arguments) -> str:
    return reverse(f"training:{name}", args=arguments)


def text(answer) -> str:
    return answer.content.decode()


# ── Many ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_songs_are_searched_by_title_artist_and_words(signed_in, user):
    dataset = imported(user)
    for words, found in [("winter", "Winter Has a Key"), ("ferriday", "Nine Bells"), ("rope", "Salt on the Stair")]:
        shown = text(signed_in.get(page("song-list", dataset.pk), {"q": words}))
        assert shown.count('class="song-title"') == 1
        assert found in shown


def test_a_search_that_finds_nothing_says_so(signed_in, ready_dataset):
    assert "Not a line of it" in text(signed_in.get(page("song-list", ready_dataset.pk), {"q": "zzz"}))


def test_songs_come_page_by_page_and_as_a_fragment_for_the_page(signed_in, ready_dataset):
    first = signed_in.get(page("song-list", ready_dataset.pk))
    second = signed_in.get(page("song-list", ready_dataset.pk), {"from": "13"}, headers=HTMX)

    assert "1 to 12 of 24 songs" in text(first)
    assert "13 to 24 of 24 songs" in text(second)
    assert "<html" not in text(second)


def test_a_copy_names_the_song_that_is_in_use(signed_in, user):
    dataset = imported(user, csv_file([VERSES[0], ("A copy", *VERSES[0][1:])]))
    shown = text(signed_in.get(page("song-list", dataset.pk), {"q": "A copy"}))

    assert "the same words as another song: “<bdi>Salt on the Stair</bdi>”" in shown


def test_songs_are_filtered_by_genre_and_by_whether_they_are_in_use(signed_in, user):
    dataset = imported(user, csv_file([*VERSES, ("A copy", *VERSES[0][1:])]))
    hymns = text(signed_in.get(page("song-list", dataset.pk), {"genre": "Hymn"}))
    left_out = text(signed_in.get(page("song-list", dataset.pk), {"excluded": "left_out"}))
    used = text(signed_in.get(page("song-list", dataset.pk), {"excluded": "in_use"}))

    assert (hymns.count('class="song-title"'), "Winter Has a Key" in hymns) == (1, True)
    assert (left_out.count('class="song-title"'), "A copy" in left_out) == (1, True)
    assert used.count('class="song-title"') == 3


def test_pages_lead_back_and_forth_by_the_place_of_a_song(signed_in, ready_dataset):
    first = text(signed_in.get(page("song-list", ready_dataset.pk)))
    second = text(signed_in.get(page("song-list", ready_dataset.pk), {"from": "13"}))

    assert "from=13" in first
    assert 'rel="prev"' not in first
    assert "from=1&" not in second.replace("from=13", "")
    assert 'rel="prev"' in second
    assert 'rel="next"' not in second


def test_everything_a_search_finds_is_left_out_and_taken_back_at_once(signed_in, ready_dataset):
    found = {"q": "lantern", "leave_out": "true"}
    answer = signed_in.post(page("songs-change", ready_dataset.pk), found, follow=True)

    assert "That made version 2" in text(answer)
    ready_dataset.refresh_from_db()
    left_out = ready_dataset.songs.of_version(2).filter(excluded_as="person")
    assert left_out.count() == 6
    assert ready_dataset.songs_in_use(1).count() == 24

    back = {"q": "lantern", "excluded": "person", "leave_out": "false"}
    signed_in.post(page("songs-change", ready_dataset.pk), back)
    ready_dataset.refresh_from_db()
    assert (ready_dataset.version, ready_dataset.songs_in_use().count()) == (3, 24)


def test_nothing_is_left_out_without_a_search(signed_in, ready_dataset):
    answer = signed_in.post(page("songs-change", ready_dataset.pk), {"leave_out": "true"}, follow=True)

    assert "Search first" in text(answer)
    ready_dataset.refresh_from_db()
    assert ready_dataset.version == 1


@pytest.mark.parametrize(("kind", "begins"), [("jsonl", '{"ordinal": 1,'), ("csv", "ordinal,title,artist")])
def test_songs_are_taken_along_as_a_file(signed_in, ready_dataset, kind, begins):
    answer = signed_in.get(page("song-export", ready_dataset.pk, kind))
    content = b"".join(answer.streaming_content).decode()

    assert content.startswith(begins)
    assert "The lantern at the river" in content
    assert answer.headers["Content-Disposition"] == f'attachment; filename="small-songs.{kind}"'


def test_another_kind_of_file_is_not_there(signed_in, ready_dataset):
    assert signed_in.get(page("song-export", ready_dataset.pk, "xlsx")).status_code == 404


# ── One ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_song_is_shown_as_a_network_reads_it(signed_in, user):
    dataset = imported(user)
    song = dataset.songs.get(ordinal=2)
    shown = text(signed_in.get(page("song-detail", dataset.pk, song.pk)))

    for mark in ("begin", "verse", "chorus", "end"):
        assert f"<span>{mark}</span>" in shown
    assert "Winter has a key" in shown
    assert "Nine Bells" in shown  # its neighbour


def fields_of(song: Song, **changes) -> dict:
    names = ("title", "artist", "genre", "year", "language", "text")
    return {**{name: getattr(song, name) or "" for name in names}, **changes}


def test_a_song_is_mended_and_the_page_says_which_version_that_made(signed_in, ready_dataset):
    song = ready_dataset.songs.get(ordinal=1)
    fields = fields_of(song, title="The lamp", text="I went down\r\nto the river", year="1987")
    answer = signed_in.post(page("song-edit", ready_dataset.pk, song.pk), fields, follow=True)

    shown = text(answer)
    assert "Saved. That made version 2" in shown
    assert "The lamp" in shown
    assert "As it stood" in shown  # the words of the file are kept beside
    ready_dataset.refresh_from_db()
    now = ready_dataset.songs.of_version(2).get(ordinal=1)
    assert (now.text, now.year) == ("I went down\nto the river", 1987)
    assert ready_dataset.songs.of_version(1).get(ordinal=1).title == song.title


def test_saving_what_was_not_changed_makes_no_version(signed_in, ready_dataset):
    song = ready_dataset.songs.get(ordinal=1)
    fields = fields_of(song, text=song.text.replace("\n", "\r\n"))  # as a browser sends it
    answer = signed_in.post(page("song-edit", ready_dataset.pk, song.pk), fields, follow=True)

    assert "Nothing was changed." in text(answer)
    ready_dataset.refresh_from_db()
    assert ready_dataset.version == 1


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("year", "-9", "This has to be a year"),
        ("text", "[Chorus]", "There are no words in this song."),
        ("title", "x" * 301, "at most 300"),
        ("title", "a\0b", "Null characters are not allowed"),
    ],
)
def test_what_cannot_be_kept_is_said_at_its_field(signed_in, ready_dataset, field, value, words):
    song = ready_dataset.songs.get(ordinal=1)
    answer = signed_in.post(page("song-edit", ready_dataset.pk, song.pk), fields_of(song, **{field: value}))

    assert answer.status_code == 400
    assert words in text(answer)
    ready_dataset.refresh_from_db()
    assert ready_dataset.version == 1


def test_a_song_is_left_out_and_taken_back(signed_in, ready_dataset):
    song = ready_dataset.songs.get(ordinal=3)
    left_out = signed_in.post(page("song-exclude", ready_dataset.pk, song.pk), {"excluded": "true"}, follow=True)
    assert "It is left out. That made version 2" in text(left_out)
    assert "no network learns from it" in text(left_out)

    now = left_out.context["song"]
    back = signed_in.post(page("song-exclude", ready_dataset.pk, now.pk), {"excluded": "false"}, follow=True)
    assert "It is in use again. That made version 3" in text(back)


def test_the_address_of_a_song_that_was_changed_leads_to_it_as_it_is_now(signed_in, ready_dataset):
    song = ready_dataset.songs.get(ordinal=3)
    signed_in.post(page("song-exclude", ready_dataset.pk, song.pk), {"excluded": "true"})
    ready_dataset.refresh_from_db()
    now = ready_dataset.songs.of_version(2).get(ordinal=3)

    assert signed_in.get(page("song-detail", ready_dataset.pk, song.pk)).url == page(
        "song-detail", ready_dataset.pk, now.pk
    )
    stale = signed_in.post(page("song-edit", ready_dataset.pk, song.pk), fields_of(song, title="Late"), follow=True)
    assert "changed meanwhile" in text(stale)
    assert not Song.objects.filter(title="Late").exists()


def test_a_song_stands_beside_what_the_file_had_with_its_language_and_marks(signed_in, ready_dataset):
    song = ready_dataset.songs.get(ordinal=1)
    ready_dataset.songs.filter(pk=song.pk).update(
        raw_text=song.text.replace("night", "n&iacute;ght"),
        language="de",
        language_confidence=0.876,
        language_in_file="en",
        marks=["repeats"],
    )
    shown = text(signed_in.get(page("song-detail", ready_dataset.pk, song.pk)))

    assert "<mark>n&amp;iacute;ght</mark>" in shown or "&amp;iacute;" in shown
    assert "German" in shown
    assert "88 % sure" in shown
    assert "the file says “<bdi>en</bdi>”" in shown
    assert "Says that something is repeated" in shown


# ── Who may do what ──────────────────────────────────────────────────────────────────────────────────────────────


def test_another_persons_songs_are_not_there(client, other_user, ready_dataset):
    client.force_login(other_user)
    song = ready_dataset.songs.first()

    assert client.get(page("song-list", ready_dataset.pk)).status_code == 404
    assert client.get(page("song-detail", ready_dataset.pk, song.pk)).status_code == 404
    assert client.get(page("song-export", ready_dataset.pk, "csv")).status_code == 404


def test_songs_of_a_shared_dataset_are_changed_by_its_owner_alone(client, other_user, ready_dataset):
    Dataset.objects.update(visibility="shared")
    client.force_login(other_user)
    song = ready_dataset.songs.first()

    shown = text(client.get(page("song-detail", ready_dataset.pk, song.pk)))
    for name in ("song-edit", "song-exclude"):
        assert page(name, ready_dataset.pk, song.pk) not in shown
        assert client.post(page(name, ready_dataset.pk, song.pk), fields_of(song)).status_code == 404
    assert client.post(page("songs-change", ready_dataset.pk), {"q": "a"}).status_code == 404


def test_a_song_is_not_found_under_another_dataset(signed_in, user, ready_dataset):
    other = make_ready_dataset(user, name="other")

    assert signed_in.get(page("song-detail", other.pk, ready_dataset.songs.first().pk)).status_code == 404


def test_a_song_that_no_version_has_yet_is_not_found(signed_in, ready_dataset):
    song = ready_dataset.songs.first()
    Song.objects.filter(pk=song.pk).update(added_in=2)

    assert signed_in.get(page("song-detail", ready_dataset.pk, song.pk)).status_code == 404


def test_a_song_says_who_sings_its_sections_and_which_are_only_named(signed_in, user):
    words = "[Verse 1: Ada Quill]\nWinter has a key\nto every door\n\n[Chorus]\nLet it in\n\n[Chorus]"
    dataset = imported(user, csv_file([("Winter", "Ada Quill", "Hymn", words)]))
    song = dataset.songs.get()

    page = signed_in.get(reverse("training:song-detail", args=[dataset.pk, song.pk]))

    assert [tuple(section.values()) for section in page.context["sections"]] == [
        ("Verse 1", "Ada Quill", 2, False),
        ("Chorus", "", 1, False),
        ("Chorus", "", 0, True),
    ]
    assert "only named" in page.content.decode()
