"""Which lyrics and collections a person may open, and take along as a file: their own; another's are not there."""

import functools
from collections.abc import Iterable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from generator import exports
from generator.models import Collection, Lyric
from training.errors import Conflict


def own_lyric(request: HttpRequest, lyric_id: str) -> Lyric:
    return get_object_or_404(Lyric.objects.owned_by(request.user), pk=lyric_id)


def own_collection(request: HttpRequest, collection_id: str) -> Collection:
    return get_object_or_404(Collection.objects.owned_by(request.user), pk=collection_id)


def export_of(request: HttpRequest, ids: Iterable[str], *, name: str) -> HttpResponse:
    """The lyrics of these ids as a file of the kind that is asked for."""
    kind = request.GET.get("format", "txt")
    if kind not in exports.KINDS:
        raise Http404("There is no such kind of file.")
    return exports.lyrics_download(request, list(ids), kind=kind, name=name)


def gone_is_not_there(view):
    """Answer as for what never was where it was deleted in another window, just before the view would change it."""

    @functools.wraps(view)
    def door(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Conflict as refusal:
            raise Http404(refusal.message) from refusal

    return door
