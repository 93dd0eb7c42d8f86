"""Media types of answers that views make themselves: a client may accept only these; refusals come as JSON."""

from rest_framework.renderers import BaseRenderer, JSONRenderer


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
