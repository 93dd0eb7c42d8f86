"""The doors that OpenAI's clients know: models, and completions of a text. Their addresses end without a slash."""

import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from generator.api.doors import AlwaysJson, WritingView
from generator.api.openai_answers import Completion, model_object
from generator.api.openai_body import error_body
from generator.api.openai_errors import answer_with_openai_error
from generator.api.openai_requests import CompletionRequest, read_request
from generator.api.openai_serializers import (
    CompletionRequestSerializer,
    CompletionSerializer,
    ModelListSerializer,
    ModelObjectSerializer,
    OpenAiErrorSerializer,
)
from generator.services import writing
from generator.services.interleaving import interleaved
from generator.services.writing import Generation
from training.errors import ExpectedError
from training.models import Checkpoint
from training.streaming import event_stream

OF_READING = (400, 401, 404, 405, 406, 429, 503)
REFUSALS = dict.fromkeys(OF_READING, OpenAiErrorSerializer)
REFUSALS_OF_WRITING = dict.fromkeys((*OF_READING, 403, 409, 413, 415), OpenAiErrorSerializer)

logger = logging.getLogger(__name__)


class OpenAiView(APIView):
    """A view whose refusals have OpenAI's form."""

    renderer_classes = (JSONRenderer,)
    content_negotiation_class = AlwaysJson

    def get_exception_handler(self):
        return answer_with_openai_error


class NoSuchModel(ExpectedError):
    """Raised for a model that is not there for whoever asks."""

    status = 404
    code = "model_not_found"

    def __init__(self, wanted: str) -> None:
        super().__init__(f"There is no model {wanted[:120]!r} that you may use.")


class ModelsView(OpenAiView):
    """The models that one may write with, the newest first."""

    @extend_schema(
        operation_id="openai_models",
        summary="List the models, for OpenAI's clients",
        tags=["openai"],
        responses={200: ModelListSerializer, **REFUSALS},
    )
    def get(self, request):
        models = Checkpoint.objects.visible_to(request.user).published().select_related("owner")
        data = [model_object(model) for model in models.order_by("-published_at")]
        return Response({"object": "list", "data": data})


class ModelView(OpenAiView):
    """One model, by its id or its name."""

    @extend_schema(
        operation_id="openai_model",
        summary="One model by its id or its name, for OpenAI's clients",
        tags=["openai"],
        responses={200: ModelObjectSerializer, **REFUSALS},
    )
    def get(self, request, model: str):
        return Response(model_object(find_model(request.user, model)))


class CompletionsView(OpenAiView, WritingView):
    """Go on from one prompt or several, whole or as a stream."""

    @extend_schema(
        operation_id="openai_completions",
        summary="Go on from a prompt, for OpenAI's clients",
        tags=["openai"],
        request=CompletionRequestSerializer,
        responses={
            200: CompletionSerializer,
            (200, "text/event-stream"): OpenApiResponse(
                OpenApiTypes.STR,
                "With `stream: true`: `data:` with a chunk of the same form as text comes, the prompts' side by side, "
                "each named by its `index`; then `data: [DONE]`. Should it break off, the last is "
                '`data: {"error": …}` instead. Closing the connection stops the work.',
            ),
            **REFUSALS_OF_WRITING,
        },
    )
    def post(self, request):
        asked = read_request(request.data)
        model = find_model(request.user, asked.model)
        generations = writing.begin_together(
            user=request.user, model=model, prompts=asked.prompts, recipe=asked.recipe, alternatives=asked.logprobs
        )
        completion = Completion(generations, echo=asked.echo, logprobs=asked.logprobs)
        if asked.stream:
            return self.stream(asked, generations, completion)
        writing.complete(generations, is_abandoned=self.is_abandoned)
        return Response(completion.whole())

    def stream(self, asked: CompletionRequest, generations: Sequence[Generation], completion: Completion):
        events = completion_events(generations, completion, includes_usage=asked.includes_usage)
        response = event_stream(self.request._request, events, is_watching=False)
        if not response.streaming:  # refused: this process has too many streams
            writing.cancel(generations)
            raise writing.Busy("Too many streams are open right now.", retry_seconds=int(response["Retry-After"]))
        # A client that leaves before the first event never starts the iterator that would end the work.
        response._resource_closers.append(lambda: writing.cancel(generations))
        return response


def find_model(user, wanted: str) -> Checkpoint:
    model = writing.find_model(user, wanted)
    if model is None:
        raise NoSuchModel(wanted)
    return model


async def completion_events(
    generations: Sequence[Generation], completion: Completion, *, includes_usage: bool
) -> AsyncIterator[str]:
    """The server-sent events of a completion: a chunk for each gain of each text, of all prompts as they are written.

    An error ends all of it, and is the last event: what has begun can be told no other way.
    """
    try:
        for chunk in completion.openings():
            yield event(chunk)
        async with aclosing(interleaved([generation.writing for generation in generations])) as turns:
            async for place, pieces in turns:
                ahead = generations[place].writing.place
                if place == 0 and ahead is not None:  # the first prompt is served first
                    yield f": waiting, {ahead} first\n\n"
                for added in generations[place].take(pieces):
                    yield event(completion.chunk(place, added))
        for chunk in completion.endings():
            yield event(chunk)
        if includes_usage:
            yield event(completion.usage_chunk())
        yield "data: [DONE]\n\n"
    except Exception:  # whatever it is, the answer has begun with a 200
        logger.exception("A completion broke off.")
        sentence = "The text broke off. The fault is ours, and it has been written down."
        yield event(error_body(500, sentence, code="error"))
    finally:
        writing.cancel(generations)


def event(data: dict) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"
