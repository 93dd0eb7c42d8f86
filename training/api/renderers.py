"""Media types of answers that views make themselves: a client may accept only these; refusals come as JSON."""

from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import BaseRenderer, JSONRenderer

FORMATS = ("json", "csv")
FORMAT = OpenApiParameter("format", str, enum=FORMATS, description="csv: a table to download.")


def wants_csv(request) -> bool:
    """Whether a table is asked for, by ``?format=`` or by what is accepted. Raises: ValidationError for another."""
    asked = request.query_params.get("format", "")
    if asked and asked not in FORMATS:
        raise ValidationError({"format": [f"This has to be one of {', '.join(FORMATS)}."]})
    return asked == "csv" or request.accepted_renderer.format == "csv"


class RefusalRenderer(BaseRenderer):
    """Renders what is left where the answer itself is a file, a table or a stream: a refusal, said to be JSON."""

    def render(self, data, accepted_media_type=None, renderer_context=None) -> bytes:
        renderer_context["response"]["Content-Type"] = JSONRenderer.media_type
        return JSONRenderer().render(data)


class EventStreamRenderer(RefusalRenderer):
    media_type = "text/event-stream"
    format = "events"


class CsvRenderer(RefusalRenderer):
    media_type = "text/csv"
    format = "csv"


class FileRenderer(RefusalRenderer):
    media_type = "application/octet-stream"
    format = "safetensors"


class JsonLinesRenderer(RefusalRenderer):
    media_type = "application/x-ndjson"
    format = "jsonl"


class TextRenderer(RefusalRenderer):
    media_type = "text/plain"
    format = "txt"
