"""Write lyrics by API, at once or as a stream."""

import asyncio
import functools
import json
import logging
import threading
from collections.abc import AsyncIterator

from asgiref.sync import sync_to_async
from django.db import DatabaseError
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from redis.exceptions import RedisError
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

from generator.api.serializers import GenerateSerializer, GenerationSerializer
from generator.models import Lyric
from generator.services import lyrics, writing
from training.database import is_away
from training.errors import Invalid, TooLarge
from training.models import Checkpoint
from training.streaming import event_stream, read

BODY_LIMIT_BYTES = 16 * 1024 * 1024  # beyond this not even the field that is too long is named
OWN_FIELDS = ("model", "prompt", "stream", "save")

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
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ParseError("This is not JSON.") from error


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


class GenerateView(APIView):
    """Write a lyric with a model: finished in one answer, or piece by piece."""

    parser_classes = (RecipeParser,)
    renderer_classes = (JSONRenderer,)
    content_negotiation_class = AlwaysJson
    throttle_classes = (GenerateThrottle,)
    throttle_scope = "generate"

    @classmethod
    def as_view(cls, **initkwargs):
        """The view in an asynchronous door, which learns when the client has gone while a thread still writes."""
        view = super().as_view(**initkwargs)

        async def door(request, *args, **kwargs):
            request.is_abandoned = threading.Event()
            try:
                return await sync_to_async(view)(request, *args, **kwargs)
            except asyncio.CancelledError:
                request.is_abandoned.set()
                raise

        return functools.update_wrapper(door, view)

    @extend_schema(
        operation_id="lyrics_generate",
        summary="Write a lyric",
        request=GenerateSerializer,
        responses={
            200: GenerationSerializer,
            (200, "text/event-stream"): OpenApiResponse(
                OpenApiTypes.STR,
                "With `stream: true`: `event: token` with `{index, text}` as text comes, then `event: done` with the "
                "whole answer. Closing the connection stops the work.",
            ),
        },
    )
    def post(self, request):
        wanted, recipe = read_request(request.data)
        # A damaged model is found too: that it can't write is said, not hidden.
        models = Checkpoint.objects.visible_to(request.user).filter(published_at__isnull=False)
        model = models.filter(pk=wanted["model"]).first()
        if model is None:
            raise NotFound("There is no such model.")
        asked = {"user": request.user, "model": model, "prompt": wanted["prompt"], "recipe": recipe}
        if wanted["stream"]:
            generation = writing.begin(**asked)
            events = generation_events(generation, user=request.user if wanted["save"] else None)
            response = event_stream(request._request, events, is_watching=False)
            if not response.streaming:  # refused: this process has too many streams
                generation.writing.cancel()
            else:
                # A client that leaves before the first event never starts the iterator that would end the work.
                response._resource_closers.append(generation.writing.cancel)
            return response
        generation = writing.generate(**asked, is_abandoned=request._request.is_abandoned.is_set)
        lyric = lyrics.keep(user=request.user, generation=generation) if wanted["save"] else None
        return Response(generation.to_dict(lyric=lyric))


def read_request(body) -> tuple[dict, "writing.Recipe"]:
    """(model, prompt, stream and save as asked; the recipe). Raises: Invalid naming every field that is wrong."""
    if not isinstance(body, dict):
        raise Invalid({"detail": ["Send a JSON object."]})
    wanted = {"model": None, "prompt": "", "stream": False, "save": False}
    wanted |= {name: body[name] for name in OWN_FIELDS if name in body}
    errors = {}
    if not isinstance(wanted["model"], str):
        errors["model"] = ["Give the id of a model." if "model" in body else "This field is required."]
    for name in ("stream", "save"):
        if not isinstance(wanted[name], bool):
            errors[name] = ["Give true or false."]
    recipe = None
    try:
        recipe, _ = writing.read_recipe({k: v for k, v in body.items() if k not in OWN_FIELDS}, wanted["prompt"])
    except Invalid as error:
        errors |= error.errors
    if errors:
        raise Invalid(errors)
    return wanted, recipe


async def generation_events(generation: writing.Generation, *, user) -> AsyncIterator[str]:
    """The server-sent events of a generation; at its end it is kept for ``user``, unless that is None."""
    async for pieces in generation.writing:
        for index, text in generation.take(pieces):
            yield event("token", {"index": index, "text": text})
    generation.finish()
    lyric = await kept(generation, user) if user else None
    yield event("done", generation.to_dict(lyric=lyric))


async def kept(generation: writing.Generation, user) -> Lyric | None:
    """The lyric that a finished generation was kept as; None, said in its notes, while the database is away."""
    try:
        return await read(functools.partial(lyrics.keep, user=user, generation=generation))
    except DatabaseError as error:
        if not is_away(error):
            raise
        generation.notes.append("It could not be kept: the database does not answer right now.")
        return None


def event(name: str, data: dict) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
