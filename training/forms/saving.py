"""How the form of something that is there already is saved: the same for songs, races, models and lyrics."""

from collections.abc import Callable

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest

from training.errors import ExpectedError
from training.forms.refusals import add_refusal


def saved(request: HttpRequest, form: BaseForm, save: Callable[..., object]) -> bool:
    """Hand what a form says to ``save``, by the names of its fields, and tell the person that it is saved.

    Returns: whether it is; otherwise the form says what was wrong, be it its own word or the refusal of ``save``.
    """
    if not form.is_valid():
        return False
    try:
        save(**form.cleaned_data)
    except ExpectedError as refusal:
        add_refusal(form, refusal)
        return False
    messages.success(request, "Saved.")
    return True
