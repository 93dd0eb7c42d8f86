"""What the API's description says of every operation alike."""

REFUSAL = {
    "type": "object",
    "additionalProperties": {},
    "description": "The messages of each field that is wrong, or `detail` with a sentence and often a `code`.",
}
REASONS = {
    "400": "A value breaks a rule: the answer names its field.",
    "401": "Nobody is signed in, or the token is no longer valid.",
    "403": "This token may only read.",
    "404": "There is nothing here that you may see.",
    "405": "This can't be done here.",
    "406": "This comes in none of the forms that were asked for.",
    "409": "Its state does not allow this now; the answer has that state.",
    "413": "The request is too large.",
    "415": "The request has another kind of body.",
    "429": "As much as allowed is going on already; `Retry-After` says when to come back.",
    "503": "What this needs is away or overloaded for a moment; `Retry-After` says when to come back.",
}
OF_READING = ("400", "401", "404", "405", "406", "429", "503")


def document_refusals(result: dict, generator, request, public) -> dict:
    """Return the description with the refusals that every operation may answer with, beside those it names itself."""
    result["components"].setdefault("schemas", {})["Refusal"] = REFUSAL
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
    for methods in result["paths"].values():
        for method, operation in methods.items():
            for status in OF_READING if method == "get" else REASONS:
                answer = operation["responses"].setdefault(status, {"description": REASONS[status]})
                answer.setdefault("content", content)
    return result
