"""Our own refusals, turned into those that OpenAI's clients read."""

from rest_framework.response import Response

from generator.api.openai_body import error_body
from training.api.errors import answer_with_error


def answer_with_openai_error(error: Exception, context: dict) -> Response | None:
    """Return the answer for ``error``; None for what the site itself answers, such as a database that is away."""
    answer = answer_with_error(error, context)
    if answer is None:
        return None
    message, param = _said(answer.data)
    code = answer.data.get("code") if isinstance(answer.data, dict) and param is None else None
    answer.data = error_body(answer.status_code, message, code=code, param=param)
    if answer.status_code == 409:  # the official client would ask again at once; a damaged file stays damaged
        answer["X-Should-Retry"] = "false"
    return answer


def _said(data) -> tuple[str, str | None]:
    """(message, field) of a refusal as our own API words it: a sentence at ``detail``, or messages by field."""
    if isinstance(data, list):
        return " ".join(map(str, data)), None
    if "detail" in data:
        detail = data["detail"]
        return " ".join(detail) if isinstance(detail, list) else str(detail), None
    sentences = [f"{field}: {' '.join(map(str, messages))}" for field, messages in data.items()]
    return " ".join(sentences), next(iter(data))
