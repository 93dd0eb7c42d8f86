"""What a curve is said to mean."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.curves import Point, judged, thinned
from training.findings import Training, advice, caption, finding, way_out
from training.language_model.config import TrainingConfig


def curve(*losses: tuple[float, float]) -> list[Point]:
    """One look per (training loss, kept-aside loss), two letters to a token."""
    return [
        Point(
            step=10 * look,
            epoch=float(look),
            seconds=look,
            train_loss=train,
            valid_loss=valid,
            nats_per_character=valid / 2,
        )
        for look, (train, valid) in enumerate(losses, start=1)
    ]


@pytest.mark.parametrize(
    ("losses", "title"),
    [
        ([(2.0, 2.1)], "A first look."),
        ([(2.0, 2.1), (1.8, 1.9)], "Learning well."),
        ([(2.0, 2.1), (1.9, 2.0), (1.9, 2.0)], "Nearly done."),
        ([(2.0, 2.1), (1.9, 1.9), (1.9, 1.95), (1.9, 1.96)], "Past its best."),
        ([(2.0, 2.1), (1.5, 1.9), (1.0, 2.0), (0.6, 2.1)], "Learning by heart."),
    ],
)
def test_a_curve_is_called_by_its_name(losses, title):
    assert finding(curve(*losses), is_finished=False).title == title


def test_before_the_first_look_there_is_nothing_to_say():
    steps = [Point(1, 0.1, 0.1, 3.0, None, None)]
    assert finding(steps, is_finished=False) is None
    assert "first look" in caption(steps)


def test_a_finding_shows_its_numbers():
    evidence = finding(curve((2.0, 2.2), (1.8, 2.0)), is_finished=False).evidence
    assert "1.10 → 1.00 nats per character" in evidence
    assert "11 % harder" in evidence


def test_a_finished_run_is_not_told_to_go_on():
    assert "let it run" not in finding(curve((2.0, 2.1), (1.8, 1.9)), is_finished=True).text


def test_the_caption_names_the_best_point():
    assert "1.90, is reached after epoch 2.0" in caption(curve((2.0, 2.1), (1.5, 1.9), (1.0, 2.0)))
    assert "is its latest" in caption(curve((2.0, 2.1), (1.5, 1.9)))


def test_every_failure_has_an_advice():
    assert advice("worker_lost") != advice("what nobody foresaw")


def test_a_long_curve_is_thinned_and_keeps_every_look_and_its_end():
    points = [Point(step, step / 100, step, 2.0, 2.0 if step % 97 == 0 else None, None) for step in range(1, 3001)]
    kept = thinned(points, most=100)
    assert len(kept) < 150
    assert judged(kept) == judged(points)
    assert kept[-1] == points[-1]


def test_a_short_curve_stays_whole():
    points = curve((2.0, 2.1), (1.5, 1.9))
    assert thinned(points) == points


# ── What is wrong, and the run to try next ───────────────────────────────────────────────────────────────────────

SETTINGS = {"hidden_size": 128, "embedding_size": 128, "dropout": 0.4, "weight_decay": 0.05, "learning_rate": 0.01}
ROOMY = Training(SETTINGS | {"budget_seconds": 540, "epochs": 40}, parameters=400_000, train_tokens=200_000)
CROWDED = Training(SETTINGS, parameters=900_000, train_tokens=28_000)


def steps(*points: tuple[float, float]) -> list[Point]:
    """Training points of (loss, gradient norm), a look at the kept-aside songs at each fourth."""
    return [
        Point(
            step=number,
            epoch=number / 4,
            seconds=number,
            train_loss=loss,
            valid_loss=loss + 0.05 if number % 4 == 0 else None,
            nats_per_character=loss / 4 if number % 4 == 0 else None,
            gradient_norm=norm,
        )
        for number, (loss, norm) in enumerate(points, start=1)
    ]


def falling(count: int, share: float = 0.95) -> list[tuple[float, float]]:
    return [(6.0 * share**number, 0.5) for number in range(count)]


BY_HEART = curve((2.0, 2.1), (1.5, 1.9), (1.0, 2.0), (0.6, 2.1))
STILL_FALLING = curve((2.4, 2.5), (2.0, 2.1), (1.7, 1.8))
FLAT = curve((2.4, 2.5), (2.0, 2.1), (2.0, 2.0999))
DEAD = steps(*[(5.90, 0.1), (5.89, 0.1), (5.88, 0.1), (5.86, 0.1), (5.87, 0.1), (5.86, 0.1), (5.85, 0.1), (5.85, 0.1)])
EXPLODING = steps(*falling(9), (4.2, 0.6), (5.0, 8.0), (6.1, 40.0))


@pytest.mark.parametrize(
    ("points", "is_finished", "training", "title", "changes"),
    [
        (BY_HEART, True, ROOMY, "Learning by heart.", {"dropout": 0.55, "weight_decay": 0.15}),
        (BY_HEART, True, CROWDED, "Too few songs for so large a network.", {"hidden_size": 64, "embedding_size": 64}),
        (STILL_FALLING, True, ROOMY, "Learnt well.", {"budget_seconds": 1080, "epochs": 80}),
        (FLAT, True, ROOMY, "Full.", {"hidden_size": 192}),
        (FLAT, True, CROWDED, "Fully learnt.", {}),
        (DEAD, False, ROOMY, "Nothing learnt.", {"learning_rate": 0.005}),
        (EXPLODING, False, ROOMY, "Breaking up.", {"learning_rate": 0.005}),
    ],
)
def test_what_is_wrong_is_named_with_the_run_to_try_next(points, is_finished, training, title, changes):
    found = finding(points, is_finished=is_finished, training=training)
    assert (found.title, found.changes) == (title, changes)
    assert found.evidence
    assert bool(found.offer) == bool(changes)
    TrainingConfig.from_dict({**training.config, **found.changes})


def test_a_training_too_slow_to_learn_is_offered_longer_steps():
    slow = Training(SETTINGS | {"learning_rate": 0.0002})
    assert finding(DEAD, is_finished=False, training=slow).changes == {"learning_rate": 0.001}


def test_a_long_gradient_alone_breaks_nothing():
    assert finding(steps(*falling(10), (3.5, 9.0), (3.4, 0.5)), is_finished=False).title == "Learning well."


def test_a_risen_loss_with_a_usual_gradient_is_only_noise():
    assert finding(steps(*falling(11), (4.2, 0.6)), is_finished=False).title != "Breaking up."


def test_what_breaks_is_said_before_the_first_look():
    early = [dataclasses.replace(point, valid_loss=None) for point in EXPLODING]
    found = finding(early, is_finished=False, training=ROOMY)
    assert found.title == "Breaking up."
    assert "times its usual length" in found.evidence


def test_a_run_of_fixed_steps_gets_more_steps():
    fixed = Training({"steps": 400, "epochs": 1000})
    assert finding(STILL_FALLING, is_finished=True, training=fixed).changes == {"steps": 800}


def test_what_no_setting_can_raise_is_not_offered():
    most = Training({"budget_seconds": 86_400, "epochs": 1000})
    found = finding(STILL_FALLING, is_finished=True, training=most)
    assert (found.changes, found.offer) == ({}, "")


def test_a_run_that_still_learns_is_offered_nothing():
    assert finding(STILL_FALLING, is_finished=False, training=ROOMY).offer == ""


def test_a_loss_that_ran_away_is_tried_again_with_half_the_learning_rate():
    assert way_out("diverged", SETTINGS).changes == {"learning_rate": 0.005}
    assert way_out("diverged", {"learning_rate": 1e-6}).changes == {}


def test_what_did_not_fit_is_tried_again_with_half_the_batch():
    assert way_out("out_of_memory", {"batch_size": 32}).changes == {"batch_size": 16}
    assert way_out("out_of_memory", {"batch_size": 1}) is None
    assert way_out("worker_lost", {}) is None


@given(
    st.lists(
        st.tuples(st.floats(0, 50), st.none() | st.floats(0, 50), st.none() | st.floats(0, 1e30)),
        min_size=1,
        max_size=30,
    ),
    st.booleans(),
    st.builds(
        Training,
        st.fixed_dictionaries({}, optional={"learning_rate": st.floats(1e-6, 1), "steps": st.integers(1, 10**7)}),
        st.integers(0, 10**8),
        st.integers(0, 10**8),
    ),
)
def test_any_curve_has_a_sentence_or_none_and_its_changes_are_settings(rows, is_finished, training):
    points = [
        Point(number, number / 3, number, train, valid, valid, norm) for number, (train, valid, norm) in enumerate(rows)
    ]
    found = finding(points, is_finished=is_finished, training=training)
    if found is not None:
        assert found.text.endswith(".")
        TrainingConfig.from_dict(found.changes)
