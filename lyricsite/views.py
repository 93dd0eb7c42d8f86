"""The site's own pages: home, sign-up, account, health."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from lyricsite import health
from lyricsite.forms import SignUpForm, TokenForm
from lyricsite.home import overview
from lyricsite.models import ApiToken
from training.services import quota

FRESH_TOKEN = "fresh_token"  # noqa: S105 - the session key


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    context = overview(request.user) if request.user.is_authenticated else {}
    return render(request, "lyricsite/home.html", {"section": "home", **context})


@sensitive_post_parameters()
@require_http_methods(["GET", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    if not settings.SIGN_UP_IS_OPEN:
        raise Http404
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        login(request, form.save())
        return redirect("home")
    return render(request, "registration/sign_up.html", {"form": form}, status=400 if form.errors else 200)


@login_required
@require_GET
def account(request: HttpRequest) -> HttpResponse:
    """Show what one keeps here and one's tokens; a token just made is shown this once."""
    context = {
        "kept_bytes": quota.kept_bytes(request.user),
        "room_bytes": None if request.user.is_staff else settings.STORAGE_PER_USER_BYTES,
        "tokens": ApiToken.objects.filter(user=request.user),
        "form": TokenForm(),
        "fresh_token": request.session.pop(FRESH_TOKEN, None),
        "section": "account",
    }
    return render(request, "lyricsite/account.html", context)


@login_required
@require_POST
def token_create(request: HttpRequest) -> HttpResponse:
    form = TokenForm(request.POST)
    if not form.is_valid():
        tokens = ApiToken.objects.filter(user=request.user)
        return render(request, "lyricsite/account.html", {"tokens": tokens, "form": form}, status=400)
    _, request.session[FRESH_TOKEN] = ApiToken.issue(user=request.user, **form.cleaned_data)
    return redirect("account")


@login_required
@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(ApiToken, user=request.user, pk=pk)
    token.delete()
    messages.success(request, f"The token “{token.name}” opens nothing any more.")
    return redirect("account")


@never_cache
@require_GET
def healthz(request: HttpRequest) -> JsonResponse:
    """Say that this process lives."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_GET
def readyz(request: HttpRequest) -> JsonResponse:
    """Say whether every part is there; 503 when one is missing."""
    parts = health.examine()
    is_ready = all(part.ok for part in parts)
    body = {
        "status": "ok" if is_ready else "unavailable",
        "parts": {part.name: {"ok": part.ok, "detail": part.detail} for part in parts},
    }
    return JsonResponse(body, status=200 if is_ready else 503)


@never_cache
@require_GET
def health_line(request: HttpRequest) -> HttpResponse:
    """The footer's sentence about the parts."""
    return render(request, "lyricsite/_health_line.html", {"parts": health.examine()})
