"""A training that was interrupted and goes on is the one that never stopped, bit by bit."""

import dataclasses

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file

from tests.training.language_model.songs import make_config, make_songs
from training.language_model.checkpoint import weights_sha256
from training.language_model.corpus import build_corpus
from training.language_model.errors import TrainingDiverged
from training.language_model.networks import LyricNetwork, NetworkShape
from training.language_model.reports import Evaluated, Finished, Planned, Progress, Resumable, Sampled
from training.language_model.resume import (
    BEST_FILE,
    RESUME_FILE,
    ResumeRefused,
    Resumption,
    Snapshot,
    read_resume,
    sha256_of,
    write_resume,
)
from training.language_model.shapes import CELL_KINDS
from training.language_model.trainer import train

CORPUS = build_corpus(make_songs(), make_config())
STEPS_PER_EPOCH = CORPUS.steps_per_epoch(batch_size=8, sequence_length=12)
STEPS = 5 * STEPS_PER_EPOCH // 2
CONFIG = make_config(
    steps=STEPS, evaluations=4, batch_size=8, num_layers=2, learning_rate=0.02, patience=9, precision="float32"
)
JUDGED = [round(STEPS * nth / 4) for nth in range(1, 5)]
OLDER, NEWER = JUDGED[0] - 2, JUDGED[0] - 1  # before there is a best that a file would name
TIMES = ("seconds", "training_seconds")


def at_step(step):
    return lambda report: isinstance(report, Resumable) and report.step == step


def after(kind, nth):
    """The ``nth`` report of a kind."""
    seen = []

    def is_there(report):
        seen.extend([report] if isinstance(report, kind) else [])
        return len(seen) == nth

    return is_there


def before_judging(report):
    """The sign of life right before the second judgement: its step is made, its judgement is not."""
    return isinstance(report, Progress) and report.step == JUDGED[1]


MOMENTS = {
    "mid-epoch": lambda: [at_step(5)],
    "in a later epoch": lambda: [at_step(STEPS_PER_EPOCH + 5)],
    "epoch end": lambda: [at_step(STEPS_PER_EPOCH)],
    "before validation": lambda: [before_judging],
    "after validation": lambda: [after(Evaluated, 1)],
    "after its sample": lambda: [after(Sampled, 2)],
    "at its last step": lambda: [after(Sampled, 4)],
    "twice": lambda: [at_step(5), at_step(2 * STEPS_PER_EPOCH - 1)],
    "twice at one place": lambda: [at_step(STEPS_PER_EPOCH), after(Resumable, 1)],
}


class Course:
    """What came of a training, in what compares: no clock in it."""

    def __init__(self):
        self.told = []

    def hear(self, report) -> None:
        if isinstance(report, Resumable):
            self.take = report.take
        if isinstance(report, Evaluated):
            self.network = report.network
        if isinstance(report, Evaluated | Sampled | Finished):
            values = {one.name: getattr(report, one.name) for one in dataclasses.fields(report)}
            self.told.append({name: value for name, value in values.items() if name not in ("seconds", "network")})

    def ending(self):
        snapshot = self.take()
        course = {name: value for name, value in snapshot.course.items() if name not in TIMES}
        return (
            self.told,
            weights_sha256(self.network),
            sha256_of(snapshot.tensors, ""),
            course,
            snapshot.about["learner"],
        )


def follow(config, folder, *stops, corpus=CORPUS):
    """Train to the end, interrupted where each of ``stops`` says: what goes on comes from the file alone."""
    course, resume_from = Course(), None
    for stop in [*stops, lambda report: False]:
        reports = train(corpus, config, resume_from=resume_from, resume_seconds=0)
        for report in reports:
            course.hear(report)
            config = report.config if isinstance(report, Planned) else config
            if stop(report):
                folder.keep(course.take())
                reports.close()
                resumption = folder.read(folder.steps()[0], config=config, corpus=corpus, needs_best=False)
                resume_from = resumption.snapshot
                break
    return course.ending()


