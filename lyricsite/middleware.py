"""What every answer carries."""

import uuid

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE


def request_id(get_response):
    """Give each request an id, and say it in the answer, so that a report can be matched with a log line."""

    def middleware(request):
        request.id = uuid.uuid4().hex
        response = get_response(request)
        response["X-Request-ID"] = request.id
        return response

    return middleware


def admin_content_policy(get_response):
    """Widen the policy for the admin alone: its Alpine builds functions from strings."""

    def middleware(request):
        response = get_response(request)
        if request.path.startswith("/admin/"):
            response._csp_update = {
                "script-src": [SELF, UNSAFE_EVAL, UNSAFE_INLINE],
                "style-src": [SELF, UNSAFE_INLINE],
            }
        return response

    return middleware
