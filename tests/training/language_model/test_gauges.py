"""The gauges of a training: they measure, and decide nothing."""

import pytest
import torch

from tests.training.language_model.songs import make_config, make_songs
from training.language_model.corpus import build_corpus
from training.language_model.gauges import gemm_peak, memory_in_use, utilisation
from training.language_model.reports import Planned, Progress
from training.language_model.trainer import train

CPU = torch.device("cpu")


def test_products_of_matrices_have_a_best_speed_that_is_measured_once():
    peak = gemm_peak(CPU, "float32", 1)
    assert peak > 1e9
    assert gemm_peak(CPU, "float32", 1) == peak


def test_the_memory_of_a_process_grows_with_what_it_holds():
    before = memory_in_use(CPU)
    held = torch.ones(30_000_000)
    assert memory_in_use(CPU) - before > 0.8 * held.numel() * 4


def test_the_share_of_the_best_is_what_the_model_does_over_it():
    config = make_config()
    whole = utilisation(config, 100, 1000.0, peak=1e9)
    assert utilisation(config, 100, 2000.0, peak=1e9) == pytest.approx(2 * whole)
    assert utilisation(config, 100, 1000.0, peak=0) is None


def test_a_training_tells_its_gauges_with_every_sign_of_life():
    config = make_config(epochs=2)
    reports = list(train(build_corpus(make_songs(), config), config))
    planned = next(report for report in reports if isinstance(report, Planned))
    told = [report for report in reports if isinstance(report, Progress) and report.steps]
    assert planned.peak_flops > 1e9
    assert told
    assert all(report.memory_bytes > 50_000_000 for report in told)
    assert all(0 < report.utilisation < 1 for report in told)
