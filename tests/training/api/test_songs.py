"""Songs by program: found, changed, taken along; read by whoever may see the dataset, changed by its owner alone."""

import csv
import io
import json
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.songs import make_ready_dataset
from tests.training.song_files import VERSES, csv_file, imported
from training.models import Dataset, Song, Visibility
from training.services import datasets as dataset_services
from training.services import songs as song_services

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]

DATASETS = "/api/v1/datasets/"


@pytest.fixture
def dataset(user):
    return imported(user)


def address(dataset, song=None) -> str:
    songs = f"{DATASETS}{dataset.pk}/songs/"
    return f"{songs}{song.pk}/" if song else songs


def titles(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [song["title"] for song in answer.json()["results"]]


class TestList:
    def test_words_find_songs_in_their_order(self, api, dataset):
        assert titles(api.get(address(dataset), {"search": "bells boat"})) == ["Nine Bells"]
        assert titles(api.get(address(dataset), {"search": "ada qui"})) == ["Winter Has a Key"]
        assert titles(api.get(address(dataset), {"search": "bells OR winter"})) == []
        assert titles(api.get(address(dataset), {"search": ""})) == [title for title, *_ in VERSES]

    def test_a_version_shows_the_songs_it_had(self, api, user, dataset):
        song_services.change_song(song=dataset.songs.get(ordinal=1), by=user, title="Pepper", excluded=True)

        assert titles(api.get(address(dataset), {"version": 1}))[0] == "Salt on the Stair"
        assert titles(api.get(address(dataset)))[0] == "Pepper"
        assert titles(api.get(address(dataset), {"excluded": "person"})) == ["Pepper"]
        assert titles(api.get(address(dataset), {"excluded": "in_use", "from": 3})) == ["Nine Bells"]
        assert titles(api.get(address(dataset), {"excluded_as": "person", "genre": "Shanty"})) == ["Pepper"]

    @pytest.mark.parametrize("asked", [{"version": "3"}, {"version": "0"}, {"version": "x"}, {"excluded": "x"}])
    def test_what_is_not_there_is_refused_by_its_field(self, api, dataset, asked):
        answer = api.get(address(dataset), asked)

        assert answer.status_code == 400
        assert list(answer.json()) == list(asked)

    def test_songs_that_an_import_has_only_begun_are_not_shown(self, api, dataset):
        Song.objects.create(dataset=dataset, ordinal=9, added_in=2, title="Not yet", text="x", text_hash="0" * 32)

        assert api.get(address(dataset), {"version": 2}).status_code == 400
        assert "Not yet" not in titles(api.get(address(dataset)))

    def test_later_pages_take_no_more_questions_than_the_first(self, api, user, django_assert_max_num_queries):
        ready = make_ready_dataset(user)
        for first in (1, 20):
            with django_assert_max_num_queries(5):  # the token, its person, its use, the dataset, the songs
                api.get(address(ready), {"from": first})


class TestOne:
    def test_a_song_comes_with_its_text_as_it_stood_in_the_file(self, api, user):
        dataset = imported(user, csv_file([("A", "", "", "two  blanks\nhere")]))
        song = dataset.songs.get()

        told = api.get(address(dataset, song)).json()

        assert (told["text"], told["raw_text"]) == ("two blanks\nhere", "two  blanks\nhere")
        assert {"id", "ordinal", "sections", "duplicate_group", "excluded_as", "marks", "added_in"} <= set(told)

    def test_a_change_answers_with_the_new_row_in_the_next_version(self, api, dataset):
        song = dataset.songs.get(ordinal=2)
        answer = api.patch(address(dataset, song), {"text": "Spring has\r\nno key", "year": 1999, "excluded": True})

        told = answer.json()
        assert answer.status_code == 200
        assert (told["text"], told["year"], told["excluded_as"]) == ("Spring has\nno key", 1999, "person")
        assert (told["ordinal"], told["added_in"], told["id"] != song.pk) == (2, 2, True)
        assert api.get(f"{DATASETS}{dataset.pk}/").json()["version"] == 2
        assert api.get(address(dataset, song)).json()["text"] == song.text

        back = api.patch(f"{address(dataset)}{told['id']}/", {"excluded": False, "year": None}).json()
        assert (back["excluded_as"], back["year"], back["added_in"]) == (None, None, 3)

    def test_nothing_to_change_makes_no_version(self, api, dataset):
        song = dataset.songs.get(ordinal=2)

        assert api.patch(address(dataset, song), {}).json()["id"] == song.pk
        assert api.patch(address(dataset, song), {"title": song.title, "excluded": False}).json()["id"] == song.pk
        dataset.refresh_from_db()
        assert dataset.version == 1

    def test_an_older_row_and_a_running_import_are_conflicts(self, api, dataset):
        song = dataset.songs.get(ordinal=2)
        api.patch(address(dataset, song), {"title": "First"})
        late = api.patch(address(dataset, song), {"title": "Second"})
        dataset_services.import_again(dataset=Dataset.objects.get(pk=dataset.pk))
        meanwhile = api.patch(address(dataset, dataset.songs.get(ordinal=1)), {"excluded": True})

        assert (late.status_code, late.json()["state"]) == (409, "ready")
        assert (meanwhile.status_code, meanwhile.json()["state"]) == (409, "importing")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"text": ""}, "text"), ({"text": None}, "text"), ({"text": "[Chorus]"}, "text"), ({"text": "a\0"}, "text"),
            ({"text": "x" * 200_001}, "text"), ({"text": ["a"]}, "text"), ({"title": "t" * 301}, "title"),
            ({"title": {}}, "title"), ({"language": "l" * 36}, "language"), ({"year": "x"}, "year"),
            ({"year": 10**30}, "year"), ({"year": 0}, "year"), ({"year": []}, "year"),
            ({"excluded": "perhaps"}, "excluded"), ({"excluded": None}, "excluded"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_is_refused_by_its_field(self, api, dataset, body, field):
        answer = api.patch(address(dataset, dataset.songs.get(ordinal=1)), body)

        assert answer.status_code == 400, answer.content
        assert list(answer.json()) == [field]
        assert all(isinstance(message, str) for message in answer.json()[field])

    @pytest.mark.parametrize("body", ["[]", "7", "null", "{", '{"title": "\\ud800"}', '{"year": 1e400}', "[" * 100_000])
    def test_no_body_makes_a_server_error(self, api, dataset, body):
        song = dataset.songs.get(ordinal=1)
        answer = api.generic("PATCH", address(dataset, song), body, content_type="application/json")

        assert answer.status_code == 400

    def test_another_kind_of_body_is_unsupported(self, api, dataset):
        song = dataset.songs.get(ordinal=1)

        assert api.generic("PATCH", address(dataset, song), "a=b", content_type="text/plain").status_code == 415

    @pytest.mark.parametrize("key", ["0", "x", "-1", "9" * 19, "9" * 40])
    def test_a_song_that_is_not_there_is_not_found(self, api, dataset, key):
        assert api.get(f"{address(dataset)}{key}/").status_code == 404
        assert api.patch(f"{address(dataset)}{key}/", {"excluded": True}).status_code == 404


class TestOthers:
    def test_a_private_dataset_is_not_found(self, other_api, dataset):
        song = dataset.songs.get(ordinal=1)
        for path in ("songs/", f"songs/{song.pk}/", "versions/", "versions/compare/?older=1&newer=2", "duplicates/",
                     "export/", "rejections/"):  # fmt: skip
            assert other_api.get(f"{DATASETS}{dataset.pk}/{path}").status_code == 404, path
        assert other_api.patch(address(dataset, song), {"excluded": True}).status_code == 404

    def test_a_shared_one_is_read_and_not_changed(self, other_api, dataset):
        Dataset.objects.filter(pk=dataset.pk).update(visibility=Visibility.SHARED)
        song = dataset.songs.get(ordinal=1)

        assert len(titles(other_api.get(address(dataset)))) == 3
        assert other_api.get(address(dataset, song)).json()["title"] == song.title
        assert other_api.get(f"{DATASETS}{dataset.pk}/export/").status_code == 200
        assert other_api.patch(address(dataset, song), {"excluded": True}).status_code == 404

    def test_a_song_is_found_below_its_own_dataset_alone(self, api, user, dataset):
        other = make_ready_dataset(user)

        assert api.get(f"{DATASETS}{other.pk}/songs/{dataset.songs.first().pk}/").status_code == 404


class TestExport:
    def test_songs_in_use_are_a_file_of_the_asked_version(self, api, user, dataset):
        song_services.change_song(song=dataset.songs.get(ordinal=1), by=user, excluded=True)

        newest = api.get(f"{DATASETS}{dataset.pk}/export/")
        first = api.get(f"{DATASETS}{dataset.pk}/export/", {"version": 1, "format": "csv"})

        assert newest["Content-Disposition"] == 'attachment; filename="harbour-songs-version-2.jsonl"'
        lines = newest.getvalue().splitlines()
        assert [json.loads(line)["title"] for line in lines] == [title for title, *_ in VERSES[1:]]
        rows = list(csv.DictReader(io.StringIO(first.getvalue().decode(), newline="")))
        assert [row["title"] for row in rows] == [title for title, *_ in VERSES]
        assert first["Content-Type"] == "text/csv; charset=utf-8"

    @pytest.mark.parametrize("accept", ["text/csv", "application/x-ndjson", "*/*", "application/json"])
    def test_a_client_may_accept_what_it_asks_for(self, api, dataset, accept):
        assert (
            api.get(f"{DATASETS}{dataset.pk}/export/", {"format": "csv"}, headers={"Accept": accept}).status_code == 200
        )

    @pytest.mark.parametrize("asked", [{"format": "xlsx"}, {"format": "a\0"}, {"version": "2"}, {"version": "9" * 40}])
    def test_what_is_not_there_is_refused_by_its_field(self, api, dataset, asked):
        answer = api.get(f"{DATASETS}{dataset.pk}/export/", asked)

        assert (answer.status_code, list(answer.json())) == (400, list(asked))

    def test_an_export_imports_back_as_it_was(self, api, user):
        dataset = imported(user, csv_file([*VERSES, ("=1+1", "'@x", "", "-first\nand last")]))
        fields = ("ordinal", "title", "artist", "genre", "year", "language", "text", "text_hash")
        for kind in ("jsonl", "csv"):
            content = api.get(f"{DATASETS}{dataset.pk}/export/", {"format": kind}).getvalue()
            again = imported(user, SimpleUploadedFile(f"songs.{kind}", content), name=f"Again {kind}")
            assert list(again.songs_in_use().values_list(*fields)) == list(dataset.songs_in_use().values_list(*fields))
            assert again.content_hash == dataset.content_hash


@pytest.mark.parametrize(
    "junk", ["", "x", "-1", "1e400", "9" * 40, "a\0b", "\ud800", "²", '"', "' OR 1=1 --", "*", "(a"]
)
@pytest.mark.parametrize(
    "name", ["from", "page", "page_size", "search", "version", "excluded", "older", "newer", "format"]
)
def test_no_parameter_makes_a_server_error(api, dataset, name, junk):
    value = quote(junk.encode("utf-8", "surrogatepass"))
    for path in ("songs/", "versions/", "versions/compare/", "duplicates/", "export/"):
        answer = api.get(f"{DATASETS}{dataset.pk}/{path}?{name}={value}")
        assert answer.status_code in (200, 400, 404), (path, answer.status_code)
