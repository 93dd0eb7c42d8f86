"""Pages of kept lyrics; everything works without JavaScript."""

import json

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from generator.forms.compose import ComposeForm
from generator.forms.lyrics import LyricForm
from generator.models import Lyric
from generator.services import lyrics
from training.errors import Invalid
from training.forms.refusals import add_refusal
from training.models import Checkpoint

LYRICS_ON_A_PAGE = 24


@require_POST
@login_required
def lyric_save(request: HttpRequest) -> HttpResponse:
    """Keep the text of the compose page, with the certificate that came with it."""
    posted = request.POST
    models = Checkpoint.objects.visible_to(request.user).published()
    try:
        recipe = lyrics.read_kept_recipe(_json_object(posted.get("recipe", "")))
        lyric = lyrics.save_lyric(
            user=request.user,
            text=posted.get("text", ""),
            title=posted.get("title", ""),
            prompt=posted.get("prompt", ""),
            generated_text=posted.get("generated_text", ""),
            model=models.filter(pk=posted.get("model", "")).first(),
            recipe=recipe,
            bookmarked=posted.get("bookmarked") == "true",
        )
    except Invalid as error:
        # The text must not be lost: the page comes back with it, and says what to change.
        kept = [(name, posted.get(name, "")) for name in ("model", "prompt", "recipe", "generated_text", "bookmarked")]
        context = {"errors": error.errors, "kept": kept, "title": posted.get("title"), "text": posted.get("text")}
        return render(request, "generator/lyric_unsaved.html", context, status=error.status)
    messages.success(request, "Kept. You find it again under Lyrics.")
    return redirect(lyric)


def _json_object(text: str) -> dict:
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Invalid({"recipe": ["It can't be read."]})
    return value


@require_safe
@login_required
def lyric_list(request: HttpRequest) -> HttpResponse:
    """The person's lyrics, newest first; a fragment of the next ones where htmx asks for more."""
    lyrics = Lyric.objects.owned_by(request.user)
    total, bookmarked = lyrics.count(), lyrics.bookmarked().count()
    query = request.GET.get("search", "").replace("\x00", "").strip()[:200]
    wants_bookmarked = request.GET.get("bookmarked") == "true"
    if wants_bookmarked:
        lyrics = lyrics.bookmarked()
    if query:
        lyrics = lyrics.filter(Q(title__icontains=query) | Q(text__icontains=query))
    page, cursor = _page_after(lyrics, request.GET.get("after", ""))
    context = {
        "lyrics": page,
        "cursor": cursor,
        "query": query,
        "wants_bookmarked": wants_bookmarked,
        "total": total,
        "bookmarked": bookmarked,
    }
    name = "_lyric_cards" if request.htmx and request.GET.get("after") else "lyric_list"
    return render(request, f"generator/{name}.html", context)


def _page_after(lyrics, cursor: str) -> tuple[list[Lyric], str | None]:
    """One page of ``lyrics`` that follow the lyric whose id is ``cursor``, and the cursor of the next page."""
    if cursor and (last := lyrics.filter(pk=cursor).first()):
        lyrics = lyrics.filter(Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, pk__lt=last.pk))
    found = list(lyrics[: LYRICS_ON_A_PAGE + 1])
    page = found[:LYRICS_ON_A_PAGE]
    return page, page[-1].pk if len(found) > len(page) else None


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def lyric_detail(request: HttpRequest, lyric_id: str) -> HttpResponse:
    lyric = _own(request, lyric_id)
    if request.method != "POST":
        return _lyric_page(request, lyric, LyricForm(instance=lyric))
    # A form changes the instance that it is given; the page shows the lyric as it is kept.
    form = LyricForm(request.POST, instance=_own(request, lyric_id))
    if form.is_valid():
        try:
            lyrics.update_lyric(lyric=lyric, **{name: form.cleaned_data[name] for name in ("title", "text", "tags")})
        except Invalid as error:
            add_refusal(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect(lyric)
    return _lyric_page(request, lyric, form, status=400)


def _lyric_page(request, lyric: Lyric, form: LyricForm, *, status: int = 200) -> HttpResponse:
    model = Checkpoint.objects.visible_to(request.user).published().filter(pk=lyric.model_id).first()
    context = {"lyric": lyric, "form": form, "model": model, "again_url": _again_url(lyric) if model else None}
    return render(request, "generator/lyric_detail.html", context, status=status)


def _again_url(lyric: Lyric) -> str:
    """The writing page, filled with what made ``lyric``."""
    values = lyric.recipe | {"model": lyric.model_id, "prompt": lyric.prompt, "seed": lyric.seed}
    shown = {name: values[name] for name in ComposeForm.base_fields if values.get(name) not in (None, "")}
    return f"{reverse('generator:compose')}?{urlencode(shown, doseq=True)}"


@require_POST
@login_required
def lyric_bookmark(request: HttpRequest, lyric_id: str) -> HttpResponse:
    lyric = _own(request, lyric_id)
    wanted = request.POST.get("bookmarked")
    lyrics.set_bookmark(lyric=lyric, bookmarked=wanted == "true" if wanted else not lyric.bookmarked)
    if request.htmx:
        return render(request, "components/_bookmark.html", {"lyric": lyric})
    following = request.POST.get("next", "")
    return redirect(following if url_has_allowed_host_and_scheme(following, {request.get_host()}) else lyric)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def lyric_delete(request: HttpRequest, lyric_id: str) -> HttpResponse:
    """Ask, then delete."""
    lyric = _own(request, lyric_id)
    if request.method != "POST":
        return render(request, "generator/lyric_delete.html", {"lyric": lyric})
    lyrics.delete_lyric(lyric=lyric)
    messages.success(request, f"“{lyric}” is deleted.")
    return redirect("generator:lyric-list")


def _own(request: HttpRequest, lyric_id: str) -> Lyric:
    return get_object_or_404(Lyric.objects.owned_by(request.user), pk=lyric_id)
