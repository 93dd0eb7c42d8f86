"""Pages of collections; everything works without JavaScript."""

from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from generator.forms.collections import CollectionForm, PlaceForm
from generator.models import Collection, CollectionEntry
from generator.services import collections
from generator.views.access import export_of, gone_is_not_there, own_collection
from training.errors import ExpectedError
from training.forms.refusals import add_refusal
from training.forms.saving import saved

COLLECTIONS_ON_A_PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def collection_list(request: HttpRequest) -> HttpResponse:
    """One's collections, and a form that makes another."""
    form = CollectionForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return redirect(collections.create_collection(user=request.user, **form.cleaned_data))
        except ExpectedError as error:
            add_refusal(form, error)
    own = Collection.objects.owned_by(request.user).with_counts()
    page = Paginator(own, COLLECTIONS_ON_A_PAGE).get_page(request.GET.get("page"))
    status = 400 if request.method == "POST" else 200
    return render(request, "generator/collection_list.html", {"page": page, "form": form}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def collection_detail(request: HttpRequest, collection_id: str) -> HttpResponse:
    """The lyrics of a collection in their order; its name and description are changed here too."""
    collection = own_collection(request, collection_id)
    if request.method != "POST":
        return _collection_page(request, collection, CollectionForm(instance=collection))
    form = CollectionForm(request.POST, instance=own_collection(request, collection_id))
    if saved(request, form, partial(collections.update_collection, collection=collection)):
        return redirect(collection)
    return _collection_page(request, collection, form, status=400)


def _collection_page(request: HttpRequest, collection: Collection, form: CollectionForm, *, status=200) -> HttpResponse:
    context = {
        "collection": collection,
        "entries": collection.entries.select_related("lyric"),
        "form": form,
        "shared_url": collection.is_shared and request.build_absolute_uri(collection.get_shared_url()),
    }
    return render(request, "generator/collection_detail.html", context, status=status)


@require_safe
@login_required
def collection_export(request: HttpRequest, collection_id: str) -> HttpResponse:
    """Its lyrics in their order as one file; what lies there twice stands there twice."""
    collection = own_collection(request, collection_id)
    return export_of(request, collection.entries.values_list("lyric_id", flat=True), name=collection.name)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def collection_delete(request: HttpRequest, collection_id: str) -> HttpResponse:
    """Ask, then delete; the lyrics stay."""
    collection = own_collection(request, collection_id)
    if request.method != "POST":
        return render(request, "generator/collection_delete.html", {"collection": collection})
    collections.delete_collection(collection=collection)
    messages.success(request, f"“{collection}” is deleted. Its lyrics are still yours.")
    return redirect("generator:collection-list")


@require_POST
@login_required
@gone_is_not_there
def entry_move(request: HttpRequest, collection_id: str, entry_id: str) -> HttpResponse:
    entry = _own_entry(request, collection_id, entry_id)
    form = PlaceForm(request.POST)
    if form.is_valid():
        collections.move_entry(entry=entry, position=form.cleaned_data["position"])
    else:
        messages.error(request, "There is no such place.")
    return redirect(f"{entry.collection.get_absolute_url()}#entry-{entry.pk}")


@require_POST
@login_required
@gone_is_not_there
def entry_remove(request: HttpRequest, collection_id: str, entry_id: str) -> HttpResponse:
    entry = _own_entry(request, collection_id, entry_id)
    collections.remove_entry(entry=entry)
    messages.success(request, f"“{entry.lyric}” is taken out. It is still yours.")
    return redirect(entry.collection)


def _own_entry(request: HttpRequest, collection_id: str, entry_id: str) -> CollectionEntry:
    entries = own_collection(request, collection_id).entries.select_related("collection", "lyric")
    return get_object_or_404(entries, pk=entry_id)
