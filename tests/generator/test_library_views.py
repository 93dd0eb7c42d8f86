"""The pages of keeping: shelves, collections, links, writing again; without JavaScript, each with a second person."""

import pytest
from django.urls import reverse

from generator.models import Collection, Lyric
from generator.recipe import Recipe
from generator.services import collections, history, lyrics, sharing, writing
from tests.generator.tiny_models import publish

LYRICS = reverse("generator:lyric-list")
COLLECTIONS = reverse("generator:collection-list")
HOSTILE = "<script>alert(1)</script> & \"quotes\" 'n' </textarea>"


@pytest.fixture(autouse=True)
def _own_engine(monkeypatch):
    monkeypatch.setattr(writing, "engine", writing.Engine())


@pytest.fixture
def lyric(user):
    return lyrics.save_lyric(user=user, text="Oh my letter\nOh my home", title="Home", tags=["slow"])


@pytest.fixture
def written(user):
    return Lyric.objects.create(owner=user, text="A draft", model_name="Harbour LSTM", kept_at=None)


@pytest.fixture
def collection(user):
    return collections.create_collection(user=user, name="Sea songs", description="Salt.")


@pytest.fixture
def entry(collection, lyric):
    return collections.add_lyric(collection=collection, lyric=lyric)


def address(name: str, *rows) -> str:
    return reverse(f"generator:{name}", args=[row.pk for row in rows])


