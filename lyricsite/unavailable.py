"""What is answered to our own errors, to a person a page, to a program JSON: 503 while the database is away, or 500."""

import logging
import random
import sys

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views import defaults

from generator.api import openai_body
from training.database import is_away

logger = logging.getLogger(__name__)


class DatabaseAwayMiddleware:
    """Turns the errors of a database that is gone, locked or overloaded into the answer that says so."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return unavailable(request, error) if is_away(error) else None


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an error that no view raised: a middleware, too, may meet a database that is away."""
    error = sys.exc_info()[1]
    if is_away(error):
        return unavailable(request, error)
    return defaults.server_error(request) if wants_page(request) else broken(request)


def broken(request: HttpRequest) -> HttpResponse:
    """Answer 500 to a program: nothing of what went wrong, but the id by which its report is found."""
    detail = "The fault is ours, and it has been written down."
    body = {"request_id": getattr(request, "id", "")} | refusal(request, 500, detail, "error")
    return JsonResponse(body, status=500)


def unavailable(request: HttpRequest, error: BaseException) -> HttpResponse:
    """Answer 503 without asking the database anything, nor anything that would."""
    logger.warning("%s %s: the database does not answer (%s)", request.method, request.path, type(error).__name__)
    if wants_page(request):
        content = render_to_string("503.html", {"comes_back": request.method == "GET"})
        answer = HttpResponse(content, status=503)
    else:
        detail = "The database does not answer right now. Try again in a moment."
        answer = JsonResponse(refusal(request, 503, detail, "unavailable"), status=503)
    answer["Retry-After"] = str(random.randint(3, 8))  # so that not everyone comes back in the same second
    answer["Cache-Control"] = "no-store"
    return answer


def refusal(request: HttpRequest, status: int, detail: str, code: str) -> dict:
    """The body for a program, in the form that clients of its address read."""
    if request.path.startswith(openai_body.ROOT):
        return openai_body.error_body(status, detail, code=code)
    return {"detail": detail, "code": code}


def wants_page(request: HttpRequest) -> bool:
    return not request.path.startswith(("/api/", "/v1/")) and "text/html" in request.headers.get("Accept", "")
