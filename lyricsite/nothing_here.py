"""What an address that leads nowhere is answered with: a page for people, JSON for programs."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

API = "/api/v1/"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API):
        return JsonResponse({"detail": "There is nothing at this address."}, status=404)
    return defaults.page_not_found(request, exception)
