"""How the API describes itself: a summary for every operation, and the refusals that all of them share."""

import re

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework.permissions import SAFE_METHODS, IsAdminUser

LONGEST_SUMMARY = 90
SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-Z`])")
CLAUSE = re.compile(r"[:;]\s")

TEXT = {"type": "string"}
STATE = {**TEXT, "description": "The state that does not allow it."}
SHAPES = {
    "FieldErrors": {
        "type": "object",
        "description": "The messages of each field that is wrong; `detail` where it is none of them.",
        "additionalProperties": {"oneOf": [{"type": "array", "items": TEXT}, TEXT]},
    },
    "Refusal": {
        "type": "object",
        "required": ["detail"],
        "properties": {
            "detail": {**TEXT, "description": "A sentence for people."},
            "code": {**TEXT, "description": "A word for programs, where there is one."},
        },
    },
    "StateConflict": {
        "type": "object",
        "required": ["detail", "code", "state"],
        "properties": {"detail": TEXT, "code": TEXT, "state": STATE},
    },
}
CHALLENGE = {"WWW-Authenticate": {"required": True, "schema": TEXT, "description": "How to sign in."}}
WAIT = {"Retry-After": {"required": True, "schema": {"type": "integer"}, "description": "Seconds until then."}}


def refusal(description: str, example: dict, *, shape: str = "Refusal", headers: dict | None = None) -> dict:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape}"}, "example": example}}
    return {"description": description, "content": content} | ({"headers": headers} if headers else {})


# By status: the name of the component, and what it says.
REFUSALS = {
    "400": (
        "BadRequest",
        refusal(
            "A value breaks a rule: the answer names its field.",
            {"temperature": ["This has to be a number from 0 to 5."]},
            shape="FieldErrors",
        ),
    ),
    "401": (
        "Unauthorized",
        refusal(
            "Nobody is signed in, or the token is no longer valid.",
            {"detail": "This token is unknown, revoked or expired."},
            headers=CHALLENGE,
        ),
    ),
    "403": (
        "Forbidden",
        refusal("Who is signed in, or the token, may not do this.", {"detail": "This token may only read."}),
    ),
    "404": ("NotFound", refusal("There is nothing here that you may see.", {"detail": "There is no such model."})),
    "406": (
        "NotAcceptable",
        refusal(
            "This comes in none of the forms that were asked for.",
            {"detail": "Could not satisfy the request Accept header."},
        ),
    ),
    "409": (
        "Conflict",
        refusal(
            "Its state does not allow this now; the answer has that state.",
            {"detail": "This run has ended already.", "code": "conflict", "state": "succeeded"},
            shape="StateConflict",
        ),
    ),
    "413": (
        "TooLarge",
        refusal("The request is too large.", {"detail": "The request is too large.", "code": "too_large"}),
    ),
    "415": (
        "UnsupportedMediaType",
        refusal(
            "The body is of a kind that is not read here.",
            {"detail": 'Unsupported media type "text/plain" in request.'},
        ),
    ),
    "429": (
        "TooManyRequests",
        refusal(
            "As much as allowed is going on already; `Retry-After` says when to come back.",
            {"detail": "Four texts of yours are being written. Try again in a moment.", "code": "limit_reached"},
            headers=WAIT,
        ),
    ),
    "503": (
        "Unavailable",
        refusal(
            "What this needs is away or overloaded for a moment; `Retry-After` says when to come back.",
            {"detail": "The database does not answer right now. Try again in a moment.", "code": "unavailable"},
            headers=WAIT,
        ),
    ),
}


class DescribedSchema(AutoSchema):
    """The description of one operation: its docstring's first words as summary, and each refusal that can come."""

    def get_operation(self, path, path_regex, path_prefix, method, registry) -> dict | None:
        operation = super().get_operation(path, path_regex, path_prefix, method, registry)
        if operation is None:
            return None
        words = " ".join(operation.get("description", "").split())
        operation.setdefault("summary", self._one_of_many() or first_words(words))
        if words.rstrip(".") == operation["summary"]:
            del operation["description"]
        for status in self._refusals(operation):
            self._refuse(operation["responses"], status)
        for status, answer in operation["responses"].items():
            if status.startswith("4") and not answer.keys() & {"content", "$ref"}:
                answer |= refusal(answer["description"], {"detail": answer["description"]})
        return operation

    def _map_serializer(self, serializer, direction, bypass_extensions=False):
        """A serializer that says ``refuses_others = True`` takes no property but its own."""
        schema = super()._map_serializer(serializer, direction, bypass_extensions)
        if direction == "request" and getattr(serializer, "refuses_others", False):
            schema["additionalProperties"] = False
        return schema

    def _one_of_many(self) -> str | None:
        """What an object of a collection is called where nobody wrote a docstring for reading one."""
        is_plain = getattr(self.view, "action", "") == "retrieve" and not self.view.retrieve.__doc__
        return f"One {self.get_tags()[0].removesuffix('s')}" if is_plain else None

    def _refusals(self, operation: dict) -> list[str]:
        """The statuses that this operation may answer with, from what it takes and who may ask."""
        reads, takes_body = self.method in SAFE_METHODS, "requestBody" in operation
        is_signed_in = bool(self.view.get_permissions())
        is_for_staff = any(isinstance(permission, IsAdminUser) for permission in self.view.get_permissions())
        names_something = bool(operation.get("parameters")) or takes_body
        streams = "text/event-stream" in operation["responses"].get("200", {}).get("content", {})
        may_come = {
            "403": is_signed_in and (is_for_staff or not reads),
            "404": is_signed_in and names_something,
            "409": is_signed_in and not reads,
            "413": not reads,
            "415": takes_body,
            "429": not reads or streams,
        }
        return [status for status in REFUSALS if may_come.get(status, True)]

    def _refuse(self, responses: dict, status: str) -> None:
        name, answer = REFUSALS[status]
        for shape, schema in SHAPES.items():
            self._component(shape, ResolvedComponent.SCHEMA, schema)
        if status in responses:  # its view says more about it than all have in common
            responses[status] = answer | {part: said for part, said in responses[status].items() if said}
        else:
            responses[status] = {"$ref": self._component(name, ResolvedComponent.RESPONSE, answer).ref["$ref"]}

    def _component(self, name: str, kind: str, content: dict) -> ResolvedComponent:
        component = ResolvedComponent(name=name, type=kind, schema=content, object=name)
        self.registry.register_on_missing(component)
        return component


def first_words(words: str) -> str:
    """The first sentence of ``words``, or its first clause where that is long; without the full stop."""
    sentence = SENTENCE.split(words)[0].rstrip(".")
    return sentence if len(sentence) <= LONGEST_SUMMARY else CLAUSE.split(sentence)[0]
