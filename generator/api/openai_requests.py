"""What a program asks of ``POST /v1/completions``, read and checked; what it leaves out has our own defaults."""

from collections.abc import Callable
from dataclasses import dataclass

from generator.recipe import CANDIDATES_LIMIT, Recipe, RecipeError, checked_prompt
from training.errors import Invalid

PROMPTS_LIMIT = 8
LOGPROBS_LIMIT = 5
# OpenAI's clients may send null for what they leave out; the sampling values that are ours alone are given or not.
NULL_IS_DEFAULT = frozenset({"max_tokens", "n", "temperature", "top_p", "stop"})


@dataclass(frozen=True)
class CompletionRequest:
    """One request: a text for each of ``prompts`` by ``recipe``; ``logprobs`` None tells no probabilities."""

    model: str
    prompts: list[str]
    recipe: Recipe
    stream: bool = False
    includes_usage: bool = False
    logprobs: int | None = None
    echo: bool = False


def read_request(body) -> CompletionRequest:
    """The request that a parsed JSON ``body`` makes. Raises: Invalid naming every field that is wrong."""
    if not isinstance(body, dict):
        raise Invalid({"detail": ["Send a JSON object."]})
    errors: dict[str, list[str]] = {}
    own = {name: _checked(name, check, body.get(name), errors) for name, check in OWN_FIELDS.items()}
    for name, (neutral, sentence) in NEUTRAL_ONLY.items():
        if not any(_is_same(body.get(name), value) for value in neutral):
            errors[name] = [sentence]
    recipe = _recipe_of(body, errors)
    _check_together(body, own, recipe, errors)
    if errors:
        raise Invalid(errors)
    return CompletionRequest(
        model=own["model"],
        prompts=own["prompt"],
        recipe=recipe,
        stream=own["stream"],
        includes_usage=own["stream_options"].get("include_usage") is True,
        logprobs=own["logprobs"],
        echo=own["echo"],
    )


def _checked(name: str, check: Callable, value, errors: dict):
    try:
        return check(value)
    except ValueError as error:
        errors[name] = [str(error)]
        return None


def _recipe_of(body: dict, errors: dict) -> Recipe | None:
    known = {*OWN_FIELDS, *NEUTRAL_ONLY, *IGNORED}
    values = {name: value for name, value in body.items() if name not in known}
    values = {name: value for name, value in values.items() if value is not None or name not in NULL_IS_DEFAULT}
    try:
        return Recipe.from_dict(values)
    except RecipeError as error:
        errors |= error.errors
        return None


def _check_together(body: dict, own: dict, recipe: Recipe | None, errors: dict) -> None:
    """What one field allows another to be."""
    if recipe is not None and body.get("best_of") not in (None, recipe.n):
        errors["best_of"] = ["Only as many as `n`: every text that is written is returned."]
    if recipe is not None and own["prompt"] and recipe.n * len(own["prompt"]) > CANDIDATES_LIMIT:
        errors.setdefault("n", [f"At most {CANDIDATES_LIMIT} texts in one request: prompts times `n`."])
    if own["echo"] and own["logprobs"] is not None:
        errors["echo"] = ["Not together with `logprobs`: a prompt's own probabilities are not told."]
    if body.get("stream_options") is not None and own["stream"] is False:
        errors.setdefault("stream_options", ["Only with `stream`."])


def _model(value) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("Give the id or the name of a model.")
    return value


def _prompts(value) -> list[str]:
    prompts = value if isinstance(value, list) else ["" if value is None else value]
    if not 1 <= len(prompts) <= PROMPTS_LIMIT:
        raise ValueError(f"Give one text, or 1 to {PROMPTS_LIMIT} of them.")
    if not all(isinstance(prompt, str) for prompt in prompts):
        raise ValueError("Give a text or a list of texts; tokens by their numbers are not read.")
    try:
        return [checked_prompt(prompt) for prompt in prompts]
    except RecipeError as error:
        raise ValueError(" ".join(error.errors["prompt"])) from error


def _flag(value) -> bool:
    if value is not None and not isinstance(value, bool):
        raise ValueError("Give true or false.")
    return bool(value)


def _logprobs(value) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LOGPROBS_LIMIT:
        raise ValueError(f"Give a whole number from 0 to {LOGPROBS_LIMIT}.")
    return value


def _stream_options(value) -> dict:
    options = {} if value is None else value
    if not isinstance(options, dict) or not options.keys() <= {"include_usage", "include_obfuscation"}:
        raise ValueError('Give {"include_usage": true} or {"include_usage": false}.')
    if not all(isinstance(option, bool) for option in options.values()):
        raise ValueError("Its values are true or false.")
    return options


def _is_same(value, other) -> bool:
    """Equal, and neither a truth value where the other is a number."""
    return isinstance(value, bool) == isinstance(other, bool) and value == other


OWN_FIELDS: dict[str, Callable] = {
    "model": _model,
    "prompt": _prompts,
    "stream": _flag,
    "stream_options": _stream_options,
    "logprobs": _logprobs,
    "echo": _flag,
}
# Fields of OpenAI's that mean nothing to a recurrent network, with the values that ask for nothing.
NEUTRAL_ONLY = {
    "presence_penalty": ((None, 0), "Only 0; `repetition_penalty` makes what was written less likely."),
    "frequency_penalty": ((None, 0), "Only 0; `repetition_penalty` makes what was written less likely."),
    "suffix": ((None, ""), "Only null: a text is written from its beginning on."),
    "logit_bias": ((None, {}), "Only {}: no token can be favoured."),
}
IGNORED = frozenset({"user", "best_of"})  # `best_of` is looked at together with `n`
