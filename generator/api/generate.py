"""Write lyrics by API, at once or as a stream."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.response import Response

from generator.api.doors import WritingView
from generator.api.serializers import GenerateSerializer, GenerationSerializer
from generator.recipe import ALTERNATIVES_LIMIT
from generator.services import history, lyrics, writing
from training.database import is_away
from training.errors import Invalid
from training.streaming import event_stream, read

OWN_FIELDS = ("model", "prompt", "stream", "save", "history", "alternatives")


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
                "With `stream: true`: first `event: history` with `{lyrics}`, where `history` was asked for: the ids "
                "that the texts have in your history once they are done, or once you stop reading. "
                "Then `event: token` with `{index, text}` as text comes, with `pieces` too where "
                "`alternatives` were asked for; then `event: done` with the whole answer. While others are first, "
                "`event: waiting` with `{position}` (1 is next) each time it changes. Closing the connection stops "
                "the work.",
            ),
        },
    )
    def post(self, request):
        wanted, recipe = read_request(request.data)
        model = writing.find_model(request.user, wanted["model"])
        if model is None:
            raise NotFound("There is no such model.")
        asked = {"user": request.user, "model": model, "prompt": wanted["prompt"], "recipe": recipe}
        asked["alternatives"] = wanted["alternatives"] or None
        ids = history.new_ids(recipe.n) if wanted["history"] else []
        shelf = Shelf(request.user, keeps_first=wanted["save"], history_ids=ids)
        return (self.stream if wanted["stream"] else self.answer)(asked, shelf)

    def answer(self, asked: dict, shelf: "Shelf"):
        generation = writing.generate(**asked, is_abandoned=self.is_abandoned)
        if not self.is_abandoned():  # else nobody waits for what is not finished
            shelf.take(generation)
        return Response(generation.to_dict())

    def stream(self, asked: dict, shelf: "Shelf"):
        generation = writing.begin(**asked)
        events = generation_events(generation, shelf)
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
    wanted = {"model": None, "prompt": "", "stream": False, "save": False, "history": False, "alternatives": 0}
    wanted |= {name: body[name] for name in OWN_FIELDS if name in body}
    errors = {}
    if not isinstance(wanted["model"], str):
        errors["model"] = ["Give the id or the name of a model." if "model" in body else "This field is required."]
    for name in ("stream", "save", "history"):
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


@dataclass(frozen=True)
class Shelf:
    """Where a finished generation goes: all its texts into the history, the first among the lyrics that are kept.

    ``history_ids`` are those that the texts have in the history; empty where they do not go there.
    """

    user: AbstractBaseUser
    keeps_first: bool
    history_ids: list[str]

    def take(self, generation: writing.Generation) -> None:
        ids = self.history_ids
        noted = history.note(user=self.user, generation=generation, ids=ids) if ids else []
        for choice, lyric in zip(generation.choices, noted, strict=False):
            choice.lyric = lyric.pk
        if self.keeps_first and not generation.text_of(generation.choices[0]).strip():
            generation.notes.append("Nothing was written, so nothing is kept.")
        elif self.keeps_first and noted:
            generation.lyric = lyrics.keep_lyric(lyric=noted[0]).pk
        elif self.keeps_first:
            generation.lyric = lyrics.keep(user=self.user, generation=generation).pk

    async def take_if_possible(self, generation: writing.Generation) -> None:
        """What was written is told whole also while the database is away; then its notes say so."""
        if not (self.keeps_first or self.history_ids):
            return
        try:
            await read(self.take, generation)
        except DatabaseError as error:
            if not is_away(error):
                raise
            generation.notes.append("It could not be kept: the database does not answer right now.")

    async def take_stopped(self, generation: writing.Generation) -> None:
        """What came until its reader left goes into the history alone."""
        if generation.completion_tokens:
            await replace(self, keeps_first=False).take_if_possible(generation)


async def generation_events(generation: writing.Generation, shelf: Shelf) -> AsyncIterator[bytes]:
    """The server-sent events of a generation, which goes onto the ``shelf`` at its end or when its reader leaves."""
    place = None
    try:
        if shelf.history_ids:
            yield event("history", {"lyrics": shelf.history_ids})
        async for pieces in generation.writing:
            if generation.writing.place not in (None, place):
                place = generation.writing.place
                yield event("waiting", {"position": place + 1})
            for added in generation.take(pieces):
                if added.text or added.pieces:
                    told = {} if added.pieces is None else {"pieces": added.pieces}
                    yield event("token", {"index": added.index, "text": added.text} | told)
        if not generation.writing.is_cancelled:
            generation.finish()
            await shelf.take_if_possible(generation)
            yield event("done", generation.to_dict())
    finally:
        if not generation.is_over:
            generation.stop()
            await shelf.take_stopped(generation)


encode = json.JSONEncoder(ensure_ascii=False).encode


def event(name: str, data: dict) -> bytes:
    return f"event: {name}\ndata: {encode(data)}\n\n".encode()
