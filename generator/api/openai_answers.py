"""Finished and growing texts as clients of OpenAI's completions read them."""

import time
import uuid
from collections.abc import Iterator, Sequence

from generator.services.writing import Addition, Generation
from training.models import Checkpoint

# OpenAI knows two reasons: it came to an end, or a limit cut it.
REASONS = {"stop": "stop", "end": "stop", "lines": "stop", "length": "length", "time": "length"}


def model_object(model: Checkpoint) -> dict:
    return {
        "id": model.pk,
        "object": "model",
        "created": int(model.published_at.timestamp()),
        "owned_by": model.owner.username,
        "name": model.name,
        "architecture": model.architecture,
        "tokenizer": model.tokenizer,
        "parameters": model.parameters,
    }


class Logprobs:
    """The log-probabilities of one text in the form of the older completions: four lists, a token at each place.

    Tokens are written as they stand by themselves, so joined they are the text, but for breaks at its end and what a
    stop string cut off.
    """

    def __init__(self, count: int) -> None:
        self._count, self._offset = count, 0

    def tell(self, pieces: Sequence[dict]) -> dict:
        """The lists for the next pieces of a `Choice`."""
        tokens = [piece["token"] for piece in pieces]
        offsets = []
        for token in tokens:
            offsets.append(self._offset)
            self._offset += len(token)
        return {
            "tokens": tokens,
            "token_logprobs": [piece["log_probability"] for piece in pieces],
            "top_logprobs": [_by_text(piece["alternatives"]) for piece in pieces] if self._count else None,
            "text_offset": offsets,
        }


def _by_text(alternatives: Sequence[dict]) -> dict[str, float]:
    """Tokens that are written alike, such as begin and end, are told by the likeliest of them."""
    told: dict[str, float] = {}
    for other in alternatives:  # the best first
        told.setdefault(other["text"], other["log_probability"])
    return told


class Completion:
    """One request's answer: the texts of all its prompts, numbered one after the other, whole or piece by piece."""

    def __init__(self, generations: Sequence[Generation], *, echo: bool, logprobs: int | None) -> None:
        self._generations, self._echo, self._logprobs = generations, echo, logprobs
        first = generations[0]
        self._head = {
            "id": f"cmpl-{uuid.uuid4().hex}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": first.model.pk,
            "system_fingerprint": first.model.sha256[:16],
            "seed": first.recipe.seed,
        }
        self._told: dict[int, Logprobs] = {}

    def whole(self) -> dict:
        choices = []
        for place, generation in enumerate(self._generations):
            opening = generation.prompt if self._echo else ""
            for one in generation.choices:
                text = Addition(one.index, opening + one.text, one.pieces, one.finish_reason)
                choices.append(self._choice(place, text))
        return self._head | {"choices": choices, "usage": self._usage(), "notes": self._generations[0].notes}

    def openings(self) -> Iterator[dict]:
        """The chunks that repeat the prompts, where that was asked for."""
        for place, generation in enumerate(self._generations if self._echo else ()):
            for choice in generation.choices:
                yield self.chunk(place, Addition(choice.index, generation.prompt, None, None))

    def chunk(self, place: int, added: Addition) -> dict:
        """What a text of the prompt at ``place`` gained."""
        return self._head | {"choices": [self._choice(place, added)]}

    def endings(self) -> Iterator[dict]:
        """The last chunks of the texts that the deadline ended, now that all have; the others' have told theirs."""
        for place, generation in enumerate(self._generations):
            generation.finish()
            for choice in generation.choices:
                if choice.finish_reason == "time":
                    yield self.chunk(place, Addition(choice.index, "", None, choice.finish_reason))

    def usage_chunk(self) -> dict:
        return self._head | {"choices": [], "usage": self._usage()}

    def _choice(self, place: int, added: Addition) -> dict:
        index = place * self._generations[place].recipe.n + added.index
        logprobs = None
        if self._logprobs is not None:
            logprobs = self._told.setdefault(index, Logprobs(self._logprobs)).tell(added.pieces or ())
        reason = REASONS.get(added.finish_reason)
        return {"text": added.text, "index": index, "logprobs": logprobs, "finish_reason": reason}

    def _usage(self) -> dict:
        prompt = sum(generation.prompt_tokens for generation in self._generations)
        written = sum(generation.completion_tokens for generation in self._generations)
        return {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}
