"""A refusal as OpenAI's clients read it: ``{"error": {"message", "type", "code", "param"}}``. Pure Python.

The site's outermost doors use it too, which answer before Django is asked.
"""

ROOT = "/v1/"  # what lies below it is for these clients
TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "server_error",
}
CODES = {
    401: "invalid_api_key",
    403: "insufficient_permissions",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    429: "rate_limit_exceeded",
    503: "unavailable",
}


def error_body(status: int, message: str, *, code: str | None = None, param: str | None = None) -> dict:
    """The body of a refusal; ``param`` is the field that it is about."""
    error = {
        "message": message,
        "type": TYPES.get(status, "invalid_request_error"),
        "code": code or CODES.get(status, "invalid_value"),
        "param": param,
    }
    return {"error": error}
