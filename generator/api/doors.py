"""What all doors for programs that write share: what they read, how often, and that a client may leave."""

import json
import logging

from redis.exceptions import RedisError
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

from generator.leaving import has_left
from training.api.parsers import HALF_A_CHARACTER, is_whole
from training.errors import TooLarge

BODY_LIMIT_BYTES = 16 * 1024 * 1024  # beyond this not even the field that is too long is named

logger = logging.getLogger(__name__)


class RecipeParser(BaseParser):
    """JSON as Python reads it: NaN and Infinity arrive as numbers, so that the answer names the field they stood in.

    It reads more than other requests may hold, for the same reason: a prompt that is too long is said to be.
    """

    media_type = "application/json"

    def parse(self, stream, media_type=None, parser_context=None):
        content = stream.read(BODY_LIMIT_BYTES + 1)
        if len(content) > BODY_LIMIT_BYTES:
            raise TooLarge("The request is too large.")
        try:
            body = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ParseError("This is not JSON.") from error
        if isinstance(body, dict) and not all(map(is_whole, body)):  # no answer could name such a field
            raise ParseError(HALF_A_CHARACTER)
        return body


class AlwaysJson(BaseContentNegotiation):
    """Clients of a stream ask for text/event-stream and must get a refusal too, which is JSON."""

    def select_parser(self, request, parsers):
        return next((parser for parser in parsers if request.content_type.startswith(parser.media_type)), None)

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class GenerateThrottle(ScopedRateThrottle):
    def allow_request(self, request, view) -> bool:
        try:
            return super().allow_request(request, view)
        except (RedisError, OSError):  # the engine's own limits still hold, so people may go on writing
            logger.warning("The cache doesn't answer: writing is not throttled.")
            return True


class WritingView(APIView):
    """A view that writes, for one who may leave before the text is finished."""

    parser_classes = (RecipeParser,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = AlwaysJson
    throttle_classes = (GenerateThrottle,)
    throttle_scope = "generate"

    def is_abandoned(self) -> bool:
        """Whether nobody waits for the text any more."""
        return has_left(self.request._request)
