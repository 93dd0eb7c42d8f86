"""The page of all lyrics: kept ones, the history, what is bookmarked, the collections beside them; and their file."""

from django.contrib.auth.decorators import login_required
from django.db.models import F, Q, TextField, Value
from django.db.models.functions import Coalesce, Lower, NullIf
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from generator.forms.lyrics import LyricSearchForm
from generator.models import Collection, Lyric
from generator.models.lyrics import LyricQuerySet
from generator.search import search
from generator.views.access import export_of
from training.search_words import Sought, words_wanted

LYRICS_ON_A_PAGE = 24
TAGS_SHOWN = 24
COLLECTIONS_SHOWN = 12


@require_safe
@login_required
def lyric_list(request: HttpRequest) -> HttpResponse:
    """The person's lyrics; a fragment of the next ones where htmx asks for more."""
    own = Lyric.objects.owned_by(request.user)
    form = LyricSearchForm(request.GET, models=_model_names(own))
    wanted = form.wanted()
    shelf = _shelf(own, wanted)
    found = _found(shelf, wanted, request.user)
    page, cursor = _page_after(found, wanted["order"], wanted["after"])
    context = {"lyrics": page, "cursor": cursor, "wanted": wanted, "sought": Sought(words_wanted(wanted["search"]))}
    if request.htmx and wanted["after"]:
        return render(request, "generator/_lyric_cards.html", context)
    context |= {
        "form": form,
        "is_search": bool(wanted["search"] or wanted["model"] or wanted["tag"]),
        "counts": {"kept": own.kept().count(), "bookmarked": own.bookmarked().count()}
        | {"history": own.only_history().count()},
        "found_count": found.count() if wanted["export"] else None,
        "tags": _tags_shown(shelf, wanted["tag"]),
        "collections": Collection.objects.owned_by(request.user).with_counts()[:COLLECTIONS_SHOWN],
    }
    return render(request, "generator/lyric_list.html", context)


@require_safe
@login_required
def lyrics_export(request: HttpRequest) -> HttpResponse:
    """The lyrics that were ticked as one file; without a tick all that the present search finds."""
    own = Lyric.objects.owned_by(request.user)
    wanted = LyricSearchForm(request.GET, models=_model_names(own)).wanted()
    ticked = request.GET.getlist("lyric")
    if ticked:
        found = own.filter(pk__in=filter(str.isalnum, ticked))
    else:
        found = _found(_shelf(own, wanted), wanted, request.user)
    return export_of(request, _in_order(found, wanted["order"]).values_list("pk", flat=True), name="lyrics")


def _model_names(own: LyricQuerySet) -> list[str]:
    names = own.order_by("model_name").values_list("model_name", flat=True).distinct()
    return [name for name in names if name]


def _shelf(own: LyricQuerySet, wanted: dict) -> LyricQuerySet:
    if wanted["history"]:
        return own.only_history()
    return own.bookmarked() if wanted["bookmarked"] else own.kept()


def _found(shelf: LyricQuerySet, wanted: dict, person) -> LyricQuerySet:
    if wanted["model"]:
        shelf = shelf.filter(model_name=wanted["model"])
    if wanted["tag"]:
        shelf = shelf.tagged(wanted["tag"])
    return search(shelf, wanted["search"], owner=person) if wanted["search"] else shelf


def _tags_shown(shelf: LyricQuerySet, chosen: str) -> list[tuple[str, int]]:
    """The most frequent tags of a shelf, and the chosen one in any case."""
    tags = shelf.tags()
    return tags[:TAGS_SHOWN] + [tag for tag in tags[TAGS_SHOWN:] if tag[0] == chosen]


def _page_after(lyrics: LyricQuerySet, order: str, cursor: str) -> tuple[list[Lyric], str | None]:
    """One page of ``lyrics`` that follow the lyric whose id is ``cursor``, and the cursor of the next page."""
    then = "gt" if order == "title" else "lt"
    lyrics = _in_order(lyrics, order)
    if cursor and (last := lyrics.filter(pk=cursor).first()):
        lyrics = lyrics.filter(Q(**{f"place__{then}": last.place}) | Q(place=last.place, **{f"pk__{then}": last.pk}))
    found = list(lyrics[: LYRICS_ON_A_PAGE + 1])
    page = found[:LYRICS_ON_A_PAGE]
    return page, page[-1].pk if len(found) > len(page) else None


def _in_order(lyrics: LyricQuerySet, order: str) -> LyricQuerySet:
    """``lyrics`` as the page lists them, each with its ``place``."""
    if order != "title":
        return lyrics.annotate(place=F("created_at")).order_by("-place", "-pk")
    named = Coalesce(NullIf("title", Value("")), "text", output_field=TextField())
    return lyrics.annotate(place=Lower(named)).order_by("place", "pk")
