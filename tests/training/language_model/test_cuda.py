"""On a graphics processor a training learns what it learns on the processor, and resumes as exactly."""

import copy

import pytest
import torch
from torch import distributed
from torch.nn import functional

from tests.training.language_model.songs import make_config, make_songs
from training.language_model import losses, machine, team
from training.language_model.checkpoint import load_model, save_model, weights_sha256
from training.language_model.corpus import build_corpus
from training.language_model.errors import TooFewDevices
from training.language_model.evaluation import evaluate, finish
from training.language_model.gauges import gemm_peak
from training.language_model.learner import Learner
from training.language_model.reports import Evaluated, Planned, Resumable, Sampled
from training.language_model.resume import read_resume, take_snapshot, write_resume
from training.language_model.shapes import CELL_KINDS
from training.language_model.trainer import train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA")

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
CONFIG = make_config(steps=20, evaluations=2, batch_size=8, num_layers=2, precision="float32", device="cuda")
CORPUS = build_corpus(make_songs(), CONFIG)
EVERY_CELL = pytest.mark.parametrize("architecture", CELL_KINDS)


def losses_of(config, device, *, precision="float32", **team_of):
    learner = Learner(CORPUS, config, device, **team_of)
    with machine.settings(threads=1, precision=precision):
        return [learner.learn(learning_rate=0.01, precision=precision)[0] for _ in range(20)]


def judged(config, **kwargs):
    """(the weights' hash, the loss) of each judgement, and what was written."""
    told = []
    for report in train(CORPUS, config, **kwargs):
        if isinstance(report, Evaluated):
            told.append((weights_sha256(report.network), report.valid_loss))
        if isinstance(report, Sampled):
            told.append(report.text)
    return told


def stopped_at(step, config, folder):
    """The snapshot of a training that was interrupted, as its file holds it."""
    best = None
    for report in train(CORPUS, config, resume_seconds=0.0):
        if isinstance(report, Planned):
            config = report.config
        if isinstance(report, Evaluated) and report.is_best:
            best = copy.deepcopy(report.network).to("cpu")
        if isinstance(report, Resumable) and report.step == step:
            write_resume(folder, report.take(), best)
            break
    return read_resume(folder, config=config, corpus=CORPUS).snapshot


@EVERY_CELL
@pytest.mark.parametrize("loss", ["full", "sampled"])
def test_losses_are_those_of_the_processor(architecture, loss):
    # So many words are drawn that chance, which is another one there, has little to say.
    config = CONFIG.replace(architecture=architecture, dropout=0.0, loss=loss, sampled_negatives=16)
    told = losses_of(config, CUDA)
    assert told == pytest.approx(losses_of(config, CPU), rel=0.2 if loss == "sampled" else 1e-3)
    assert told[-1] < 0.95 * told[0]


@EVERY_CELL
def test_bfloat16_learns_nearly_the_same(architecture):
    config = CONFIG.replace(architecture=architecture, dropout=0.0)
    assert losses_of(config, CUDA, precision="bfloat16") == pytest.approx(losses_of(config, CUDA), rel=0.05)


@EVERY_CELL
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_recorded_step_is_what_its_kernels_are_one_by_one(architecture, precision, monkeypatch):
    """With dropout: a recording draws as much from its chance as the kernels would."""
    config = CONFIG.replace(architecture=architecture, embedding_dropout=0.1, batch_size=7)
    recorded = losses_of(config, CUDA, precision=precision)
    monkeypatch.setattr(Learner, "_recording", lambda self, precision, shape: None)
    assert losses_of(config, CUDA, precision=precision) == pytest.approx(
        recorded, rel=1e-3 if precision == "float32" else 0.02
    )


def test_whole_windows_are_recorded_and_the_last_of_an_epoch_is_not():
    learner = Learner(CORPUS, CONFIG, CUDA)
    last = CORPUS.steps_per_epoch(batch_size=8, sequence_length=12)
    recorded = [learner._recording("float32", torch.Size(shape)) for shape in ((12, 8), (3, 8), (12, 8))]
    assert recorded[0] is recorded[2]
    assert recorded[1] is None
    for _ in range(last + 1):
        learner.learn(learning_rate=0.01, precision="float32")
    assert learner.epoch == 2


@pytest.mark.parametrize("place", ["at the end of an epoch", "in the second epoch"])
def test_a_training_goes_on_bit_by_bit_wherever_it_was_interrupted(place, tmp_path):
    epoch = CORPUS.steps_per_epoch(batch_size=8, sequence_length=12)
    config = CONFIG.replace(steps=2 * epoch)
    step = epoch if place == "at the end of an epoch" else epoch + 1
    assert judged(config, resume_from=stopped_at(step, config, tmp_path))[-2:] == judged(config)[-2:]


def test_what_can_not_be_recorded_is_computed_one_by_one(monkeypatch):
    wanted = losses_of(CONFIG, CUDA)
    there_and_back = Learner._there_and_back

    def waits(self, *args, **kwargs):
        passed = there_and_back(self, *args, **kwargs)
        passed.loss.item()
        return passed

    monkeypatch.setattr(Learner, "_there_and_back", waits)
    assert losses_of(CONFIG, CUDA) == pytest.approx(wanted, rel=1e-3)


def test_no_words_are_drawn_where_that_would_be_slower():
    corpus_config = CONFIG.replace(steps=None, loss="auto", budget_seconds=3.0, evaluations=1)
    planned = next(one for one in train(CORPUS, corpus_config) if isinstance(one, Planned))
    assert planned.config.loss == "full"


