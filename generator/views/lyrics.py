"""The page of one lyric, and all that is done there; everything works without JavaScript."""

import json
from functools import partial

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from generator.forms.collections import CollectForm
from generator.forms.compose import ComposeForm
from generator.forms.lyrics import LyricForm
from generator.leaving import has_left
from generator.models import Collection, Lyric
from generator.services import collections, history, lyrics, reproducing
from generator.views.access import export_of, gone_is_not_there, own_lyric
from training.errors import ExpectedError, Invalid
from training.forms.refusals import add_refusal
from training.forms.saving import saved
from training.models import Checkpoint


@require_POST
@login_required
def lyric_save(request: HttpRequest) -> HttpResponse:
    """Keep the text of the compose page, with the certificate that came with it; the history's own, if it names it."""
    posted = request.POST
    try:
        lyric = _kept(request.user, posted)
    except ExpectedError as error:
        # The text must not be lost: the page comes back with it, and says what to change.
        names = ("model", "prompt", "recipe", "generated_text", "bookmarked", "lyric")
        kept = [(name, posted.get(name, "")) for name in names]
        errors = error.errors if isinstance(error, Invalid) else {"text": [error.message]}
        context = {"errors": errors, "kept": kept, "title": posted.get("title"), "text": posted.get("text")}
        return render(request, "generator/lyric_unsaved.html", context, status=error.status)
    messages.success(request, "Kept. You find it again under Lyrics.")
    return redirect(lyric)


def _kept(user, posted) -> Lyric:
    models = Checkpoint.objects.visible_to(user).published()
    return history.keep_written(
        user=user,
        lyric_id=posted.get("lyric", ""),
        text=posted.get("text", ""),
        title=posted.get("title", ""),
        prompt=posted.get("prompt", ""),
        generated_text=posted.get("generated_text", ""),
        model=_named(models, posted.get("model", "")),
        recipe=lyrics.read_kept_recipe(_json_object(posted.get("recipe", ""))),
        bookmarked=posted.get("bookmarked") == "true",
    )


def _named(rows, key: str):
    """The row that a form names, if there is one; what no key can be is not asked for."""
    return rows.filter(pk=key).first() if key.isalnum() else None


def _json_object(text: str) -> dict:
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Invalid({"recipe": ["It can't be read."]})
    return value


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def lyric_detail(request: HttpRequest, lyric_id: str) -> HttpResponse:
    lyric = own_lyric(request, lyric_id)
    if request.method != "POST":
        return _lyric_page(request, lyric)
    # A form changes the instance that it is given; the page shows the lyric as it is kept.
    form = LyricForm(request.POST, instance=own_lyric(request, lyric_id))
    if saved(request, form, partial(lyrics.update_lyric, lyric=lyric)):
        return redirect(lyric)
    return _lyric_page(request, lyric, form=form, status=400)


@require_safe
@login_required
def lyric_export(request: HttpRequest, lyric_id: str) -> HttpResponse:
    lyric = own_lyric(request, lyric_id)
    return export_of(request, [lyric.pk], name=str(lyric))


def _lyric_page(request: HttpRequest, lyric: Lyric, *, status: int = 200, **shown) -> HttpResponse:
    """The page of ``lyric``; ``shown`` are forms with what was wrong in them, or what came out of writing it again."""
    model = Checkpoint.objects.visible_to(request.user).published().filter(pk=lyric.model_id).first()
    context = {
        "lyric": lyric,
        "form": LyricForm(instance=lyric),
        "collect": CollectForm(user=request.user),
        "collections": Collection.objects.filter(entries__lyric=lyric).distinct(),
        "shared_url": lyric.is_shared and request.build_absolute_uri(lyric.get_shared_url()),
        "model": model,
        "again_url": _again_url(lyric) if model else None,
    }
    return render(request, "generator/lyric_detail.html", context | shown, status=status)


def _again_url(lyric: Lyric) -> str:
    """The writing page, filled with what made ``lyric``."""
    values = lyric.recipe | {"model": lyric.model_id, "prompt": lyric.prompt, "seed": lyric.seed}
    shown = {name: values[name] for name in ComposeForm.base_fields if values.get(name) not in (None, "")}
    return f"{reverse('generator:compose')}?{urlencode(shown, doseq=True)}"


@require_POST
@login_required
@gone_is_not_there
def lyric_bookmark(request: HttpRequest, lyric_id: str) -> HttpResponse:
    lyric = own_lyric(request, lyric_id)
    wanted = request.POST.get("bookmarked")
    lyrics.set_bookmark(lyric=lyric, bookmarked=wanted == "true" if wanted else not lyric.bookmarked)
    if request.htmx:
        return render(request, "components/_bookmark.html", {"lyric": lyric})
    return _back(request, lyric)


@require_POST
@login_required
@gone_is_not_there
def lyric_keep(request: HttpRequest, lyric_id: str) -> HttpResponse:
    lyric = lyrics.keep_lyric(lyric=own_lyric(request, lyric_id))
    messages.success(request, f"“{lyric}” is kept.")
    return _back(request, lyric)


def _back(request: HttpRequest, lyric: Lyric) -> HttpResponse:
    """To the page where it was asked for, or to the lyric's own."""
    following = request.POST.get("next", "")
    return redirect(following if url_has_allowed_host_and_scheme(following, {request.get_host()}) else lyric)


@require_POST
@login_required
def lyric_collect(request: HttpRequest, lyric_id: str) -> HttpResponse:
    """Lay it into a collection that is there, or into a new one."""
    lyric = own_lyric(request, lyric_id)
    form = CollectForm(request.POST, user=request.user)
    if form.is_valid():
        try:
            collection = form.chosen() or collections.create_collection(
                user=request.user, name=form.cleaned_data["name"]
            )
            collections.add_lyric(collection=collection, lyric=lyric)
        except ExpectedError as error:
            add_refusal(form, error)
        else:
            messages.success(request, f"It lies in “{collection}” now.")
            return redirect(f"{lyric.get_absolute_url()}#collections")
    return _lyric_page(request, lyric, collect=form, status=400)


@require_POST
@login_required
def lyric_reproduce(request: HttpRequest, lyric_id: str) -> HttpResponse:
    """Write it again by its own recipe, and show whether the same came out."""
    lyric = own_lyric(request, lyric_id)
    try:
        reproduction = reproducing.reproduce(user=request.user, lyric=lyric, is_abandoned=partial(has_left, request))
    except ExpectedError as error:
        return _lyric_page(request, lyric, refusal=error.message, status=error.status)
    return _lyric_page(request, lyric, reproduction=reproduction)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def lyric_delete(request: HttpRequest, lyric_id: str) -> HttpResponse:
    """Ask, then delete."""
    lyric = own_lyric(request, lyric_id)
    if request.method != "POST":
        return render(request, "generator/lyric_delete.html", {"lyric": lyric})
    lyrics.delete_lyric(lyric=lyric)
    messages.success(request, f"“{lyric}” is deleted.")
    return redirect("generator:lyric-list")
