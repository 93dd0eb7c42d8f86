"""How values are said on a page: verse, numbers, durations, moments, states. All of it is text that gets escaped."""

import math
from datetime import datetime

from django import template
from django.conf import settings
from django.forms import (
    CheckboxInput,
    CheckboxSelectMultiple,
    ClearableFileInput,
    RadioSelect,
    Select,
    Textarea,
    Widget,
)
from django.forms.boundfield import BoundField
from django.utils import timezone
from django.utils.html import format_html, format_html_join

from training.language_model import presets
from training.language_model.lyric_text import section_name
from training.search_words import Sought

register = template.Library()

NOTHING = "–"
STATE_WORDS = {
    "uploaded": "Uploaded",
    "needs_mapping": "Needs its columns named",
    "importing": "Importing",
    "ready": "Ready to train",
    "queued": "Queued",
    "running": "Running",
    "paused": "Paused",
    "succeeded": "Finished",
    "failed": "Failed",
    "cancelled": "Cancelled",
}
NOTE_ICONS = {"warn": "warn", "error": "cross", "done": "check"}
SECTIONS = {
    "home": "home",
    "account": "account",
    "login": "login",
    "dataset": "datasets",
    "song": "datasets",
    "run": "runs",
    "race": "runs",
    "model": "models",
    "compose": "write",
    "side": "write",
    "lyric": "lyrics",
    "collection": "lyrics",
}
TOKEN_NOUNS = {
    "char": ("letter", "characters"),
    "word": ("word", "words and signs"),
    "bpe": ("piece", "pieces of words"),
}
MESSAGE_TONES = {"warning": "warn", "error": "error", "success": "done"}


@register.filter
def verse(text: str | None, line_limit: int | None = None) -> list[dict]:
    """The stanzas of a lyric in order, each as {"section", "lines"}.

    A blank line or a section tag begins the next stanza; the section is the tag's name, "" where there is none. The
    words stay as they were written, quotes and all. With ``line_limit`` only that many lines of words are kept.
    """
    stanzas: list[dict] = []
    is_open = False
    lines_left = math.inf if line_limit is None else line_limit
    for line in (text or "").splitlines():
        if lines_left <= 0:
            break
        name = section_name(line)
        if name is not None:
            stanzas.append({"section": name, "lines": []})
            is_open = True
        elif not line.strip():
            # A blank line right under a tag does not part the tag from its stanza.
            is_open = is_open and not stanzas[-1]["lines"]
        else:
            if not is_open:
                stanzas.append({"section": "", "lines": []})
                is_open = True
            stanzas[-1]["lines"].append(line.strip())
            lines_left -= 1
    return stanzas


@register.filter
def marked(text: object, sought: Sought | None) -> str:
    """A text in which the words of a search are marked; every piece of it is escaped."""
    if not sought:
        return str(text)
    pieces = sought.pieces(str(text))
    return format_html_join(
        "", "{}", ((format_html("<mark>{}</mark>", piece) if is_found else piece,) for piece, is_found in pieces)
    )


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


@register.filter
def nats(value: float | None) -> str:
    """A loss with two decimals: 1.38."""
    return f"{value:.2f}" if is_number(value) else NOTHING


@register.filter
def thousands(value: float | None) -> str:
    """A whole number in groups of three: 41,200."""
    return f"{round(value):,}" if is_number(value) else NOTHING


@register.filter
def compact(value: float | None) -> str:
    """A large number in millions, a small one whole: 1.09 M, 41,200."""
    if not is_number(value):
        return NOTHING
    return thousands(value) if abs(value) < 100_000 else f"{value / 1_000_000:,.2f} M"


@register.filter
def percent(value: float | None) -> str:
    """A share that is counted in hundredths already: 59 %."""
    return f"{round(value)} %" if is_number(value) else NOTHING


@register.filter
def share(value: float | None) -> str:
    """A share from 0 to 1 in hundredths, with a decimal: 3.7 %."""
    return f"{100 * value:.1f} %" if is_number(value) else NOTHING


@register.filter
def digits(value: float | None) -> str:
    """A small number with the two digits that matter: 0.0043."""
    return f"{value:.2g}" if is_number(value) else NOTHING


@register.filter
def readings(value: float | None) -> str:
    """How often something is done: 0.4, 2.5, 60."""
    if not is_number(value):
        return NOTHING
    return thousands(value) if value >= 10 else f"{value:.1f}"


