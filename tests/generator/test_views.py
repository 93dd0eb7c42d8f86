"""The pages of kept lyrics without JavaScript, each with a second person."""

import json

import pytest
from django.urls import reverse

from generator.models import Lyric
from generator.recipe import Recipe
from generator.services import lyrics
from tests.generator.tiny_models import publish

COMPOSE = reverse("generator:compose")
LYRICS = reverse("generator:lyric-list")
HOSTILE = "<script>alert(1)</script> & \"quotes\" 'n' </textarea>"


@pytest.fixture
def lyric(user):
    return lyrics.save_lyric(user=user, text="Oh my letter\nOh my home", title="Home", prompt="Oh my")


def test_what_was_written_is_kept_with_its_certificate(signed_in, user):
    model = publish(user)
    recipe = Recipe(seed=41, lines=4)
    answer = signed_in.post(
        reverse("generator:lyric-save"),
        {"model": model.pk, "prompt": "Oh", "recipe": json.dumps(recipe.to_dict()), "generated_text": "Oh my\r\nhome",
         "text": "Oh my\r\nhouse", "title": "House", "bookmarked": "true"},
    )  # fmt: skip
    lyric = Lyric.objects.get()
    assert answer.url == lyric.get_absolute_url()
    assert (lyric.owner, lyric.model, lyric.seed, lyric.title) == (user, model, 41, "House")
    assert (lyric.text, lyric.bookmarked, lyric.was_changed) == ("Oh my\nhouse", True, True)
    assert Recipe.from_dict(lyric.recipe) == recipe


@pytest.mark.parametrize(
    "values", [{"text": ""}, {"recipe": "{"}, {"recipe": "[]"}, {"recipe": '{"n": 0}'}, {"title": "x" * 201}]
)
def test_what_cannot_be_kept_comes_back_with_its_words(signed_in, user, values):
    page = signed_in.post(reverse("generator:lyric-save"), {"text": "My words", "title": "Mine"} | values)
    assert page.status_code == 400
    assert not Lyric.objects.exists()
    if "text" not in values:
        assert "My words" in page.content.decode()


def test_another_persons_private_model_is_not_named_in_a_lyric(signed_in, other_user):
    signed_in.post(reverse("generator:lyric-save"), {"text": "Oh my", "model": publish(other_user).pk})
    assert Lyric.objects.get().model is None


def test_a_lyric_is_changed_on_its_page(signed_in, lyric):
    address = lyric.get_absolute_url()
    assert "Oh my letter" in signed_in.get(address).content.decode()
    signed_in.post(address, {"title": "House", "text": "Oh my house", "tags": "sea, slow , sea"})
    lyric.refresh_from_db()
    assert (lyric.title, lyric.text, lyric.tags) == ("House", "Oh my house", ["sea", "slow"])


@pytest.mark.parametrize("values", [{"text": " "}, {"title": "x" * 201}, {"tags": "x" * 41}, {"text": "a\x00"}])
def test_a_change_that_breaks_a_rule_is_said(signed_in, lyric, values):
    page = signed_in.post(lyric.get_absolute_url(), {"title": "A", "text": "b", "tags": ""} | values)
    assert page.status_code == 400
    lyric.refresh_from_db()
    assert lyric.title == "Home"


def test_hostile_words_are_only_words(signed_in, user):
    model = publish(user, name=HOSTILE[:60])
    lyrics.save_lyric(user=user, text=HOSTILE, title=HOSTILE, prompt=HOSTILE, tags=[HOSTILE[:40]], model=model)
    lyric = Lyric.objects.get()
    pages = [LYRICS, lyric.get_absolute_url(), COMPOSE, reverse("generator:lyric-delete", args=[lyric.pk])]
    for address in [*pages, f"{COMPOSE}?prompt={HOSTILE}"]:
        page = signed_in.get(address).content.decode()
        assert "<script>alert" not in page
        assert "' </textarea>" not in page


def test_deleting_asks_first(signed_in, lyric):
    address = reverse("generator:lyric-delete", args=[lyric.pk])
    assert "Delete this lyric?" in signed_in.get(address).content.decode()
    assert Lyric.objects.exists()
    assert signed_in.post(address).url == LYRICS
    assert not Lyric.objects.exists()


def test_a_bookmark_goes_back_to_where_it_was_set(signed_in, lyric):
    address = reverse("generator:lyric-bookmark", args=[lyric.pk])
    answer = signed_in.post(address, {"bookmarked": "true", "next": "/lyrics/?search=a"})
    lyric.refresh_from_db()
    assert (answer.url, lyric.bookmarked) == ("/lyrics/?search=a", True)
    assert signed_in.post(address, {"next": "https://elsewhere.example/"}).url == lyric.get_absolute_url()
    lyric.refresh_from_db()
    assert lyric.bookmarked is False


def test_a_bookmark_by_htmx_is_answered_with_the_star(signed_in, lyric):
    address = reverse("generator:lyric-bookmark", args=[lyric.pk])
    answer = signed_in.post(address, {"bookmarked": "true"}, HTTP_HX_REQUEST="true").content.decode()
    assert 'aria-pressed="true"' in answer
    assert "<html" not in answer


def test_the_list_is_searched_and_filtered(signed_in, user, other_user):
    lyrics.save_lyric(user=user, text="the river", title="River song")
    lyrics.save_lyric(user=user, text="the sea", title="Sea song", bookmarked=True)
    lyrics.save_lyric(user=other_user, text="the river", title="Song of Tom")

    def titles(**query):
        return [lyric.title for lyric in signed_in.get(LYRICS, query).context["lyrics"]]

    assert titles() == ["Sea song", "River song"]
    assert titles(search="RIVER") == ["River song"]
    assert titles(bookmarked="true") == ["Sea song"]
    assert titles(search="%00\x00", after="nothing") == []


def test_more_lyrics_follow_without_gaps(signed_in, user):
    made = [lyrics.save_lyric(user=user, text=f"line {number}").pk for number in range(50)]
    seen, cursor = [], ""
    while cursor is not None:
        page = signed_in.get(LYRICS, {"after": cursor}, **({"HTTP_HX_REQUEST": "true"} if cursor else {}))
        assert ("<html" in page.content.decode()) == (not cursor)
        seen += [lyric.pk for lyric in page.context["lyrics"]]
        cursor = page.context["cursor"]
    assert seen == made[::-1]


@pytest.mark.parametrize("name", ["lyric-detail", "lyric-delete", "lyric-bookmark"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_another_persons_lyric_is_not_there(client, other_user, lyric, name, method):
    client.force_login(other_user)
    answer = getattr(client, method)(reverse(f"generator:{name}", args=[lyric.pk]))
    assert answer.status_code == (405 if (name, method) == ("lyric-bookmark", "get") else 404)
    assert Lyric.objects.exists()


@pytest.mark.parametrize("address", [COMPOSE, LYRICS, "/lyrics/abc/", "/lyrics/abc/delete/"])
def test_a_stranger_is_asked_to_sign_in(client, db, address):
    assert client.get(address).url.startswith(reverse("login"))


def test_the_admin_lists_lyrics(client, staff_user, lyric):
    client.force_login(staff_user)
    assert client.get("/admin/generator/lyric/").status_code == 200
    assert client.get(f"/admin/generator/lyric/{lyric.pk}/change/").status_code == 200
