"""Pages for writing; everything works without JavaScript."""

import json
from functools import partial
from string import ascii_uppercase

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from generator.forms.compose import ComposeForm, SideBySideForm, suggested
from generator.leaving import has_left
from generator.models import Lyric
from generator.recipe import PROMPT_LIMIT_BYTES
from generator.services import history, writing
from training.errors import ExpectedError, Invalid
from training.forms.refusals import add_refusal


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def compose(request: HttpRequest) -> HttpResponse:
    """Ask for a lyric; without JavaScript the answer to the form is the page with the whole text."""
    if request.method != "POST":
        return _compose_page(request, ComposeForm(user=request.user, initial=suggested(request.GET)))
    form = ComposeForm(request.POST, user=request.user)
    if not form.is_valid():
        return _compose_page(request, form, status=400)
    try:
        recipe, prompt = writing.read_recipe(form.recipe_values(), form.cleaned_data["prompt"])
        generation = writing.generate(user=request.user, model=form.cleaned_data["model"], prompt=prompt, recipe=recipe)
    except ExpectedError as error:
        add_refusal(form, error)
        return _compose_page(request, form, status=error.status)
    noted = history.note(user=request.user, generation=generation)
    return _compose_page(request, form, generation=generation, noted=noted)


def _compose_page(request, form: ComposeForm, *, generation=None, noted=(), status: int = 200) -> HttpResponse:
    """The page, with what was written, each candidate with its row of the history."""
    versions = [_version(generation, generation.choices[index], lyric) for index, lyric in enumerate(noted)]
    context = {
        "form": form,
        "generation": generation,
        "versions": versions,
        "chosen": versions[0] if versions else None,
    }
    return render(request, "generator/compose.html", context, status=status)


def _version(generation: writing.Generation, choice: writing.Choice, lyric: Lyric) -> dict:
    """A candidate as the page shows it: its name among the others, its text, the recipe that writes it alone, and
    where the history has it.
    """
    text = generation.text_of(choice)
    return {
        "letter": ascii_uppercase[choice.index],
        "choice": choice,
        "text": text,
        "lyric": lyric,
        "recipe": json.dumps(generation.recipe.for_candidate(choice.index).to_dict()),
        "may_go_on": len(text.encode()) <= PROMPT_LIMIT_BYTES,
    }


@require_safe
@login_required
def side_by_side(request: HttpRequest) -> HttpResponse:
    """What several models make of the same line with the same seed; its address gives the same verses again."""
    form = SideBySideForm(request.GET, user=request.user)
    verses = _verses_of_each(request, form) if form.is_valid() else []
    context = {"form": form, "verses": verses}
    return render(request, "generator/side_by_side.html", context, status=200 if form.is_valid() else 400)


def _verses_of_each(request: HttpRequest, form: SideBySideForm) -> list[dict]:
    """Each model with its text, or with why it wrote none."""
    verses = []
    try:
        recipe, prompt = writing.read_recipe(form.recipe_values(), form.cleaned_data["prompt"])
    except Invalid as error:
        add_refusal(form, error)
        return verses
    is_abandoned = partial(has_left, request)
    for model in form.cleaned_data["model"]:
        if is_abandoned():
            break
        try:
            generation = writing.generate(
                user=request.user, model=model, prompt=prompt, recipe=recipe, is_abandoned=is_abandoned
            )
        except ExpectedError as error:
            verses.append({"model": model, "refusal": error.message})
        else:
            choice = generation.choices[0]
            pace = 1000 * generation.seconds / choice.tokens if choice.tokens else None
            verses.append({"model": model, "text": generation.text_of(choice), "milliseconds_a_token": pace})
    return verses