def page(client, url: str, **query) -> str:
    answer = client.get(url, query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_kept_history_and_bookmarked_are_three_shelves(signed_in, user, other_user, lyric, written):
    Lyric.objects.create(owner=other_user, text="of Tom", kept_at=None)
    starred = lyrics.save_lyric(user=user, text="Starred", bookmarked=True)

    def shelf(**query):
        return [one.pk for one in signed_in.get(LYRICS, query).context["lyrics"]]

    assert shelf() == [starred.pk, lyric.pk]
    assert shelf(history="true") == [written.pk]
    assert shelf(bookmarked="true") == [starred.pk]
    assert "Kept 2" in page(signed_in, LYRICS)
    assert "History 1" in page(signed_in, LYRICS)


def test_the_list_is_narrowed_by_tag_model_and_words_and_ordered_by_title(signed_in, user):
    model = publish(user, name="Harbour LSTM")
    for title, tags, by in [("Tide", ["sea"], model), ("", ["sea", "slow"], None), ("Anchor", [], None)]:
        lyrics.save_lyric(user=user, text="Boats and rain", title=title, tags=tags, model=by)

    def names(**query):
        return [str(one) for one in signed_in.get(LYRICS, query).context["lyrics"]]

    assert names(tag="sea") == ["Boats and rain", "Tide"]
    assert names(model="Harbour LSTM") == ["Tide"]
    assert names(model="Unknown") == names()
    assert names(search="slow boa") == ["Boats and rain"]
    assert names(order="title") == ["Anchor", "Boats and rain", "Tide"]
    assert names(search="nothing of that") == []
    assert 'aria-current="true"><span>sea</span> 2' in page(signed_in, LYRICS, tag="sea")


def test_found_words_are_marked_and_hostile_ones_stay_words(signed_in, user):
    text = "\n".join(["Nothing here"] * 9 + ["<b>lantern</b> & <mark>lanternlight</mark>"])
    lyrics.save_lyric(user=user, title="<i>Lantern</i>", text=text, tags=["lantern"])
    shown = page(signed_in, LYRICS, search="lantern")
    assert "&lt;i&gt;<mark>Lantern</mark>&lt;/i&gt;" in shown
    assert "&lt;b&gt;<mark>lantern</mark>&lt;/b&gt; &amp; &lt;mark&gt;<mark>lanternlight</mark>&lt;/mark&gt;" in shown
    assert "from line 9" in shown
    assert "<mark>" not in page(signed_in, LYRICS)


def test_another_shelf_is_searched_for_the_same_words(signed_in, lyric):
    shown = page(signed_in, LYRICS, search="draft", tag="slow")
    assert f'href="{LYRICS}?search=draft&amp;history=true"' in shown
    assert f'href="{LYRICS}?search=draft"' in page(signed_in, LYRICS, search="draft", history="true")


@pytest.mark.parametrize("order", ["newest", "title"])
def test_more_lyrics_follow_in_either_order(signed_in, user, order):
    made = {lyrics.save_lyric(user=user, text="line", title=f"Title {number % 7}").pk for number in range(50)}
    seen, cursor = [], ""
    while cursor is not None:
        answer = signed_in.get(LYRICS, {"after": cursor, "order": order})
        seen += [one.pk for one in answer.context["lyrics"]]
        cursor = answer.context["cursor"]
    assert (len(seen), set(seen)) == (50, made)


def test_history_is_kept_from_its_card(signed_in, written):
    assert address("lyric-keep", written) in page(signed_in, LYRICS, history="true")
    answer = signed_in.post(address("lyric-keep", written), {"next": f"{LYRICS}?history=true"})
    assert answer.url == f"{LYRICS}?history=true"
    written.refresh_from_db()
    assert written.is_kept
    assert address("lyric-keep", written) not in page(signed_in, written.get_absolute_url())


def test_a_text_that_was_stopped_says_so(signed_in, written):
    assert "stopped" not in page(signed_in, LYRICS, history="true")
    Lyric.objects.update(made_with={"ending": "stopped"}, model_name="Tiny")
    assert '<span class="state" data-state="cancelled">stopped</span>' in page(signed_in, LYRICS, history="true")
    assert "when you stopped it" in page(signed_in, written.get_absolute_url())


def test_what_the_compose_page_saves_is_the_lyric_of_the_history(signed_in, other_user, written):
    values = {"lyric": written.pk, "text": "A draft, changed", "title": "Mine", "bookmarked": "true"}
    assert signed_in.post(reverse("generator:lyric-save"), values).url == written.get_absolute_url()
    kept = Lyric.objects.get()
    assert (kept.text, kept.title, kept.bookmarked, kept.is_kept) == ("A draft, changed", "Mine", True, True)
    refused = signed_in.post(reverse("generator:lyric-save"), values | {"text": " "})
    assert refused.status_code == 400
    assert written.pk in refused.content.decode()


def test_another_persons_history_is_not_changed_by_saving(client, other_user, written):
    client.force_login(other_user)
    client.post(reverse("generator:lyric-save"), {"lyric": written.pk, "text": "Of Tom"})
    written.refresh_from_db()
    assert (written.text, written.is_kept) == ("A draft", False)
    assert Lyric.objects.owned_by(other_user).get().text == "Of Tom"


def test_a_lyric_is_laid_into_a_collection_and_into_a_new_one(signed_in, lyric, collection):
    collect = address("lyric-collect", lyric)
    for values in ({"collection": collection.pk}, {"collection": collection.pk}, {"name": "B-sides"}):
        assert signed_in.post(collect, values).url == f"{lyric.get_absolute_url()}#collections"
    assert [entry.lyric for entry in collection.entries.all()] == [lyric, lyric]
    assert Collection.objects.get(name="B-sides").entries.get().lyric == lyric
    shown = page(signed_in, lyric.get_absolute_url())
    assert shown.count("<b>Sea songs</b>") == shown.count("<b>B-sides</b>") == 1


@pytest.mark.parametrize("values", [{}, {"collection": "nothing"}, {"collection": "\x00"}, {"name": "x" * 121}])
def test_no_collection_is_said_on_the_page(signed_in, lyric, values):
    answer = signed_in.post(address("lyric-collect", lyric), values)
    assert answer.status_code == 400
    assert answer.context["collect"].errors
    assert not Collection.objects.exists()


def test_another_persons_collection_cannot_be_chosen(client, other_user, collection):
    client.force_login(other_user)
    own = lyrics.save_lyric(user=other_user, text="Of Tom")
    assert client.post(address("lyric-collect", own), {"collection": collection.pk}).status_code == 400
    assert not collection.entries.exists()


def test_a_collection_is_made_changed_and_deleted(signed_in, lyric):
    made = signed_in.post(COLLECTIONS, {"name": "Tides", "description": "Salt."})
    collection = Collection.objects.get()
    assert made.url == collection.get_absolute_url()
    collections.add_lyric(collection=collection, lyric=lyric)
    assert "Home" in page(signed_in, made.url)
    signed_in.post(made.url, {"name": "Ebb", "description": ""})
    assert "Ebb" in page(signed_in, COLLECTIONS)
    assert signed_in.post(made.url, {"name": " "}).status_code == 400
    assert "Delete this collection?" in page(signed_in, address("collection-delete", collection))
    assert signed_in.post(address("collection-delete", collection)).url == COLLECTIONS
    assert not Collection.objects.exists()
    assert Lyric.objects.get() == lyric


@pytest.mark.parametrize("values", [{"name": ""}, {"name": "x" * 121}, {"name": "a\x00"}])
def test_a_name_that_cannot_be_is_said(signed_in, values):
    assert signed_in.post(COLLECTIONS, values).status_code == 400


def test_entries_move_and_go_by_buttons(signed_in, user, collection, entry):
    other = collections.add_lyric(collection=collection, lyric=lyrics.save_lyric(user=user, text="Tide"))
    moved = signed_in.post(address("entry-move", collection, other), {"position": "1"})
    assert moved.url == f"{collection.get_absolute_url()}#entry-{other.pk}"
    assert list(collection.entries.all()) == [other, entry]
    for nowhere in ("0", "x", "99999", ""):
        signed_in.post(address("entry-move", collection, other), {"position": nowhere})
    assert list(collection.entries.all()) == [other, entry]
    signed_in.post(address("entry-remove", collection, other))
    assert list(collection.entries.all()) == [entry]
    assert Lyric.objects.count() == 2


def test_whoever_has_the_link_reads_words_and_nothing_else(client, signed_in, user, lyric):
    lyrics.update_lyric(lyric=lyric, tags=["for June"])
    shared = signed_in.post(address("lyric-share", lyric))
    assert shared.url == f"{lyric.get_absolute_url()}#share"
    lyric.refresh_from_db()
    link = lyric.get_shared_url()
    assert link in page(signed_in, lyric.get_absolute_url())
    signed_in.logout()
    answer = client.get(link)
    text = answer.content.decode()
    assert "Oh my letter" in text
    assert "noindex" in text
    assert (answer["X-Robots-Tag"], answer["Referrer-Policy"]) == ("noindex, nofollow", "no-referrer")
    assert "no-cache" in answer["Cache-Control"]
    for private in (user.username, "June", lyric.pk):
        assert private not in text
    assert client.post(link).status_code == 405


def test_a_link_that_was_taken_back_shows_nothing_ever(client, signed_in, lyric):
    sharing.share(lyric)
    link = lyric.get_shared_url()
    signed_in.post(address("lyric-share", lyric), {"shared": "false"})
    assert client.get(link).status_code == 404
    signed_in.post(address("lyric-share", lyric))
    assert client.get(link).status_code == 404
    lyric.refresh_from_db()
    assert client.get(lyric.get_shared_url()).status_code == 200


def test_a_shared_collection_shows_its_lyrics_in_their_order(client, user, collection, entry):
    collections.add_lyric(collection=collection, lyric=lyrics.save_lyric(user=user, text="Low tide"), position=1)
    sharing.share(collection)
    text = page(client, collection.get_shared_url())
    assert text.index("Low tide") < text.index("Oh my letter")
    assert "Salt." in text
    assert user.username not in text
    sharing.stop_sharing(collection)
    assert client.get(reverse("generator:shared-collection", args=["x"])).status_code == 404
    assert not Lyric.objects.exclude(share_link=None).exists()


def test_a_lyric_is_written_again_on_its_page(signed_in, user):
    model = publish(user)
    generation = writing.generate(user=user, model=model, prompt="Oh", recipe=Recipe(seed=41, max_tokens=30))
    lyric = history.note(user=user, generation=generation)[0]
    assert "letter for letter" in signed_in.post(address("lyric-reproduce", lyric)).content.decode()
    Lyric.objects.filter(pk=lyric.pk).update(generated_text="Another")
    shown = signed_in.post(address("lyric-reproduce", lyric)).content.decode()
    assert "Not the same this time." in shown
    assert "it was “Another”" in shown
    model.delete()
    assert "no longer here, or no longer shared" in signed_in.post(address("lyric-reproduce", lyric)).content.decode()


def test_too_much_at_once_is_said_when_writing_again(signed_in, user, settings, monkeypatch):
    model = publish(user)
    generation = writing.generate(user=user, model=model, prompt="Oh", recipe=Recipe(seed=41, max_tokens=30))
    lyric = history.note(user=user, generation=generation)[0]
    monkeypatch.setattr(writing, "engine", writing.Engine(per_person=0))
    answer = signed_in.post(address("lyric-reproduce", lyric))
    assert answer.status_code == 429
    assert "Not written again." in answer.content.decode()


def test_hostile_words_are_only_words(signed_in, client, user):
    lyric = lyrics.save_lyric(user=user, text=HOSTILE, title=HOSTILE, tags=[HOSTILE[:40]])
    collection = collections.create_collection(user=user, name=HOSTILE, description=HOSTILE)
    collections.add_lyric(collection=collection, lyric=lyric)
    sharing.share(lyric)
    sharing.share(collection)
    pages = [LYRICS, COLLECTIONS, lyric.get_absolute_url(), collection.get_absolute_url()]
    pages += [lyric.get_shared_url(), collection.get_shared_url(), address("collection-delete", collection)]
    for url in [*pages, f"{LYRICS}?tag={HOSTILE}&search={HOSTILE}"]:
        shown = page(signed_in, url)
        assert "<script>alert" not in shown
        assert "' </textarea>" not in shown


@pytest.mark.parametrize(
    ("name", "rows"),
    [("collection-detail", 1), ("collection-delete", 1), ("collection-share", 1), ("entry-move", 2),
     ("entry-remove", 2)],
)  # fmt: skip
def test_another_persons_collection_is_not_there(client, other_user, collection, entry, name, rows):
    client.force_login(other_user)
    url = address(name, *[collection, entry][:rows])
    assert client.post(url, {"name": "Mine", "position": 1}).status_code == 404
    assert client.get(url).status_code in (404, 405)
    collection.refresh_from_db()
    assert (collection.name, collection.is_shared, collection.entries.count()) == ("Sea songs", False, 1)


@pytest.mark.parametrize("name", ["lyric-keep", "lyric-share", "lyric-collect", "lyric-reproduce"])
def test_another_persons_lyric_is_not_there(client, other_user, written, name):
    client.force_login(other_user)
    assert client.post(address(name, written), {"name": "Mine"}).status_code == 404
    written.refresh_from_db()
    assert not written.is_kept
    assert not Collection.objects.exists()


def test_an_entry_is_not_there_in_another_collection(signed_in, user, entry):
    other = collections.create_collection(user=user, name="Other")
    assert signed_in.post(address("entry-remove", other, entry)).status_code == 404


@pytest.mark.parametrize("url", [COLLECTIONS, "/collections/abc/", "/collections/abc/delete/"])
def test_a_stranger_is_asked_to_sign_in(client, db, url):
    assert client.get(url).url.startswith(reverse("login"))


def test_home_shows_what_was_kept_alone(signed_in, lyric, written):
    shown = page(signed_in, reverse("home"))
    assert "Oh my letter" in shown
    assert "A draft" not in shown


def test_the_admin_keeps_what_it_changes_findable(client, staff_user, user, written):
    client.force_login(staff_user)
    values = {"title": "Renamed", "text": "A draft", "tags": "[]", "bookmarked": "on"}
    answer = client.post(f"/admin/generator/lyric/{written.pk}/change/", values)
    assert answer.status_code == 302
    assert [one.title for one in client.get(LYRICS, {"search": "renamed"}).context["lyrics"]] == []
    client.force_login(user)
    assert [one.title for one in client.get(LYRICS, {"search": "renamed"}).context["lyrics"]] == ["Renamed"]
    client.force_login(staff_user)
    assert client.get("/admin/generator/collection/").status_code == 200
