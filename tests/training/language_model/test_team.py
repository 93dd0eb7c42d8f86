"""Several processes that share each batch learn what one would, and are never left behind."""

import os
import signal
from pathlib import Path

import pytest
import torch

from tests.processes import wait_until
from tests.training.language_model.songs import make_config, make_songs
from training.language_model import team
from training.language_model.checkpoint import weights_sha256
from training.language_model.config import TrainingConfig
from training.language_model.corpus import build_corpus
from training.language_model.errors import ConfigError, TrainingDiverged
from training.language_model.reports import Evaluated, Finished, Planned, Progress, Resumable
from training.language_model.trainer import train

CORPUS = build_corpus(make_songs(), make_config())
CONFIG = make_config(
    steps=14, evaluations=2, batch_size=7, num_layers=2, patience=9, precision="float32", threads=1, processes=2
)
A_PROCESS_WITH_TORCH = 100 * 1024**2  # bytes, at the least
WITHOUT_CHANCE = CONFIG.replace(dropout=0.0, input_dropout=0.0, loss="full")


def run(config, **kwargs):
    """(every report, the last judged network's weights by name)."""
    reports, weights = [], {}
    for report in train(CORPUS, config, device="cpu", **kwargs):
        reports.append(report)
        if isinstance(report, Evaluated):
            weights = {name: one.clone() for name, one in report.network.state_dict().items()}
    return reports, weights


def followers() -> list[int]:
    """The ids of this process's followers."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return [
        pid for pid in map(int, children) if b"language_model.follower" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def test_two_processes_learn_what_one_does_where_chance_has_no_part():
    """Seven places in the songs: four for one, three for the other, each counting by what it has to predict."""
    reports, weights = run(WITHOUT_CHANCE)
    alone_reports, alone = run(WITHOUT_CHANCE.replace(processes=1))
    for name, one in alone.items():
        torch.testing.assert_close(weights[name], one, rtol=1e-3, atol=1e-5)
    norms, alone_norms = (
        [one.gradient_norm for one in some if isinstance(one, Evaluated)] for some in (reports, alone_reports)
    )
    assert norms == pytest.approx(alone_norms, rel=1e-3)
    assert reports[-1].tokens == alone_reports[-1].tokens


def test_a_shared_training_that_was_interrupted_goes_on_bit_by_bit():
    """With dropout: each process has a chance and a memory of its own, which the resume file holds."""
    snapshot, whole = None, None
    for report in train(CORPUS, CONFIG, device="cpu", resume_seconds=0.0):
        if isinstance(report, Resumable) and report.step == 6:
            taken = report.take()
            snapshot = type(taken)(tensors={n: t.clone() for n, t in taken.tensors.items()}, about=taken.about)
        if isinstance(report, Evaluated):
            whole = weights_sha256(report.network)
    assert any(name.startswith("follower.1.state") for name in snapshot.tensors)
    for report in train(CORPUS, CONFIG, device="cpu", resume_from=snapshot):
        if isinstance(report, Evaluated):
            resumed = weights_sha256(report.network)
    assert resumed == whole


def test_the_plan_is_made_with_the_team_and_its_memory_counts_every_process():
    planned, of_followers = None, []
    for report in train(
        CORPUS, CONFIG.replace(steps=None, budget_seconds=4.0, evaluations=1, sample_tokens=0), device="cpu"
    ):
        if isinstance(report, Planned):
            planned = report
        if isinstance(report, Progress) and report.memory_bytes:
            of_followers.append(report.memory_bytes - own_memory())
    assert planned.config.processes == 2
    assert isinstance(report, Finished)
    assert max(of_followers) > A_PROCESS_WITH_TORCH


def own_memory() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_followers_end_with_the_training():
    run(CONFIG)
    assert followers() == []


def test_followers_end_with_a_training_that_is_given_up():
    reports = train(CORPUS, CONFIG, device="cpu")
    next(one for one in reports if isinstance(one, Planned))
    assert len(followers()) == 1
    reports.close()
    assert followers() == []


def test_a_follower_that_was_killed_breaks_the_team_instead_of_hanging_it():
    reports = train(CORPUS, CONFIG.replace(steps=2000), device="cpu")
    next(one for one in reports if isinstance(one, Planned))
    os.kill(followers()[0], signal.SIGKILL)
    with pytest.raises(team.TeamBroken, match="is gone"):
        list(reports)
    assert not torch.distributed.is_initialized()


def test_all_of_a_team_diverge_together():
    with pytest.raises(TrainingDiverged):
        run(CONFIG.replace(learning_rate=1.0, gradient_clip=100.0, steps=400, architecture="rnn", nonlinearity="relu"))
    wait_until(lambda: not followers(), what="the followers' end")


def test_a_small_batch_is_shared_among_as_few_as_it_has_places():
    with pytest.raises(ConfigError, match="can't be shared among 4"):
        TrainingConfig.from_dict({"batch_size": 3, "processes": 4})