class Shelf:
    """Resume files of one training, each in the folder of its step. Who only wants to go on needs no best weights."""

    def __init__(self, path):
        self.path = path

    def steps(self) -> list[int]:
        return sorted((int(folder.name) for folder in self.path.iterdir()), reverse=True)

    def keep(self, snapshot: Snapshot, best: LyricNetwork | None = None) -> None:
        folder = self.path / str(snapshot.step)
        folder.mkdir(parents=True, exist_ok=True)
        write_resume(folder, snapshot, best)

    def read(self, step, *, config=CONFIG, corpus=CORPUS, needs_best=True) -> Resumption:
        if needs_best:
            return read_resume(self.path / str(step), config=config, corpus=corpus)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("training.language_model.resume.read_best", lambda *args, **options: None)
            return read_resume(self.path / str(step), config=config, corpus=corpus)


@pytest.fixture
def folder(tmp_path):
    return Shelf(tmp_path / "work")


@pytest.fixture(scope="module")
def uninterrupted():
    endings = {}

    def ending(architecture):
        if architecture not in endings:
            endings[architecture] = follow(CONFIG.replace(architecture=architecture), None)
        return endings[architecture]

    return ending


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("architecture", [*CELL_KINDS])
def test_an_interrupted_training_ends_as_if_it_had_never_stopped(architecture, moment, folder, uninterrupted):
    config = CONFIG.replace(architecture=architecture)
    assert follow(config, folder, *MOMENTS[moment]()) == uninterrupted(architecture)


@pytest.mark.parametrize(
    "values", [{"tie_embeddings": False}, {"dropout": 0}, {"precision": "medium"}, {"num_layers": 1}]
)
def test_it_does_so_with_other_settings_too(values, folder):
    config = CONFIG.replace(**values)
    assert follow(config, folder, at_step(5)) == follow(config, None)


def test_a_training_that_stops_early_does_so_at_the_same_step(folder):
    config = CONFIG.replace(steps=40, evaluations=20, patience=2, learning_rate=0.2, dropout=0, sample_tokens=0)
    whole = follow(config, None)
    stopped_at = whole[0][-1]["step"]
    assert whole[0][-1]["stopped_early"]
    assert follow(config, folder, at_step(stopped_at - 1)) == whole
    assert follow(config, Shelf(folder.path.with_name("other")), before_the_end(stopped_at)) == whole


def before_the_end(step):
    return lambda report: isinstance(report, Evaluated) and report.step == step


def test_the_clock_and_the_speed_go_on(folder):
    reports = list(train(CORPUS, CONFIG))
    snapshot = reports[-2].take()
    assert isinstance(reports[-1], Finished)
    earlier = dataclasses.replace(snapshot, about=snapshot.about | {"course": snapshot.course | {"seconds": 100.0}})
    finished = list(train(CORPUS, CONFIG, resume_from=earlier))[-1]
    assert 100 < finished.seconds < 110


def test_moments_to_resume_from_come_at_each_epochs_end_and_after_each_judgement():
    steps = [report.step for report in train(CORPUS, CONFIG) if isinstance(report, Resumable)]
    assert steps == sorted({0, STEPS_PER_EPOCH, 2 * STEPS_PER_EPOCH, *JUDGED})
    every_step = [report.step for report in train(CORPUS, CONFIG, resume_seconds=0) if isinstance(report, Resumable)]
    assert every_step == list(range(STEPS + 1))


def test_another_place_is_told_of_and_goes_on_all_the_same(folder, monkeypatch):
    snapshot = snapshot_at(5)
    place = snapshot.about["place"] | {"device": "cuda", "processor": "a graphics processor"}
    elsewhere = dataclasses.replace(snapshot, about=snapshot.about | {"place": place})
    reports = list(train(CORPUS, CONFIG, resume_from=elsewhere))
    departures = [report for report in reports if isinstance(report, Resumable)][-1].take().course["departures"]
    assert departures == [
        "From step 5 on the result is no longer bit-exact: device cuda before, cpu now; processor a graphics processor "
        f"before, {torch.backends.cpu.get_cpu_capability()} now."
    ]
    assert reports[-1].step == CONFIG.steps


# ── The files ────────────────────────────────────────────────────────────────────────────────────────────────────