@register.filter
def megabytes(value: int | None) -> str:
    """Memory as people say it: 410 MB, 1.9 GB."""
    if not is_number(value):
        return NOTHING
    return f"{value / 1024**2:,.0f} MB" if value < 1000 * 1024**2 else f"{value / 1024**3:.1f} GB"


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds in the two largest units that say something: 45 s, 6 min 12 s, 1 h 5 min, 2 days 3 h."""
    if not is_number(seconds) or seconds < 0:
        return NOTHING
    if 0 < seconds < 1:
        return "under 1 s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return _two(f"{minutes} min", rest, "s")
    hours, minutes = divmod(minutes, 60)
    if whole < 86_400:
        return _two(f"{hours} h", minutes, "min")
    days, hours = divmod(hours, 24)
    return _two("1 day" if days == 1 else f"{days} days", hours, "h")


def _two(large: str, small: int, unit: str) -> str:
    return f"{large} {small} {unit}" if small else large


@register.filter
def tenths(value: float | None) -> str:
    """A number with one decimal: 72.4, 1,204.0."""
    return f"{value:,.1f}" if is_number(value) else NOTHING


@register.filter
def time(seconds: float | None) -> str:
    """Seconds in one unit, for figures that stand side by side: 52 s, 2.4 min, 1.3 h."""
    if not is_number(seconds):
        return NOTHING
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5_400 else f"{seconds / 3_600:.1f} h"


@register.filter
def measured(value: float | None, kind: str) -> str:
    """A figure of a score card as its kind is written."""
    return {"nats": nats, "tenths": tenths, "time": time, "thousands": thousands, "compact": compact}[kind](value)


@register.filter
def when(moment: datetime | None, now: datetime | None = None) -> str:
    """A moment as people say it: today, 9:40; yesterday, 9:40; Sunday; 12 March; 12 March 2025.

    In the site's time zone; `static/js/when.js` says the same in the reader's own.
    """
    if not isinstance(moment, datetime):
        return NOTHING
    moment = timezone.localtime(moment) if timezone.is_aware(moment) else moment
    today = (now or timezone.localtime()).date()
    days_ago = (today - moment.date()).days
    clock = f"{moment.hour}:{moment:%M}"
    if days_ago in (0, 1):
        return f"{'yesterday' if days_ago else 'today'}, {clock}"
    if 1 < days_ago < 7:
        return f"{moment:%A}"
    day = f"{moment.day} {moment:%B}"
    return day if moment.year == today.year else f"{day} {moment.year}"


@register.filter
def state_word(state: str) -> str:
    """The word for a state of a dataset, an import or a run: Finished for succeeded."""
    return STATE_WORDS.get(state, str(state).replace("_", " ").capitalize())


@register.filter
def cell_name(architecture: str) -> str:
    """The name of a cell as it is spoken of: LSTM for lstm."""
    return presets.cell_name(str(architecture))


@register.filter
def token_noun(tokenizer: str) -> str:
    """What a model reads and writes one at a time: letter, word or piece."""
    return TOKEN_NOUNS.get(tokenizer, ("word", ""))[0]


@register.filter
def token_units(tokenizer: str) -> str:
    """The same for a count of them: characters, words and signs, pieces of words."""
    return TOKEN_NOUNS.get(tokenizer, ("", "words and signs"))[1]


@register.filter
def note_icon(tone: str | None) -> str:
    return NOTE_ICONS.get(tone or "", "bulb")


@register.filter
def message_tone(level_tag: str) -> str:
    """The tone of a note for the level of a message of `django.contrib.messages`."""
    return MESSAGE_TONES.get(level_tag, "")


@register.filter
def item(mapping: dict | None, key: object) -> object:
    """What ``mapping`` holds under ``key``, None where it holds nothing; form choices give their keys as text."""
    if not mapping:
        return None
    return mapping.get(key, mapping.get(str(key)))


@register.filter
def at(values: list, place: int) -> object:
    """What stands at a place of a list: two lists that belong together are shown side by side."""
    return values[place]


@register.filter
def control_kind(field: BoundField) -> str:
    """Which of the controls of `components/_field.html` shows this field."""
    widget: Widget = field.field.widget
    if widget.is_hidden:
        return "hidden"
    if isinstance(widget, CheckboxSelectMultiple | RadioSelect):
        return "choices"
    if isinstance(widget, CheckboxInput):
        return "checkbox"
    if isinstance(widget, ClearableFileInput):
        return "file"
    if isinstance(widget, Select):
        return "select"
    if isinstance(widget, Textarea):
        return "textarea"
    return "slider" if getattr(widget, "input_type", "") == "range" else "input"


CONTROL_CLASSES = {"input": "input", "select": "input", "textarea": "input", "file": "input", "slider": "slider"}


@register.filter
def control(field: BoundField) -> str:
    """The field's own widget with the class that styles it, beside the classes it brought along."""
    own = field.field.widget.attrs.get("class", "")
    classes = f"{CONTROL_CLASSES.get(control_kind(field), '')} {own}".strip()
    return field.as_widget(attrs={"class": classes} if classes else None)


def section_of(url_name: str | None) -> str:
    """Which word of the navigation a page stands under, by the name of its address: run-detail under runs."""
    return SECTIONS.get((url_name or "").partition("-")[0], "")


@register.simple_tag(takes_context=True)
def current_section(context: template.Context) -> str:
    """The page's section: what its view called it, else what its address says; "" on an error page."""
    match = getattr(context.get("request"), "resolver_match", None)
    return context.get("section") or section_of(match and match.url_name)


@register.simple_tag
def sign_up_is_open() -> bool:
    return settings.SIGN_UP_IS_OPEN
