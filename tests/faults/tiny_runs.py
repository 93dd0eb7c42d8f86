"""Runs of a network so small that it learns in moments, or of one that never ends; and waiting for them."""

from tests.processes import wait_until
from tests.training.runs import SMALL, make_run
from training.language_model.config import resolve_config
from training.models import TrainingRun

BRIEF = SMALL | {"steps": 12}
ENDLESS = SMALL | {"steps": 1_000_000, "epochs": 1000, "patience": 0, "evaluations": 1, "sample_tokens": 0}


def queue_run(dataset, overrides: dict | None = None, *, architecture: str = "gru", **fields) -> TrainingRun:
    """A waiting run of a tiny network: `BRIEF` by default, or any of its settings changed."""
    config = resolve_config(architecture=architecture, overrides=BRIEF | (overrides or {})).to_dict()
    return make_run(dataset, config=config, architecture=architecture, seed=config["seed"], **fields)


def fresh(run: TrainingRun) -> TrainingRun:
    run.refresh_from_db()
    return run


def wait_for_state(run: TrainingRun, *states: str, seconds: float = 120) -> TrainingRun:
    """The run, once it is in one of ``states``."""
    wait_until(lambda: fresh(run).state in states, seconds=seconds, what=f"{run.pk} to be {' or '.join(states)}")
    return run


def wait_for_learning(run: TrainingRun, *, attempt: int | None = None, seconds: float = 120) -> TrainingRun:
    """The run, once an attempt (``attempt``: this one) has made a step."""

    def learns() -> bool:
        fresh(run)
        return run.phase == "Learning" and run.step > 0 and attempt in (None, run.attempts)

    wait_until(learns, seconds=seconds, what=f"{run.pk} to learn")
    return run
