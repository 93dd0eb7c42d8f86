"""What an address that leads nowhere is answered with: a page for people, JSON for programs."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from generator.api import openai_body

API = "/api/v1/"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    sentence = "There is nothing at this address."
    if request.path.startswith(API):
        return JsonResponse({"detail": sentence}, status=404)
    if request.path.startswith(openai_body.ROOT):
        return JsonResponse(openai_body.error_body(404, sentence), status=404)
    return defaults.page_not_found(request, exception)
