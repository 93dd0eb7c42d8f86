"""How a generation is said: why it ended, how long it took."""

from django import template

from generator.search import Excerpt, excerpt
from training.search_words import Sought

register = template.Library()

ENDINGS = {
    "lines": "when all lines were there",
    "end": "where the network ended its song",
    "length": "at the longest a text may be",
    "stop": "at a stop word",
    "time": "when its time was up",
    "stopped": "when you stopped it",
}


@register.filter
def ending_words(finish_reason: str) -> str:
    return ENDINGS.get(finish_reason, "")


@register.filter
def short_seconds(seconds: float) -> str:
    """Seconds with one decimal; `static/js/compose/events.js` says the same."""
    return "under 0.1 s" if seconds < 0.1 else f"{seconds:.1f} s"


@register.filter
def around(text: str, sought: Sought | None) -> Excerpt:
    """What a card shows of a lyric: its beginning, or the lines that a search found."""
    return excerpt(text, sought)
