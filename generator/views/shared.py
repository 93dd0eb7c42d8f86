"""What whoever has the link reads: the words, nothing of their owner, and nothing that search engines may list."""

import functools

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from generator.models import Collection, Lyric


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
