"""What a program is told when something is refused: the contract's statuses and bodies, never a 500 for bad input."""

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import DataError
from django.http import UnreadablePostError
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from training.errors import Conflict, ExpectedError, Invalid, LimitReached

# What a body can make of Python itself: nesting too deep to parse, half a character, a number no column holds.
UNREADABLE = {
    RecursionError: "The request is nested too deeply.",
    UnicodeError: "The request contains characters that are not valid Unicode.",
    DataError: "The request contains a value that cannot be stored.",
    UnreadablePostError: "The request ended before its body was complete.",
    SuspiciousOperation: "The request is not well formed.",
}


def answer_with_error(error: Exception, context: dict) -> Response | None:
    """Return the answer for ``error``, or None for what is our own mistake and has to crash loudly."""
    answer = exception_handler(error, context)
    if isinstance(error, ValidationError):
        found = error.detail if isinstance(error.detail, dict) else {"detail": error.detail}
        answer.data = {name: messages_of(messages) for name, messages in found.items()}
    if answer is not None:
        return answer
    answer = _answer(error)
    if answer is not None:
        set_rollback()
    return answer


def messages_of(found) -> list[str]:
    """Every message in ``found``, however deep: a list has them by place, the contract one list for a field."""
    if isinstance(found, dict):
        found = found.values()
    elif not isinstance(found, list):
        return [found]
    return list(dict.fromkeys(message for inner in found for message in messages_of(inner)))


def _answer(error: Exception) -> Response | None:
    if isinstance(error, ExpectedError):
        return _refusal(error)
    if isinstance(error, RequestDataTooBig):
        return Response({"detail": "The request is too large."}, status.HTTP_413_REQUEST_ENTITY_TOO_LARGE)
    for kind, message in UNREADABLE.items():
        if isinstance(error, kind):
            return Response({"detail": message}, status.HTTP_400_BAD_REQUEST)
    return None


def _refusal(error: ExpectedError) -> Response:
    if isinstance(error, Invalid):
        return Response(error.errors, error.status)
    body = {"detail": error.message, "code": error.code}
    if isinstance(error, Conflict):
        body["state"] = error.details["state"]
    headers = {"Retry-After": str(error.retry_seconds)} if isinstance(error, LimitReached) else None
    return Response(body, error.status, headers=headers)
