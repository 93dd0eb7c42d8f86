"""How the end of a text is said."""

from django import template

register = template.Library()

ENDINGS = {
    "lines": "when all lines were there",
    "end": "where the network ended its song",
    "length": "at the longest a text may be",
    "stop": "at a stop word",
    "time": "when its time was up",
}


@register.filter
def ending_words(finish_reason: str) -> str:
    return ENDINGS.get(finish_reason, "")
