"""What people do with training runs."""

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from training import lifecycle, tasks
from training.errors import Conflict, Invalid, LimitReached
from training.language_model.config import FIELDS, TrainingConfig, describe_options
from training.language_model.presets import DEFAULT_PRESET, cell_name
from training.models import Checkpoint, Dataset, RunEvent, TrainingRun, Visibility
from training.services import quota
from training.services.estimates import config_for, estimate_of, refuse_too_few_songs

NAME_LENGTH = 120


def run_options() -> dict:
    """Everything a run can be told: architectures, tokenizers, presets and each field with its bounds and help."""
    return describe_options()


def start_run(
    *,
    owner,
    dataset: Dataset,
    architecture: str = "",
    preset: str | None = None,
    name: str = "",
    overrides: dict | None = None,
    starts_from: Checkpoint | None = None,
    idempotency_key: str | None = None,
) -> TrainingRun:
    """Put a new run into the line, its configuration frozen, and ring for a worker.

    The same ``idempotency_key`` of one owner gives the run that it made the first time. With ``starts_from`` it is a
    fine-tuning: network and vocabulary are that model's, whose ``architecture`` need not be repeated.

    Raises: Invalid for a value that breaks a rule (all of them at once) or songs too few to train on, Conflict when
        the dataset is not ready, LimitReached when the owner has as many waiting runs as allowed, or no room.
    """
    preset = preset or DEFAULT_PRESET
    if starts_from is not None and not models_to_start_from(owner).filter(pk=starts_from.pk).exists():
        raise Invalid({"starts_from": ["There is no such model."]})
    config = config_for(
        dataset=dataset, architecture=architecture, preset=preset, overrides=overrides, starts_from=starts_from
    )
    name = checked_name(name)
    with transaction.atomic():
        # One owner's requests take turns here: by this row's lock on PostgreSQL, by the write lock of the IMMEDIATE
        # transaction on SQLite. So neither the quota nor the key is passed by two requests at once.
        get_user_model().objects.select_for_update(no_key=True).get(pk=owner.pk)
        if earlier := _made_with(owner, idempotency_key):
            return earlier
        dataset = ready_dataset(dataset, owner)
        refuse_too_few_songs(dataset, config)
        check_quota(owner)
        run = put_into_line(
            owner=owner,
            dataset=dataset,
            config=config,
            preset=preset,
            name=name or _default_name(dataset, config, preset, starts_from),
            starts_from=starts_from,
            starts_from_name=starts_from.name if starts_from else "",
            idempotency_key=idempotency_key or None,
        )
        tasks.ring_for_training()
    run.refresh_from_db()
    return run


def put_into_line(*, owner, dataset: Dataset, config: TrainingConfig, **fields) -> TrainingRun:
    """A new row at the end of the line, with its configuration frozen; ``fields`` are its other columns.

    Whoever calls it holds the transaction in which owner, dataset and quota were checked, and rings for a worker.
    Raises: LimitReached when there is no room for its checkpoints and its model.
    """
    values = config.to_dict()
    estimate = estimate_of(config, dataset=dataset, starts_from=fields.get("starts_from"))
    model_bytes = quota.model_bytes(estimate.parameters)
    quota.check_room(owner, model_bytes + quota.training_bytes(estimate.parameters))
    run = TrainingRun.objects.create(
        owner=owner,
        dataset=dataset,
        dataset_version=dataset.version,
        dataset_hash=dataset.content_hash,
        architecture=config.architecture,
        config=values,
        config_hash=lifecycle.config_hash(values),
        seed=config.seed,
        queued_at=timezone.now(),
        rung_at=Now(),
        steps=config.steps or 0,
        expected_seconds=estimate.seconds,
        expected_model_bytes=model_bytes,
        sequence=1,
        **fields,
    )
    RunEvent.objects.create(
        run=run,
        sequence=1,
        kind=RunEvent.Kind.STATE,
        state=run.state,
        actor=str(owner),
        message="Put into the line.",
    )
    return run


