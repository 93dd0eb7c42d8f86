"""Whether anybody still waits for an answer: who leaves ends the writing that was done for it."""

from django.http import HttpRequest


def has_left(request: HttpRequest) -> bool:
    """Whether the client has gone while this thread still works, as far as the server tells."""
    leaving = getattr(request, "has_left", None)
    return leaving is not None and leaving.is_set()
