"""What people do with the lyrics they keep: save, change, bookmark, delete. Pages, API and commands all call these."""

from collections.abc import Iterable
from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from generator import search
from generator.decoding.model_file import surroundings
from generator.models import Lyric
from generator.recipe import Recipe, RecipeError, checked_prompt
from generator.services.places import close_gaps
from generator.services.writing import Choice, Generation
from training.errors import Conflict, Invalid
from training.models import Checkpoint
from training.models.identifiers import new_id

TITLE_LIMIT = 200
TEXT_LIMIT = 100_000
TAGS_LIMIT = 20
TAG_LENGTH_LIMIT = 40
# What no database stores stands as the replacement character: a foreign model may know how to write it.
UNSTORABLE = dict.fromkeys([0, *range(0xD800, 0xE000)], "\ufffd")


def read_kept_recipe(values: dict, seed: int | None = None) -> Recipe:
    """The recipe that a text is saved with; ``seed`` counts where ``values`` have none. Raises: Invalid."""
    try:
        recipe = Recipe.from_dict(values)
    except RecipeError as error:
        raise Invalid({"recipe": [str(error)]}) from None
    return recipe if recipe.seed is not None else replace(recipe, seed=seed)


def keep(*, user, generation: Generation, choice: Choice | None = None) -> Lyric:
    """Save a candidate of a generation, the first unless said otherwise, as a lyric of ``user``."""
    choice = choice or generation.choices[0]
    return save_lyric(
        user=user,
        text=generation.text_of(choice).translate(UNSTORABLE),
        generated_text=generation.text_of(choice),
        prompt=generation.prompt,
        model=generation.model,
        recipe=generation.recipe.for_candidate(choice.index),
        made_with=made_with(generation, choice),
    )


def made_with(generation: Generation, choice: Choice) -> dict[str, str]:
    """The processor and programs that a candidate was written with, and why it ended."""
    return surroundings(generation.writing.text.model) | {"ending": choice.finish_reason or ""}


def save_lyric(
    *,
    user,
    text: str,
    title: str = "",
    prompt: str = "",
    model: Checkpoint | None = None,
    recipe: Recipe | None = None,
    generated_text: str = "",
    made_with: dict | None = None,
    bookmarked: bool = False,
    tags: Iterable[str] = (),
    lyric_id: str | None = None,
) -> Lyric:
    """Keep a text, with the certificate of how it was made where there is one, under ``lyric_id`` or a new id.

    A ``model`` that was deleted while it wrote is named all the same.
    Raises: Invalid naming each field that is wrong; IntegrityError when another lyric has that id.
    """
    fields = checked_fields(text=text, title=title, tags=tags, bookmarked=bookmarked)
    try:
        checked_prompt(prompt)
    except RecipeError as error:
        raise Invalid(error.errors) from None
    with transaction.atomic():
        is_there = model is not None and Checkpoint.objects.filter(pk=model.pk).exists()
        lyric = Lyric.objects.create(
            id=lyric_id or new_id(),
            owner=user,
            **fields,
            generated_text=storable_as_written(generated_text),
            prompt=prompt,
            model=model if is_there else None,
            model_name=model.name if model else "",
            model_sha256=model.sha256 if model else "",
            recipe=recipe.to_dict() if recipe else {},
            seed=recipe.seed if recipe else None,
            made_with=made_with or {},
        )
        search.index([lyric], are_new=True)
    return lyric


def storable_as_written(text: str) -> str:
    """What a network wrote, as a lyric holds it."""
    return text.replace("\r\n", "\n").translate(UNSTORABLE)[:TEXT_LIMIT]


def update_lyric(*, lyric: Lyric, **changes) -> Lyric:
    """Change title, text, tags or bookmark of a lyric, and so keep it; how it was made stays.

    Raises: Invalid; Conflict when it was deleted meanwhile.
    """
    fields = checked_fields(**changes)
    if not fields:
        return lyric
    with transaction.atomic():
        _change(lyric, kept_at=lyric.kept_at or timezone.now(), updated_at=timezone.now(), **fields)
        search.index([lyric])
    return lyric


def keep_lyric(*, lyric: Lyric) -> Lyric:
    """Keep what was only history; doing so twice changes nothing. Raises: Conflict when it was deleted meanwhile."""
    if not lyric.is_kept:
        _change(lyric, kept_at=timezone.now())
    return lyric


def set_bookmark(*, lyric: Lyric, bookmarked: bool) -> Lyric:
    """Bookmark a lyric, and so keep it, or not; doing so twice changes nothing. Raises: as `keep_lyric`."""
    kept = {"kept_at": lyric.kept_at or timezone.now()} if bookmarked else {}
    _change(lyric, bookmarked=bookmarked, **kept)
    return lyric


def _change(lyric: Lyric, **fields) -> None:
    if not Lyric.objects.filter(pk=lyric.pk).update(**fields):
        raise Conflict("This lyric was deleted meanwhile.", state="deleted")
    for name, value in fields.items():
        setattr(lyric, name, value)


@transaction.atomic
def delete_lyric(*, lyric: Lyric) -> None:
    """Delete a lyric, and its places in collections with it."""
    collections = list(lyric.entries.values_list("collection_id", flat=True).distinct())
    lyric.delete()
    close_gaps(collections)


def checked_fields(**values) -> dict:
    """The fields of a lyric that people write, as they can be stored. Raises: Invalid naming each that is wrong."""
    checked, errors = {}, {}
    for name, value in values.items():
        try:
            checked[name] = CHECKS[name](value)
        except ValueError as error:
            errors[name] = [str(error)]
    if errors:
        raise Invalid(errors)
    return checked


def _storable(text) -> str:
    if not isinstance(text, str):
        raise ValueError("Give a text.")
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("NUL and half characters are not allowed.")
    return text


def _title(value) -> str:
    title = " ".join(_storable(value).split())
    if len(title) > TITLE_LIMIT:
        raise ValueError(f"At most {TITLE_LIMIT} characters.")
    return title


def _text(value) -> str:
    text = _storable(value).replace("\r\n", "\n").rstrip()
    if not text.strip():
        raise ValueError("There is nothing to keep yet.")
    if len(text) > TEXT_LIMIT:
        raise ValueError(f"At most {TEXT_LIMIT:,} characters.")
    return text


def _tags(values) -> list[str]:
    if isinstance(values, str) or not all(isinstance(value, str) for value in values):
        raise ValueError("Give a list of texts.")
    tags = list(dict.fromkeys(tag for value in values if (tag := " ".join(_storable(value).split()))))
    if len(tags) > TAGS_LIMIT or any(len(tag) > TAG_LENGTH_LIMIT for tag in tags):
        raise ValueError(f"At most {TAGS_LIMIT} tags of {TAG_LENGTH_LIMIT} characters.")
    return tags


def _flag(value) -> bool:
    if not isinstance(value, bool):
        raise ValueError("Give true or false.")
    return value


CHECKS = {"title": _title, "text": _text, "tags": _tags, "bookmarked": _flag}