def train_again(*, run: TrainingRun, by, changes: dict | None = None) -> TrainingRun:
    """Put a run with the settings of another one into the line, some of them changed, on the newest songs.

    Raises: as `start_run`; Invalid too when the other is a fine-tuning of a model that is gone.
    """
    if run.is_fine_tuning and run.starts_from is None:
        raise Invalid({"starts_from": [f"The model “{run.starts_from_name}”, from which it started, is gone."]})
    overrides = settings_to_repeat(run.config) | (changes or {})
    architecture = overrides.pop("architecture", run.architecture)
    return start_run(
        owner=by,
        dataset=run.dataset,
        architecture=architecture,
        preset=run.preset or None,
        overrides=overrides,
        starts_from=run.starts_from,
    )


def settings_to_repeat(config: dict) -> dict:
    """The settings of a run as a new one takes them over."""
    values = {name: value for name, value in config.items() if name in FIELDS}
    # A budget of seconds is what a person chose; the steps that were made of it belong to that machine and moment.
    if values.get("budget_seconds") is not None:
        values.pop("steps", None)
    return values


def models_to_start_from(user):
    """The models that ``user`` may train further, newest first."""
    return Checkpoint.objects.visible_to(user).published().order_by("-created_at", "-pk")


def cancel_run(*, run: TrainingRun, by) -> TrainingRun:
    """Cancel a waiting run at once, or have its worker stop it within seconds; returns the run as it is now.

    Raises: Conflict when the run has already ended.
    """
    answer = lifecycle.request_cancel(run, by)
    run.refresh_from_db()
    if answer == lifecycle.CancelAnswer.TOO_LATE:
        raise Conflict(f"This run has already ended: {run.get_state_display().lower()}.", state=run.state)
    return run


def pause_run(*, run: TrainingRun, by) -> TrainingRun:
    """Pause a waiting run at once, or have its worker put it aside within seconds; returns the run as it is now.

    Raises: Conflict when it has ended, is being cancelled, or is paused.
    """
    answer = lifecycle.request_pause(run, by)
    run.refresh_from_db()
    if answer == lifecycle.PauseAnswer.TOO_LATE:
        is_cancelled_soon = run.state == TrainingRun.State.RUNNING
        why = "is being cancelled" if is_cancelled_soon else f"is {run.get_state_display().lower()}"
        raise Conflict(f"This run {why}, so it can't be paused.", state=run.state)
    return run


def resume_run(*, run: TrainingRun, by) -> TrainingRun:
    """Put a paused run back into the line, first among its owner's runs, and ring for a worker.

    Raises: Conflict when it is not paused, LimitReached when the owner has as many waiting runs as allowed.
    """
    with transaction.atomic():
        _check_turn(run, states=[TrainingRun.State.PAUSED], verb="resumed")
        if not lifecycle.resume(run, by):
            raise _not_now(run, "resumed")
        tasks.ring_for_training()
    run.refresh_from_db()
    return run


def retry_run(*, run: TrainingRun, by, restart: bool = False) -> TrainingRun:
    """Put a failed or cancelled run back at the end of the line, with all its chances, and ring for a worker.

    It goes on from where it stood; with ``restart`` it begins anew, and what was measured is forgotten.
    Raises: Conflict when it has not failed or been cancelled, or when nothing is left to go on from and ``restart``
        was not asked for; LimitReached when the owner has as many waiting runs as allowed, or no room for its model.
    """
    with transaction.atomic():
        _check_turn(run, states=[TrainingRun.State.FAILED, TrainingRun.State.CANCELLED], verb="tried again")
        quota.check_room(run.owner, run.expected_model_bytes or 0)
        if not restart and not lifecycle.can_go_on(run):
            nothing = "Nothing of what it had learnt is kept here, so it can only be tried again from the beginning."
            raise Conflict(nothing, state=run.state, code="nothing_kept")
        if not lifecycle.retry(run, by, restart=restart):
            raise _not_now(run, "tried again")
        tasks.ring_for_training()
    run.refresh_from_db()
    return run