def snapshot_at(step, config=CONFIG) -> Snapshot:
    reports = train(CORPUS, config, resume_seconds=0)
    snapshot = next(report for report in reports if at_step(step)(report)).take()
    reports.close()
    return snapshot


@pytest.fixture
def kept(tmp_path):
    """Two resume files."""
    folder = Shelf(tmp_path / "work")
    for step in (OLDER, NEWER):
        folder.keep(snapshot_at(step))
    return folder


def read(folder, step=NEWER, config=CONFIG, corpus=CORPUS):
    return folder.read(step, config=config, corpus=corpus)


def newest(folder):
    return folder.path / str(NEWER) / RESUME_FILE


def test_a_file_holds_every_tensor_as_it_was(kept):
    before, after = snapshot_at(NEWER), read(kept).snapshot
    assert set(after.tensors) == set(before.tensors)
    assert all(torch.equal(before.tensors[name], after.tensors[name]) for name in before.tensors)
    assert {name.split(".")[0] for name in after.tensors} == {"network", "optimizer", "state", "generator"}
    assert after.about["config"] == CONFIG.to_dict()


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_file_that_was_cut_off_is_refused_and_the_one_before_it_read(kept, share):
    content = newest(kept).read_bytes()
    newest(kept).write_bytes(content[: int(share * len(content))])
    with pytest.raises(ResumeRefused, match="damaged"):
        read(kept)
    assert read(kept, OLDER).snapshot.step == OLDER


def test_a_flipped_bit_is_found(kept):
    content = bytearray(newest(kept).read_bytes())
    content[-100] ^= 1
    newest(kept).write_bytes(content)
    with pytest.raises(ResumeRefused, match="damaged"):
        read(kept)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255), cut=st.booleans())
def test_a_file_that_was_changed_anywhere_is_refused_or_says_the_same(kept, whole_file, place, byte, cut):
    content, said = whole_file
    where = int(place * len(content))
    newest(kept).write_bytes(content[:where] if cut else content[:where] + bytes([byte]) + content[where + 1 :])
    try:
        after = read(kept).snapshot
    except ResumeRefused:
        return
    assert (sha256_of(after.tensors, ""), after.about) == said


@pytest.fixture
def whole_file(kept) -> tuple[bytes, tuple]:
    """(the bytes of the newest file, what it says)."""
    snapshot = read(kept).snapshot
    return newest(kept).read_bytes(), (sha256_of(snapshot.tensors, ""), snapshot.about)


def test_a_file_that_is_gone_or_no_resume_file_is_refused(kept):
    save_file({"network.decoder_bias": torch.zeros(3)}, newest(kept))
    with pytest.raises(ResumeRefused, match="no resume file"):
        read(kept)
    newest(kept).unlink()
    with pytest.raises(ResumeRefused, match="missing"):
        read(kept)


def test_a_pickle_is_refused_without_being_read(kept):
    torch.save({"weights": 1}, newest(kept))
    with pytest.raises(ResumeRefused, match="damaged"):
        read(kept)


def test_a_file_of_other_settings_or_songs_is_refused(kept):
    with pytest.raises(ResumeRefused, match="other settings"):
        read(kept, config=CONFIG.replace(learning_rate=0.01))
    with pytest.raises(ResumeRefused, match="other songs"):
        read(kept, corpus=build_corpus(make_songs(20), CONFIG))


