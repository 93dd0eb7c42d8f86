"""What a person sees of a dataset's versions in the browser."""

import pytest
from django.urls import reverse

from tests.training.song_files import imported
from training.services import songs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("doorbells")]


def page(name, *arguments) -> str:
    return reverse(f"training:{name}", args=arguments)


def text(answer) -> str:
    return answer.content.decode()


@pytest.fixture
def dataset(user):
    """Three songs; in version 2 a word of the first is another, in version 3 the second is left out."""
    dataset = imported(user)
    first = dataset.songs.get(ordinal=1)
    songs.change_song(song=first, by=user, text=first.text.replace("rope", "<b>chain</b>"), title="Salt & Stair")
    dataset.refresh_from_db()
    songs.change_song(song=dataset.songs.of_version(2).get(ordinal=2), by=user, excluded=True)
    dataset.refresh_from_db()
    return dataset


def test_each_version_says_what_made_it_who_and_how_many_songs_it_has(signed_in, dataset):
    shown = text(signed_in.get(page("version-list", dataset.pk)))

    assert "Import of <code>songs.csv</code>" in shown
    assert "text, title changed" in shown or "title, text changed" in shown or "changed." in shown
    assert shown.count("<bdi>mara</bdi>") == 3
    for number in (1, 2, 3):
        fingerprint = dataset.versions.get(number=number).content_hash
        assert fingerprint[:8] in shown
    assert "older=2&amp;newer=3" in shown


def test_two_versions_are_compared_line_by_line_whichever_is_named_first(signed_in, dataset):
    for older, newer in ((1, 3), (3, 1)):
        answer = signed_in.get(page("version-compare", dataset.pk), {"older": older, "newer": newer})
        shown = text(answer)
        assert "Version 1 and version 3" in shown
        assert "2 songs changed." in shown
        assert "<mark>rope</mark>" in shown
        assert "&lt;b&gt;" in shown
        assert "<b>chain" not in shown
        assert "Salt &amp; Stair" in shown
        assert "Left out by hand." in shown
        assert "−1" in shown  # songs in use


def test_a_version_beside_itself_is_not_compared(signed_in, dataset):
    answer = signed_in.get(page("version-compare", dataset.pk), {"older": 2, "newer": 2}, follow=True)

    assert "Choose two different versions" in text(answer)


@pytest.mark.parametrize("numbers", [{}, {"older": 1}, {"older": "x", "newer": 2}, {"older": 1, "newer": "9" * 40}])
def test_versions_that_are_none_are_not_found(signed_in, dataset, numbers):
    assert signed_in.get(page("version-compare", dataset.pk), numbers).status_code == 404


def test_another_persons_versions_are_not_there(client, other_user, dataset):
    client.force_login(other_user)

    assert client.get(page("version-list", dataset.pk)).status_code == 404
    assert client.get(page("version-compare", dataset.pk), {"older": 1, "newer": 2}).status_code == 404