@EVERY_CELL
def test_no_gradient_is_too_small_for_bfloat16(architecture):
    """In float16, which torch's autocast takes for cuDNN's cells, they would be 0."""
    config = CONFIG.replace(architecture=architecture, dropout=0.0)
    gradients = []
    for precision in ("float32", "bfloat16"):
        network = Learner(CORPUS, config, CUDA).network.train()
        with machine.autocast(CUDA, precision):
            features, _ = network.remember(torch.arange(60, device=CUDA).view(12, 5) % 40)
        (features.float().mean() * 1e-9).backward()
        gradients.append([one.grad for one in network.recurrent.parameters()])
    for wanted, found in zip(*gradients, strict=True):
        assert float((found - wanted).norm() / wanted.norm()) < 0.05


@EVERY_CELL
@pytest.mark.parametrize(("precision", "most"), [("float32", 1e-5), ("medium", 5e-3)])
def test_only_who_asks_for_rounded_products_gets_them(architecture, precision, most):
    config = CONFIG.replace(architecture=architecture, hidden_size=64, embedding_size=64)
    network = Learner(CORPUS, config, CUDA).network.eval()
    tokens = torch.arange(60, device=CUDA).view(12, 5) % CORPUS.tokenizer.vocabulary_size
    with machine.settings(threads=1, precision=precision), torch.no_grad():
        wanted, _ = copy.deepcopy(network).double()(tokens)
        found, _ = network(tokens)
    assert float((found - wanted).norm() / wanted.norm()) < most


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_loss_and_its_gradients_are_those_of_the_definition(precision):
    generator = torch.Generator(CUDA).manual_seed(1)
    features, table, bias = (
        torch.randn(size, generator=generator, device=CUDA).requires_grad_() for size in ((70, 24), (501, 24), (501,))
    )
    targets = torch.randint(501, (70,), generator=generator, device=CUDA)
    found = losses.cross_entropy(features, table, bias, targets, precision=precision)
    wanted = functional.cross_entropy(functional.linear(features, table, bias), targets)
    for own, its in zip(
        (found.detach(), *torch.autograd.grad(found, (features, table, bias))),
        (wanted.detach(), *torch.autograd.grad(wanted, (features, table, bias))),
        strict=True,
    ):
        assert float((own - its).norm() / its.norm()) < (0.01 if precision == "bfloat16" else 1e-5)


@EVERY_CELL
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_training_that_was_interrupted_goes_on_bit_by_bit(architecture, precision, tmp_path):
    config = CONFIG.replace(architecture=architecture, precision=precision, embedding_dropout=0.1, hidden_size=48)
    whole = judged(config)
    assert judged(config, resume_from=stopped_at(7, config, tmp_path)) == whole


def test_what_was_drawn_goes_on_bit_by_bit_too(tmp_path):
    config = CONFIG.replace(loss="sampled", sampled_negatives=16)
    assert judged(config, resume_from=stopped_at(7, config, tmp_path)) == judged(config)


def test_the_processor_goes_on_and_says_that_it_rounds_differently(tmp_path):
    snapshot = stopped_at(7, CONFIG, tmp_path)
    reports = list(train(CORPUS, CONFIG, device="cpu", resume_from=snapshot))
    planned = next(one for one in reports if isinstance(one, Planned))
    assert planned.device == "cpu"
    assert "device cuda before, cpu now" in planned.departures[0]
    assert reports[-1].step == 20


def test_a_model_that_learnt_there_is_written_and_read_here(tmp_path):
    learner = Learner(CORPUS, CONFIG, CUDA)
    learner.learn(learning_rate=0.01, precision="float32")
    saved = save_model(
        tmp_path / "a.safetensors",
        learner.network,
        config=CONFIG,
        tokenizer=CORPUS.tokenizer,
        data={"content_hash": "", "version": 1, "name": "", "songs": 1},
        metrics={},
    )
    network = load_model(saved.path).network
    assert weights_sha256(network) == weights_sha256(learner.network)
    there, here = (finish(evaluate(one, CORPUS.validation)).nats for one in (learner.network, network))
    assert there == pytest.approx(here, rel=1e-3)


def test_a_plan_knows_the_device_and_its_best_speed():
    config = CONFIG.replace(steps=None, budget_seconds=4.0, precision="auto", device="auto", evaluations=1)
    planned = next(one for one in train(CORPUS, config) if isinstance(one, Planned))
    assert planned.device == "cuda"
    assert planned.config.precision in ("float32", "bfloat16", "medium")
    assert planned.peak_flops == gemm_peak(CUDA, planned.config.precision, planned.config.threads)


def test_a_team_larger_than_the_machine_is_refused():
    with pytest.raises(TooFewDevices, match="graphics processors, and this machine has"):
        list(train(CORPUS, CONFIG.replace(processes=torch.cuda.device_count() + 1)))


def test_a_team_sums_up_by_nccl_and_is_told_of_by_gloo():
    config = CONFIG.replace(dropout=0.0)
    alone = losses_of(config, CUDA)
    meeting = distributed.TCPStore(team.HOST, 0, 1, is_master=True, wait_for_workers=False)
    team.join(meeting, rank=0, size=1, device=CUDA)
    try:
        assert losses_of(config, CUDA, team=team.Leader(1, ())) == pytest.approx(alone, rel=1e-4)
        learner = Learner(CORPUS, config, CUDA, team=team.Leader(1, ()))
        assert "network.decoder_bias" in take_snapshot(learner, course={}).tensors
    finally:
        distributed.destroy_process_group()
