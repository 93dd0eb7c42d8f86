"""The line before the workers: fair to every owner, closed by staff, and with a guess of when."""

import pytest

from tests.conftest import make_user
from tests.songs import make_ready_dataset
from tests.training.runs import claim, expire_lease, in_threads, let_time_pass, make_run
from training import lifecycle
from training.lifecycle.clock import from_now
from training.models import Intake, TrainingRun, Worker

pytestmark = pytest.mark.django_db
State = TrainingRun.State


@pytest.fixture
def theirs(other_user):
    return make_ready_dataset(other_user)


@pytest.fixture
def staff_dataset(staff_user):
    return make_ready_dataset(staff_user)


def take() -> str | None:
    """The name of the run that the next worker gets."""
    claimed = lifecycle.claim_next("training@here", "here", 1)
    return claimed and TrainingRun.objects.get(pk=claimed.run_id).name


def finish(name: str) -> None:
    run = TrainingRun.objects.running().get(name=name)
    lifecycle.finish(run.pk, run.lease_token, State.SUCCEEDED, message="Done.")


def listen(processes: int = 1) -> None:
    lifecycle.worker_beat("training@here", host="here", pid=1, queues=["training"], processes=processes)


# ── Whose turn it is ─────────────────────────────────────────────────────────────────────────────────────────────


def test_an_owners_runs_are_taken_in_their_order_one_at_a_time(ready_dataset):
    make_run(ready_dataset, name="second", place=2)
    make_run(ready_dataset, name="first", place=1)
    assert [take(), take()] == ["first", None]
    finish("first")
    assert take() == "second"


def test_the_limit_of_running_runs_is_a_setting(ready_dataset, settings):
    settings.RUNNING_RUNS_PER_USER = 2
    for name in ("a", "b", "c"):
        make_run(ready_dataset, name=name)
    assert [take(), take(), take()] == ["a", "b", None]


def test_a_hundred_runs_of_one_do_not_stop_the_one_of_another(staff_dataset, theirs):
    """F27: user A queues 100 runs, user B one, and B's is taken by one of the next two hands that get free."""
    for number in range(100):
        make_run(staff_dataset, name=f"a{number}")
    make_run(theirs, name="b")
    assert "b" in [take(), take()]


def test_who_has_fewest_running_comes_first_then_who_was_served_longest_ago(staff_dataset, theirs, db):
    third = make_ready_dataset(make_user("lou"))
    for number in range(4):
        make_run(staff_dataset, name=f"a{number}")
    for number in range(2):
        make_run(theirs, name=f"b{number}")
        make_run(third, name=f"c{number}")
    assert [take() for _ in range(5)] == ["a0", "b0", "c0", "a1", "a2"]  # staff has no limit, but a turn like all
    finish("c0"), finish("b0")
    assert [take(), take()] == ["b1", "c1"]  # b was served before c


def test_the_line_is_shown_as_it_is_taken(staff_dataset, theirs, settings):
    settings.RUNNING_RUNS_PER_USER = 9
    for number in range(3):
        make_run(staff_dataset, name=f"a{number}")
        make_run(theirs, name=f"b{number}")
    make_run(theirs, name="urgent", priority=1)
    shown = [run.name for run in TrainingRun.objects.in_line()]
    assert [run.queue_position for run in TrainingRun.objects.in_line()] == list(range(1, 8))
    assert shown[0] == "urgent"
    assert sorted(shown[:3]) == ["a0", "b0", "urgent"]
    taken = []
    while name := take():
        taken.append(name)
    assert taken[0] == "urgent"
    assert sorted(taken) == sorted(shown)


def test_a_higher_priority_does_not_lift_its_owners_limit(ready_dataset):
    make_run(ready_dataset, name="usual")
    assert take() == "usual"
    make_run(ready_dataset, name="urgent", priority=5)
    assert take() is None


def test_a_run_that_waits_for_its_time_lets_its_owners_next_one_pass(ready_dataset):
    make_run(ready_dataset, name="early", not_before=from_now(60))
    make_run(ready_dataset, name="late")
    assert take() == "late"


@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_moment_give_no_owner_more_than_the_limit(ready_dataset, theirs):
    for _ in range(3):
        make_run(ready_dataset), make_run(theirs)
    for _ in range(5):
        taken = [one for one in in_threads(*[lambda: lifecycle.claim_next("w", "h", 1)] * 6) if one]
        assert len(taken) == 2
        assert TrainingRun.objects.running().values("owner").distinct().count() == 2
        for one in taken:
            lifecycle.hand_back(one.run_id, one.token)


def test_nobody_rings_for_runs_that_may_not_be_taken(ready_dataset, theirs):
    claim(make_run(ready_dataset))
    make_run(ready_dataset)
    may = make_run(theirs)
    listen(processes=3)
    assert lifecycle.reconcile().runs_to_ring == [may.pk]


def test_a_worker_says_when_it_last_took_a_run(ready_dataset):
    listen()
    assert Worker.objects.get().last_claim_at is None
    make_run(ready_dataset)
    take()
    assert Worker.objects.get().last_claim_at is not None


