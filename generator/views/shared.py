"""Links by which others read: given and taken back by their owner, followed by whoever has them.

Who follows one reads the words and nothing of their owner, and no search engine may list what it shows.
"""

import functools

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from generator.models import Collection, Lyric
from generator.services import sharing
from generator.views.access import gone_is_not_there, own_collection, own_lyric


@require_POST
@login_required
@gone_is_not_there
def share(request: HttpRequest, *, lyric_id: str | None = None, collection_id: str | None = None) -> HttpResponse:
    """Give a lyric or a collection a link, or take its link back."""
    thing = own_lyric(request, lyric_id) if lyric_id else own_collection(request, collection_id)
    if request.POST.get("shared") == "false":
        sharing.stop_sharing(thing)
        messages.success(request, "The link shows nothing any more.")
    else:
        sharing.share(thing)
    return redirect(f"{thing.get_absolute_url()}#share")


def behind_a_link(view):
    """Say that the page is for nobody's index, and that no link on it tells where it was read."""

    @functools.wraps(view)
    def door(request: HttpRequest, link: str) -> HttpResponse:
        response = view(request, link)
        response["X-Robots-Tag"] = "noindex, nofollow"
        response["Referrer-Policy"] = "no-referrer"
        return response

    return door


@require_safe
@behind_a_link
def shared_lyric(request: HttpRequest, link: str) -> HttpResponse:
    lyric = get_object_or_404(Lyric.objects.behind(link))
    return render(request, "generator/shared_lyric.html", {"lyric": lyric})


@require_safe
@behind_a_link
def shared_collection(request: HttpRequest, link: str) -> HttpResponse:
    collection = get_object_or_404(Collection.objects.behind(link))
    context = {"collection": collection, "entries": collection.entries.select_related("lyric")}
    return render(request, "generator/shared_collection.html", context)
