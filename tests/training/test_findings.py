"""What a curve is said to mean."""

import pytest

from training.curves import Point, judged, thinned
from training.findings import advice, caption, finding


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