# ── The gate ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_while_the_gate_is_closed_nobody_takes_anything_and_what_runs_goes_on(ready_dataset, theirs):
    running = claim(make_run(ready_dataset))
    make_run(theirs, name="waits")
    listen()
    gate = lifecycle.set_intake(False, by="ada", reason="The disk is being changed.")
    assert (gate.is_open, gate.reason, gate.changed_by) == (False, "The disk is being changed.", "ada")
    assert gate.changed_at is not None
    assert take() is None
    assert not lifecycle.reconcile().runs_to_ring
    assert lifecycle.renew(running.run_id, running.token).ok
    lifecycle.set_intake(True, by="ada")
    assert lifecycle.intake().reason == ""
    assert take() == "waits"


def test_the_gate_is_open_until_somebody_closes_it(db):
    Intake.objects.all().delete()
    assert lifecycle.intake().is_open
    assert lifecycle.set_intake(False, by="ada") == Intake.objects.get()


@pytest.mark.django_db(transaction=True)
def test_no_worker_slips_through_a_gate_that_has_been_closed(ready_dataset):
    for _ in range(10):
        run = make_run(ready_dataset)
        closed_at = []

        def close(closed_at=closed_at):
            lifecycle.set_intake(False, by="ada")
            closed_at.append(TrainingRun.objects.running().count())

        in_threads(close, lambda: lifecycle.claim_next("w", "h", 1))
        assert TrainingRun.objects.running().count() == closed_at[0]
        run.delete()
        lifecycle.set_intake(True, by="ada")


# ── When ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def starts(**seconds) -> dict[str, int]:
    names = dict(TrainingRun.objects.values_list("pk", "name"))
    return {names[pk]: round(start) for pk, start in lifecycle.estimated_starts().items()}


def test_nobody_can_say_when_without_a_worker_or_with_the_gate_closed(ready_dataset):
    run = make_run(ready_dataset, expected_seconds=60)
    assert lifecycle.estimated_starts() == {}
    assert lifecycle.waiting_runs()[run.pk] == lifecycle.Waiting(1, 1, None)
    listen()
    assert starts() == {run.name: 0}
    lifecycle.set_intake(False, by="ada")
    assert lifecycle.estimated_starts() == {}


def test_a_run_starts_when_those_before_it_are_done(ready_dataset, theirs):
    listen()
    running = make_run(ready_dataset, name="running", expected_seconds=500)
    TrainingRun.objects.filter(pk=running.pk).update(eta_seconds=None)
    claim(running)
    TrainingRun.objects.filter(pk=running.pk).update(eta_seconds=40)
    make_run(theirs, name="first", expected_seconds=100)
    make_run(ready_dataset, name="second", expected_seconds=100)
    make_run(theirs, name="third", expected_seconds=100)
    assert starts() == {"first": 40, "second": 140, "third": 240}


def test_a_free_hand_does_not_help_an_owner_who_may_have_no_more_running(ready_dataset, theirs):
    listen(processes=3)
    claim(make_run(ready_dataset, expected_seconds=50))
    make_run(ready_dataset, name="mine", expected_seconds=100)
    make_run(theirs, name="theirs", expected_seconds=100)
    assert starts() == {"theirs": 0, "mine": 50}


def test_a_run_that_has_made_steps_takes_the_rest_and_one_of_unknown_length_ten_minutes(ready_dataset):
    listen()
    make_run(ready_dataset, name="half done", expected_seconds=100, step=6, steps=12)
    make_run(ready_dataset, name="unknown")
    make_run(ready_dataset, name="last")
    assert starts() == {"half done": 0, "unknown": 50, "last": 650}


def test_a_run_starts_no_sooner_than_its_time(ready_dataset):
    listen()
    make_run(ready_dataset, name="later", not_before=from_now(60))
    assert 55 <= starts()["later"] <= 60


# ── Workers that staff has emptied ───────────────────────────────────────────────────────────────────────────────


def test_a_worker_that_staff_drains_listens_no_more_and_its_row_stays(db):
    listen()
    assert not lifecycle.drain_worker("training@nowhere", by="ada")
    assert lifecycle.drain_worker("training@here", by="ada")
    asked_at = Worker.objects.get().drain_requested_at
    assert lifecycle.drain_worker("training@here", by="lou")
    worker = Worker.objects.get()
    assert (worker.drain_requested_at, worker.drain_requested_by) == (asked_at, "ada")
    assert worker.stays_down
    assert lifecycle.is_draining("training@here")
    assert lifecycle.is_to_stay_down("training@here", pid=1)
    assert not Worker.objects.listening_to("training").exists()
    listen()  # it beats on while it hands back
    lifecycle.forget_worker("training@here", pid=1)
    assert Worker.objects.get().stays_down


def test_a_worker_that_is_started_again_listens_as_before(db):
    listen()
    lifecycle.drain_worker("training@here", by="ada")
    lifecycle.worker_beat("training@here", host="here", pid=2, queues=["training"])
    worker = Worker.objects.get()
    assert (worker.stays_down, worker.is_draining, worker.drain_requested_by) == (False, False, "")
    assert not lifecycle.is_to_stay_down("training@here", pid=2)
    lifecycle.forget_worker("training@here", pid=2)
    assert not Worker.objects.exists()


def test_a_lost_run_waits_for_its_own_turn_again(ready_dataset, theirs):
    make_run(ready_dataset, name="mine")
    assert take() == "mine"
    make_run(theirs, name="theirs")
    expire_lease(TrainingRun.objects.running().get())
    lifecycle.reconcile()
    let_time_pass(TrainingRun.objects.get(name="mine"), not_before=60)
    assert take() == "theirs"  # its owner has just been served
