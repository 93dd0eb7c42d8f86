"""The history: every text that a model wrote for a person is there at once, until newer ones push it out."""

from collections.abc import Sequence

from django.conf import settings
from django.db import IntegrityError, transaction

from generator import search
from generator.models import Lyric
from generator.services.lyrics import TEXT_LIMIT, UNSTORABLE, made_with, save_lyric, storable_as_written, update_lyric
from generator.services.writing import Choice, Generation
from training.models import Checkpoint
from training.models.identifiers import ALPHABET, LENGTH, new_id


def new_ids(count: int) -> list[str]:
    """Ids for the texts of a generation, so that they can be named before the history has them."""
    return [new_id() for _ in range(count)]


@transaction.atomic
def note(*, user, generation: Generation, ids: Sequence[str] = ()) -> list[Lyric]:
    """Put every candidate of a finished generation into the history of ``user``; the rows are in the candidates' order.

    They get these ``ids``, or new ones. A text that was kept by its id already only gets its certificate.
    Beyond ``HISTORY_LIMIT`` the oldest texts that nobody kept go.
    """
    model = Checkpoint.objects.filter(pk=generation.model.pk).first()  # it may have been deleted while it wrote
    ids = ids or new_ids(len(generation.choices))
    written = [
        _unkept(generation, choice, id=lyric_id, owner=user, model=model)
        for lyric_id, choice in zip(ids, generation.choices, strict=True)
    ]
    try:
        _add(written)
    except IntegrityError:
        for lyric in written:
            _add_or_certify(lyric)
    forget_oldest(user=user)
    return written


@transaction.atomic
def _add(written: list[Lyric]) -> None:
    Lyric.objects.bulk_create(written)
    search.index(written, are_new=True)


def _add_or_certify(lyric: Lyric) -> None:
    """Who stops a text and keeps it at once may be quicker than the history."""
    try:
        _add([lyric])
    except IntegrityError:
        kept = Lyric.objects.owned_by(lyric.owner).filter(pk=lyric.pk, made_with={})
        kept.update(made_with=lyric.made_with)


def keep_written(*, user, lyric_id: str, text: str, title: str, bookmarked: bool, **certificate) -> Lyric:
    """Keep a text as its person changed it, as the row ``lyric_id`` that the history has of it or is about to have.

    Without such a row it becomes a lyric of its own by ``certificate``, which is what `save_lyric` takes.
    Raises: Invalid; Conflict when it was deleted meanwhile.
    """
    fields = {"text": text, "title": title} | ({"bookmarked": True} if bookmarked else {})
    is_named = len(lyric_id) == LENGTH and set(lyric_id) <= set(ALPHABET)
    for _ in range(2 if is_named else 0):
        if noted := Lyric.objects.owned_by(user).filter(pk=lyric_id).first():
            return _keep_noted(noted, fields, seen=certificate.get("generated_text", ""))
        try:
            return save_lyric(user=user, lyric_id=lyric_id, **fields, **certificate)
        except IntegrityError:
            continue  # the history has it by now, or it is the id of another person's lyric
    return save_lyric(user=user, **fields, **certificate)


@transaction.atomic
def _keep_noted(noted: Lyric, fields: dict, *, seen: str) -> Lyric:
    """Keep a row of the history; of a text that was stopped, what its person had ``seen`` of it until then.

    The network is some words ahead of the eye, and what nobody saw was not taken out by hand.
    """
    was_stopped = noted.made_with.get("ending") == "stopped"
    if seen and was_stopped and _letters(noted.generated_text).startswith(_letters(seen)):
        noted.generated_text = storable_as_written(seen)
        noted.save(update_fields=["generated_text"])
    return update_lyric(lyric=noted, **fields)


def _letters(text: str) -> str:
    """A text without its blanks and line ends, which a page may lose at its edges."""
    return "".join(text.split())


def _unkept(generation: Generation, choice: Choice, **whose) -> Lyric:
    """A candidate as a lyric that nobody has kept yet: its text and everything that made it."""
    text = generation.text_of(choice).translate(UNSTORABLE)[:TEXT_LIMIT]
    recipe = generation.recipe.for_candidate(choice.index)
    return Lyric(
        **whose,
        kept_at=None,
        text=text.rstrip(),
        generated_text=text,
        prompt=generation.prompt,
        model_name=generation.model.name,
        model_sha256=generation.model.sha256,
        recipe=recipe.to_dict(),
        seed=recipe.seed,
        made_with=made_with(generation, choice),
    )


def forget_oldest(*, user) -> int:
    """Delete what the history of ``user`` holds beyond ``HISTORY_LIMIT``, and return how many that were."""
    written = Lyric.objects.owned_by(user).only_history()
    beyond = list(written.order_by("-created_at", "-id").values_list("pk", flat=True)[settings.HISTORY_LIMIT :])
    if not beyond:
        return 0
    with transaction.atomic():
        # Locked, so that one which somebody keeps at this moment is no longer among them, or can't be kept any more.
        surplus = list(written.filter(pk__in=beyond).select_for_update().values_list("pk", flat=True))
        Lyric.objects.filter(pk__in=surplus).delete()
    return len(surplus)