def test_a_file_of_another_version_is_refused(kept):
    with safe_open(newest(kept), framework="pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dictionary
    save_file(tensors, newest(kept), metadata | {"version": "0"})
    with pytest.raises(ResumeRefused, match="another version"):
        read(kept)


def test_a_snapshot_of_another_network_is_refused_before_the_first_step():
    other = snapshot_at(5, CONFIG.replace(num_layers=1))
    with pytest.raises(ResumeRefused, match="another version"):
        list(train(CORPUS, CONFIG, resume_from=other))


def test_a_snapshot_with_another_course_is_refused_before_the_first_step():
    snapshot = snapshot_at(5)
    other = dataclasses.replace(snapshot, about=snapshot.about | {"course": snapshot.course | {"unknown": 1}})
    with pytest.raises(ResumeRefused, match="another version"):
        list(train(CORPUS, CONFIG, resume_from=other))


def test_weights_that_are_no_numbers_are_known_before_and_refused_after_they_are_written(kept):
    snapshot = snapshot_at(JUDGED[0] - 1)
    assert snapshot.is_finite
    snapshot.tensors["network.decoder_bias"][0] = torch.nan
    assert not snapshot.is_finite
    kept.keep(snapshot)
    with pytest.raises(ResumeRefused, match="not numbers"):
        read(kept, JUDGED[0] - 1)


def test_the_best_weights_come_back_with_the_resume_file(folder):
    best, weights = None, {}
    for report in train(CORPUS, CONFIG):
        if isinstance(report, Evaluated) and report.is_best:
            best, weights[report.step] = report.network, weights_sha256(report.network)
        if isinstance(report, Resumable) and report.step:
            folder.keep(report.take(), best)
    for step in folder.steps():
        resumption = folder.read(step)
        if resumption.snapshot.best_step == step:
            assert weights_sha256(resumption.best) == weights[step]
    (folder.path / str(STEPS) / BEST_FILE).unlink()
    with pytest.raises(ResumeRefused, match="missing"):
        folder.read(STEPS)


def test_best_weights_of_another_step_are_refused(folder):
    reports = train(CORPUS, CONFIG)
    judged = next(report for report in reports if isinstance(report, Evaluated))
    snapshot = next(report for report in reports if isinstance(report, Resumable)).take()
    folder.keep(snapshot, judged.network)
    course = snapshot.course | {"best": snapshot.course["best"] | {"step": judged.step - 1}}
    other = dataclasses.replace(snapshot, about=snapshot.about | {"course": course})
    write_resume(folder.path / str(snapshot.step), other, None)
    with pytest.raises(ResumeRefused, match="another step"):
        folder.read(snapshot.step)


def test_the_size_of_the_network_is_known(folder):
    assert (
        snapshot_at(5).parameters
        == LyricNetwork(NetworkShape.of(CONFIG, CORPUS.tokenizer.vocabulary_size)).count_parameters()
    )


# ── Running away, and starting from a model ──────────────────────────────────────────────────────────────────────


def test_a_judgement_that_is_no_number_stops_the_training():
    reports = train(CORPUS, CONFIG)
    with pytest.raises(TrainingDiverged) as caught:  # noqa: PT012
        for report in reports:
            if isinstance(report, Progress) and report.step == JUDGED[1]:
                with torch.no_grad():
                    network_of(reports).decoder_bias[0] = torch.nan
    assert caught.value.step == JUDGED[1]


def network_of(reports):
    return reports.gi_yieldfrom.gi_frame.f_locals["self"].learner.network


def test_a_fine_tuning_starts_from_the_models_weights_and_keeps_its_vocabulary():
    first = [report for report in train(CORPUS, CONFIG) if isinstance(report, Evaluated)][-1]
    others = build_corpus(make_songs(30)[12:], CONFIG, tokenizer=CORPUS.tokenizer)
    assert others.tokenizer is CORPUS.tokenizer
    config = CONFIG.replace(steps=1, evaluations=1, learning_rate=1e-6, seed=2)
    weights = first.network.named_tensors()
    tuned = next(report for report in train(others, config, weights=weights) if isinstance(report, Evaluated))
    fresh = next(report for report in train(others, config) if isinstance(report, Evaluated))
    assert tuned.valid_loss < fresh.valid_loss - 0.03
    largest_change = max(
        float((weights[name] - after).abs().max()) for name, after in tuned.network.named_tensors().items()
    )
    assert 0 < largest_change < 1e-4


def test_weights_of_another_shape_start_nothing():
    shape = NetworkShape.of(CONFIG.replace(hidden_size=8), CORPUS.tokenizer.vocabulary_size)
    with pytest.raises(RuntimeError):
        list(train(CORPUS, CONFIG, weights=LyricNetwork(shape).named_tensors()))


def test_the_machine_is_left_as_it_was_after_an_interruption():
    threads = torch.get_num_threads()
    reports = train(CORPUS, CONFIG.replace(threads=2), resume_seconds=0)
    next(report for report in reports if at_step(3)(report))
    reports.close()
    assert torch.get_num_threads() == threads