def move_run(*, run: TrainingRun, position: int, by) -> TrainingRun:
    """Put a waiting run at ``position`` (from 1) among its owner's waiting runs; one behind the last is the last.

    Raises: Conflict when it does not wait.
    """
    if not lifecycle.move(run, position, by):
        raise _not_now(run, "moved")
    run.refresh_from_db()
    return run


def prioritise_run(*, run: TrainingRun, priority: int, by) -> TrainingRun:
    """Have a waiting run taken before all of a lower priority, whoever owns them: for staff.

    Raises: Conflict when it does not wait.
    """
    if not lifecycle.prioritise(run, priority, by):
        raise _not_now(run, "given a priority")
    run.refresh_from_db()
    return run


def _check_turn(run: TrainingRun, *, states: list[str], verb: str) -> None:
    """Refuse what the run's state or its owner's quota does not allow, with the owner's other requests kept waiting."""
    get_user_model().objects.select_for_update(no_key=True).get(pk=run.owner_id)
    run.refresh_from_db(fields=["state", "step"])
    if run.state not in states:
        raise _not_now(run, verb)
    check_quota(run.owner)


def _not_now(run: TrainingRun, verb: str) -> Conflict:
    run.refresh_from_db(fields=["state"])
    return Conflict(f"This run is {run.get_state_display().lower()}, so it can't be {verb}.", state=run.state)


def checked_name(name: str) -> str:
    name = name.strip()
    if len(name) > NAME_LENGTH:
        raise Invalid({"name": [f"Use at most {NAME_LENGTH} characters."]})
    if not name.isprintable():
        raise Invalid({"name": ["A name is one line of printable characters."]})
    return name


def _made_with(owner, idempotency_key: str | None) -> TrainingRun | None:
    if not idempotency_key:
        return None
    return TrainingRun.objects.owned_by(owner).filter(idempotency_key=idempotency_key).first()


def ready_dataset(dataset: Dataset, owner) -> Dataset:
    """The dataset as it stands now, held so that nobody deletes it before the run names it."""
    current = Dataset.objects.select_for_update(no_key=True).filter(pk=dataset.pk).first()
    if current is None or (current.owner_id != owner.pk and current.visibility != Visibility.SHARED):
        raise Invalid({"dataset": ["There is no such dataset."]})
    if current.state != Dataset.State.READY:
        raise Conflict("This dataset is not ready yet: its songs have to be imported first.", state=current.state)
    return current


def check_quota(owner) -> None:
    """A race counts as one, however many of its runs wait. Raises: LimitReached."""
    queued = TrainingRun.objects.owned_by(owner).queued()
    waiting = queued.filter(race=None).count() + queued.exclude(race=None).values("race").distinct().count()
    limit = settings.STAFF_QUEUED_RUNS if owner.is_staff else settings.QUEUED_RUNS_PER_USER
    if waiting >= limit:
        raise LimitReached(f"You have {waiting} runs waiting, which is the limit. Cancel one or wait.")


def _default_name(dataset: Dataset, config: TrainingConfig, preset: str, starts_from: Checkpoint | None) -> str:
    """Such as "LSTM on Starter songbook, tiny" or "Fine-tuning of My LSTM", shortened where a long name stands."""
    if starts_from is not None:
        return _filled("Fine-tuning of ", starts_from.name, "")
    return _filled(f"{cell_name(config.architecture)} on ", dataset.name, f", {preset}")


def _filled(before: str, title: str, after: str) -> str:
    room = NAME_LENGTH - len(before) - len(after)
    return f"{before}{title if len(title) <= room else title[: room - 1] + '…'}{after}"
