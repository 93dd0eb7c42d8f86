"""What people do with races: start one, cancel what is left of it, share it, take it away."""

from collections.abc import Sequence

from django.contrib.auth import get_user_model
from django.db import transaction

from training import lifecycle, tasks
from training.comparison import CELLS
from training.errors import Conflict, Invalid
from training.language_model.config import FIELDS, MOST_STEPS, TrainingConfig, checked
from training.language_model.errors import ConfigError
from training.language_model.matching import REFERENCE, Unmatchable, match_hidden_sizes
from training.language_model.presets import DEFAULT_PRESET
from training.models import Dataset, Race, Visibility
from training.services.estimates import config_for, refuse_too_few_songs
from training.services.runs import NAME_LENGTH, check_quota, checked_name, put_into_line, ready_dataset

FEWEST_CELLS, MOST_CELLS = 2, 6
MOST_SEEDS = 5
MOST_RUNS = 20
OWN_TO_A_RUN = ("architecture", "seed")
BUDGETS = ("tokens", "seconds")
MOST_TOKENS = 100_000_000_000
MOST_EPOCHS = FIELDS["epochs"].metadata["maximum"]
# Of the words in a dataset about half are seen once and unknown to a network, and a sixth of the songs is kept aside.
# Taking too few is the safe side: what agrees for a small vocabulary agrees for any larger one.
SHARE_OF_WORDS_KNOWN = 0.25
FEWEST_TOKENS_KNOWN = 12


def start_race(
    *,
    owner,
    dataset: Dataset,
    architectures: Sequence[str],
    seeds: Sequence[int],
    budget: dict,
    preset: str | None = None,
    name: str = "",
    overrides: dict | None = None,
) -> Race:
    """Put one run for each cell and seed into the line: equally heavy networks, the same budget, all else the same.

    A budget of ``{"tokens": n}`` becomes the same number of steps for all, so that they read the same batches in the
    same order; ``{"seconds": s}`` gives each run its time, and a quick cell more batches than a slow one.

    Raises: Invalid for values that break a rule (all of them at once), Conflict when the dataset is not ready,
        LimitReached when the owner has as many waiting runs as allowed, or no room for what they leave.
    """
    preset = preset or DEFAULT_PRESET
    name, base = _checked(dataset, architectures, seeds, budget, preset, name, overrides or {})
    architectures = [name for name in CELLS if name in architectures]
    configs = _matched(base, architectures, dataset)
    with transaction.atomic():
        # As in `start_run`: one owner's requests take turns here.
        get_user_model().objects.select_for_update(no_key=True).get(pk=owner.pk)
        dataset = ready_dataset(dataset, owner)
        refuse_too_few_songs(dataset, base)
        check_quota(owner)
        race = Race.objects.create(
            owner=owner,
            name=name or _default_name(dataset, architectures),
            dataset=dataset,
            dataset_version=dataset.version,
            dataset_hash=dataset.content_hash,
            architectures=architectures,
            seeds=list(seeds),
            budget_tokens=budget.get("tokens"),
            budget_seconds=budget.get("seconds"),
            preset=preset,
            config={name: value for name, value in base.to_dict().items() if name not in OWN_TO_A_RUN},
        )
        _put_runs_into_line(race, configs)
        tasks.ring_for_training()
    return race


def _put_runs_into_line(race: Race, configs: list[TrainingConfig]) -> None:
    """All cells with one seed first: a race that is cancelled halfway can still be read."""
    for seed in race.seeds:
        for config in configs:
            put_into_line(
                owner=race.owner,
                dataset=race.dataset,
                config=config.replace(seed=seed),
                preset=race.preset,
                name=_run_name(race, config.architecture, seed),
                race=race,
            )


def cancel_race(*, race: Race, by) -> Race:
    """Cancel the runs that wait, and have those that run stopped within seconds.

    Raises: Conflict when all of them have ended.
    """
    unfinished = list(race.runs.unfinished())
    if not unfinished:
        raise Conflict("All runs of this race have already ended.", state="finished")
    for run in unfinished:
        lifecycle.request_cancel(run, by)  # one that has ended meanwhile stays as it is
    return race


def update_race(*, race: Race, name: str | None = None, visibility: str | None = None) -> Race:
    """Rename a race or change who may see it; what is None stays. Raises: Invalid, both problems at once.

    Its runs are shared and taken back with it: without them there is nothing to see. Their models are not.
    """
    changes, errors = {}, {}
    if name is not None:
        changes["name"] = name.strip()
        if not 0 < len(changes["name"]) <= NAME_LENGTH or not changes["name"].isprintable():
            errors["name"] = [f"A name is one line of 1 to {NAME_LENGTH} characters."]
    if visibility is not None:
        changes["visibility"] = visibility
        if visibility not in Visibility.values:
            errors["visibility"] = [f"Choose one of: {', '.join(Visibility.values)}."]
    if errors:
        raise Invalid(errors)
    for column, value in changes.items():
        setattr(race, column, value)
    with transaction.atomic():
        race.save(update_fields=list(changes))
        if visibility is not None:
            race.runs.update(visibility=visibility)
    return race


def delete_race(*, race: Race) -> None:
    """Take a race away. Its runs stay as they are, and those that wait or learn go on."""
    race.delete()


def _checked(
    dataset: Dataset,
    architectures: Sequence[str],
    seeds: Sequence[int],
    budget: dict,
    preset: str,
    name: str,
    overrides: dict,
) -> tuple[str, TrainingConfig]:
    """(name, what all runs share) of a race that may be. Raises: Invalid with all that is wrong with it at once."""
    errors = _errors(architectures, seeds, budget)
    try:
        name = checked_name(name)
    except Invalid as refusal:
        errors |= refusal.errors
    order_seed = None if "seeds" in errors else seeds[0]
    try:
        base = _base_config(dataset, preset, overrides, order_seed, {} if "budget" in errors else budget)
    except Invalid as refusal:
        raise Invalid(errors | refusal.errors) from refusal
    if errors:
        raise Invalid(errors)
    return name, base


