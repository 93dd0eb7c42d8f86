"""The history: every text that a model wrote for a person is there at once, until newer ones push it out."""

from django.conf import settings
from django.db import transaction

from generator import search
from generator.models import Lyric
from generator.services.lyrics import TEXT_LIMIT, UNSTORABLE, made_with
from generator.services.writing import Choice, Generation
from training.models import Checkpoint


@transaction.atomic
def note(*, user, generation: Generation) -> list[Lyric]:
    """Put every candidate of a finished generation into the history of ``user``; the rows are in the candidates' order.

    Beyond ``HISTORY_LIMIT`` the oldest texts that nobody kept go.
    """
    model = Checkpoint.objects.filter(pk=generation.model.pk).first()  # it may have been deleted while it wrote
    noted = Lyric.objects.bulk_create(
        [_unkept(generation, choice, owner=user, model=model) for choice in generation.choices]
    )
    search.index(noted, are_new=True)
    forget_oldest(user=user)
    return noted


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
