"""How much of a request is read: counted as it arrives, whatever its length claims to be (reliability rule R20).

Django keeps a whole body on disk before any view can refuse it, so the line is drawn before Django.
"""

import json
import uuid
from collections.abc import Callable

from generator.api import openai_body

FORM_OVERHEAD_BYTES = 1024 * 1024  # what a form says beside its file


class BodyTooLong(Exception):
    """Raised into the application when more has arrived than it may."""


def limit_body(app: Callable, *, upload_bytes: int, other_bytes: int) -> Callable:
    """Return the ASGI application ``app`` with 413 for bodies that are too long.

    Args:
        upload_bytes: how large a file in a multipart form may be, for whoever may send the largest.
        other_bytes: how long any other body may be.
    """

    async def limited(scope, receive, send):
        if scope["type"] != "http":
            return await app(scope, receive, send)
        most = upload_bytes + FORM_OVERHEAD_BYTES if is_form_with_files(scope) else other_bytes
        received, has_answered = 0, False

        async def counting_receive():
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise BodyTooLong
            return message

        async def watching_send(message):
            nonlocal has_answered
            has_answered = True
            await send(message)

        try:
            await app(scope, counting_receive, watching_send)
        except BodyTooLong:
            if not has_answered:
                await refuse(send, scope.get("path", ""))

    return limited


def is_form_with_files(scope) -> bool:
    return any(name == b"content-type" and value.startswith(b"multipart/") for name, value in scope["headers"])


async def refuse(send, path: str) -> None:
    sentence = "The request is too large."
    is_openai = path.startswith(openai_body.ROOT)
    told = openai_body.error_body(413, sentence) if is_openai else {"detail": sentence, "code": "too_large"}
    body = json.dumps(told).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"x-request-id", uuid.uuid4().hex.encode()),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
