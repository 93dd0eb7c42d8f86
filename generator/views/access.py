"""Which lyrics and collections a person may open: their own; another's are not there."""

import functools

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from generator.models import Collection, Lyric
from training.errors import Conflict


def own_lyric(request: HttpRequest, lyric_id: str) -> Lyric:
    return get_object_or_404(Lyric.objects.owned_by(request.user), pk=lyric_id)


def own_collection(request: HttpRequest, collection_id: str) -> Collection:
    return get_object_or_404(Collection.objects.owned_by(request.user), pk=collection_id)


def gone_is_not_there(view):
    """Answer as for what never was where it was deleted in another window, just before the view would change it."""

    @functools.wraps(view)
    def door(request: HttpRequest, *args, **kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Conflict as refusal:
            raise Http404(refusal.message) from refusal

    return door
