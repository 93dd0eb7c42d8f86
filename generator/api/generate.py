"""Write lyrics by API, at once or as a stream."""

import functools
import json
from collections.abc import AsyncIterator

from django.db import DatabaseError
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from generator.api.doors import WritingView
from generator.api.serializers import ALTERNATIVES_LIMIT, GenerateSerializer, GenerationSerializer
from generator.models import Lyric
from generator.services import lyrics, writing
from training.database import is_away
from training.errors import Invalid
from training.models import Checkpoint
from training.streaming import event_stream, read

OWN_FIELDS = ("model", "prompt", "stream", "save", "alternatives")


class GenerateView(WritingView):
    """Write a lyric with a model: finished in one answer, or piece by piece."""

    @extend_schema(
        operation_id="lyrics_generate",
        summary="Write a lyric",
        request=GenerateSerializer,
        responses={
            200: GenerationSerializer,
            (200, "text/event-stream"): OpenApiResponse(
                OpenApiTypes.STR,
                "With `stream: true`: `event: token` with `{index, text}` as text comes, with `pieces` too where "
                "`alternatives` were asked for; then `event: done` with the whole answer. While others are first, "
                "`event: waiting` with `{position}` (1 is next) each time it changes. Closing the connection stops "
                "the work.",
            ),
        },
    )
    def post(self, request):
        wanted, recipe = read_request(request.data)
        model = writing.find_model(Checkpoint.objects.visible_to(request.user), wanted["model"])
        if model is None:
            raise NotFound("There is no such model.")
        asked = {"user": request.user, "model": model, "prompt": wanted["prompt"], "recipe": recipe}
        asked["alternatives"] = wanted["alternatives"] or None
        return (
            self.stream(asked, keeps=wanted["save"]) if wanted["stream"] else self.answer(asked, keeps=wanted["save"])
        )

    def answer(self, asked: dict, *, keeps: bool):
        generation = writing.generate(**asked, is_abandoned=self.is_abandoned)
        keeps = keeps and not self.is_abandoned()  # nobody waits for what is not finished
        lyric = lyrics.keep(user=asked["user"], generation=generation) if keeps else None
        return Response(generation.to_dict(lyric=lyric))

    def stream(self, asked: dict, *, keeps: bool):
        generation = writing.begin(**asked)
        events = generation_events(generation, user=asked["user"] if keeps else None)
        response = event_stream(self.request._request, events, is_watching=False)
        if not response.streaming:  # refused: this process has too many streams
            generation.writing.cancel()
        else:
            # A client that leaves before the first event never starts the iterator that would end the work.
            response._resource_closers.append(generation.writing.cancel)
        return response


def read_request(body) -> tuple[dict, "writing.Recipe"]:
    """(our own fields as asked; the recipe). Raises: Invalid naming every field that is wrong."""
    if not isinstance(body, dict):
        raise Invalid({"detail": ["Send a JSON object."]})
    wanted = {"model": None, "prompt": "", "stream": False, "save": False, "alternatives": 0}
    wanted |= {name: body[name] for name in OWN_FIELDS if name in body}
    errors = {}
    if not isinstance(wanted["model"], str):
        errors["model"] = ["Give the id or the name of a model." if "model" in body else "This field is required."]
    for name in ("stream", "save"):
        if not isinstance(wanted[name], bool):
            errors[name] = ["Give true or false."]
    count = wanted["alternatives"]
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= ALTERNATIVES_LIMIT:
        errors["alternatives"] = [f"Give a whole number from 0 to {ALTERNATIVES_LIMIT}."]
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
    place = None
    async for pieces in generation.writing:
        if generation.writing.place not in (None, place):
            place = generation.writing.place
            yield event("waiting", {"position": place + 1})
        for added in generation.take(pieces):
            if added.text or added.pieces:
                told = {} if added.pieces is None else {"pieces": added.pieces}
                yield event("token", {"index": added.index, "text": added.text} | told)
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