def _errors(architectures: Sequence[str], seeds: Sequence[int], budget: dict) -> dict[str, list[str]]:
    """Every rule that cells, seeds or budget break, by field."""
    errors = {
        "architectures": _problem_of_cells(architectures),
        "seeds": _problem_of_seeds(seeds),
        "budget": _problem_of_budget(budget),
    }
    runs = len(architectures) * len(seeds)
    if not errors["architectures"] and not errors["seeds"] and runs > MOST_RUNS:
        errors["seeds"] = f"{runs} runs are too many for one race: at most {MOST_RUNS}. Take fewer cells or seeds."
    return {name: [problem] for name, problem in errors.items() if problem}


def _problem_of_cells(architectures: Sequence[str]) -> str:
    known = [*CELLS]
    if not all(name in known for name in architectures):
        return f"Each must be one of {', '.join(known)}."
    if len(set(architectures)) < len(architectures):
        return "Name each cell once."
    if not FEWEST_CELLS <= len(architectures) <= MOST_CELLS:
        return f"Choose {FEWEST_CELLS} to {MOST_CELLS} cells."
    return ""


def _problem_of_seeds(seeds: Sequence[int]) -> str:
    for seed in seeds:
        _, problem = checked(FIELDS["seed"], seed)
        if problem:
            return problem
    if len(set(seeds)) < len(seeds):
        return "Name each seed once."
    return "" if 1 <= len(seeds) <= MOST_SEEDS else f"Choose 1 to {MOST_SEEDS} seeds."


def _problem_of_budget(budget: dict) -> str:
    if len(budget) != 1 or next(iter(budget)) not in BUDGETS:
        return 'Give one of {"tokens": a whole number} and {"seconds": a number}.'
    if "seconds" in budget:
        value, problem = checked(FIELDS["budget_seconds"], budget["seconds"])
        return problem or ("This must be a number." if value is None else "")
    tokens = budget["tokens"]
    if type(tokens) is not int or not 1 <= tokens <= MOST_TOKENS:
        return f"The tokens must be a whole number from 1 to {MOST_TOKENS:,}."
    return ""


def _base_config(
    dataset: Dataset, preset: str, overrides: dict, order_seed: int | None, budget: dict
) -> TrainingConfig:
    """What all runs of a race share. Raises: Invalid."""
    decided = _decided(budget)
    refused = {*OWN_TO_A_RUN, *(name for name, value in decided.items() if overrides.get(name, value) != value)}
    errors = {name: ["A race decides this itself."] for name in overrides if name in refused}
    kept = {name: value for name, value in overrides.items() if name not in refused}
    values = {"order_seed": order_seed} | kept | decided
    try:
        config = config_for(dataset=dataset, architecture=REFERENCE, preset=preset, overrides=values)
    except Invalid as problem:
        raise Invalid(problem.errors | errors) from problem
    if not config.tie_embeddings:
        errors["tie_embeddings"] = [
            "In a race each network reads and writes with the same table: only so can the weights be matched before "
            "the vocabulary is known."
        ]
    if "tokens" in budget:
        steps = max(1, round(budget["tokens"] / (config.batch_size * config.sequence_length)))
        if steps > MOST_STEPS:
            errors["budget"] = [f"That is {steps:,} steps, and at most {MOST_STEPS:,} fit. Take fewer tokens."]
        elif not errors:
            config = config.replace(steps=steps)
    if errors:
        raise Invalid(errors)
    return config


def _decided(budget: dict) -> dict:
    """The settings that follow from the budget: whoever stopped early would not have spent the same."""
    return {
        "steps": None,
        "budget_seconds": budget.get("seconds"),
        "epochs": MOST_EPOCHS,
        "patience": 0,
    }


def _matched(base: TrainingConfig, architectures: Sequence[str], dataset: Dataset) -> list[TrainingConfig]:
    """A config for each cell, all of the same weight. Raises: Invalid."""
    try:
        sizes = match_hidden_sizes(base, architectures, vocabulary_size=_vocabulary_at_least(base, dataset))
        return [base.replace(architecture=cell, hidden_size=size) for cell, size in sizes.items()]
    except Unmatchable as problem:
        raise Invalid({"hidden_size": [str(problem)]}) from problem
    except ConfigError as problem:
        raise Invalid(problem.errors) from problem


def _vocabulary_at_least(config: TrainingConfig, dataset: Dataset) -> int:
    """Tokens that any network on these songs tells apart, whatever is kept aside."""
    if config.tokenizer != "word":
        return FEWEST_TOKENS_KNOWN
    words = int(SHARE_OF_WORDS_KNOWN * dataset.statistics.get("different_words", 0))
    return FEWEST_TOKENS_KNOWN + min(words, config.vocabulary_limit)


def _default_name(dataset: Dataset, architectures: Sequence[str]) -> str:
    """Such as "RNN, LSTM and GRU on Starter songbook", shortened at its end."""
    *first, last = [CELLS[name] for name in architectures]
    return _cut(f"{', '.join(first)} and {last} on {dataset.name}", NAME_LENGTH)


def _run_name(race: Race, architecture: str, seed: int) -> str:
    """Such as "GRU, seed 2: RNN, LSTM and GRU on Starter songbook"."""
    return _cut(f"{CELLS[architecture]}, seed {seed}: {race.name}", NAME_LENGTH)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
