"""What every answer carries."""

import uuid

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.core.exceptions import SuspiciousOperation
from django.utils.cache import patch_vary_headers
from django.views.defaults import bad_request


def request_id(get_response):
    """Give each request an id, and say it in the answer, so that a report can be matched with a log line."""

    def middleware(request):
        request.id = uuid.uuid4().hex
        response = get_response(request)
        response["X-Request-ID"] = request.id
        return response

    return middleware


def for_one_reader(get_response):
    """Say of every answer that it is for who asked alone, unless its view has said more: no cache hands it on.

    A browser asks again before it shows one, since another person may sign in to it; and where a cache keeps answers
    all the same, it keeps them apart by who asked.
    """

    def middleware(request):
        response = get_response(request)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-cache"
        patch_vary_headers(response, ["Cookie", "Authorization"])
        return response

    return middleware


def refuse_nul_in_admin(get_response):
    """Refuse an admin address that holds NUL, as our own pages do: PostgreSQL would make a server error of it."""

    def middleware(request):
        holds_nul = "\0" in request.path or "%00" in request.META["QUERY_STRING"]
        if holds_nul and request.path.startswith("/admin/"):
            return bad_request(request, SuspiciousOperation("An address can't hold a NUL character."))
        return get_response(request)

    return middleware


# Pages of installed packages that need more than our own: the admin's Alpine builds functions from strings, and the
# API's documentation carries a style of its own.
WIDER_POLICIES = {
    "/admin/": {"script-src": [SELF, UNSAFE_EVAL, UNSAFE_INLINE], "style-src": [SELF, UNSAFE_INLINE]},
    "/api/docs/": {"style-src": [SELF, UNSAFE_INLINE]},
}


def wider_content_policy(get_response):
    """Widen the content policy for the pages named in `WIDER_POLICIES`, and for no other."""

    def middleware(request):
        response = get_response(request)
        for prefix, policy in WIDER_POLICIES.items():
            if request.path.startswith(prefix):
                response._csp_update = policy
        return response

    return middleware
