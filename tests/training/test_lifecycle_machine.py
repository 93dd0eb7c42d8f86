"""The life of runs in any order: whatever people, workers and the reconciler do, only a possible life comes of it."""

from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.songs import make_ready_dataset
from tests.training.runs import expire_lease, make_run
from training import lifecycle
from training.models import Attempt, RunEvent, TrainingRun
from training.models.runs import TERMINAL

pytestmark = pytest.mark.django_db
State = TrainingRun.State

POSSIBLE = {
    "queued": {"running", "paused", "cancelled"},
    "running": {"queued", "paused", "succeeded", "failed", "cancelled"},
    "paused": {"queued", "cancelled"},
    "failed": {"queued"},
    "cancelled": {"queued"},
    "succeeded": set(),
}
RUNS = st.integers(0, 2)


class Lives(RuleBasedStateMachine):
    """Three runs of two people; ``claims`` has every right that was ever given out, also those long lost.

    ``expected`` is each run's state as this machine, which knows no database, thinks it must be.
    """

    datasets: list

    @initialize()
    def queue(self) -> None:
        first, second = self.datasets
        self.runs = [make_run(dataset) for dataset in (first, first, second)]
        self.expected = [State.QUEUED] * 3
        self.valid = [None] * 3  # the claim that holds the run
        self.is_expired = [False] * 3
        self.to_cancel, self.to_pause = [False] * 3, [False] * 3
        self.lost = [0] * 3
        self.claims: list[list[lifecycle.Claim]] = [[], [], []]
        self.is_open = True

    def teardown(self) -> None:
        TrainingRun.objects.all().delete()
        lifecycle.set_intake(True, by="the test")

    # ── What workers do ──────────────────────────────────────────────────────────────────────────────────────────

    @rule()
    def claim_next(self) -> None:
        claimed = lifecycle.claim_next("training@here", "here", 1)
        owners = [run.owner_id for run in self.runs]
        busy = {owner for owner, state in zip(owners, self.expected, strict=True) if state == State.RUNNING}
        waits = [
            state == State.QUEUED and owner not in busy for owner, state in zip(owners, self.expected, strict=True)
        ]
        assert (claimed is not None) == (self.is_open and any(waits))
        if claimed is not None:
            place = next(place for place, run in enumerate(self.runs) if run.pk == claimed.run_id)
            assert waits[place]
            self._hold(place, claimed)

    @rule(place=RUNS)
    def claim(self, place) -> None:
        claimed = lifecycle.claim(self.runs[place].pk, worker="train@here", host="here", pid=1)
        assert (claimed is not None) == (self.expected[place] == State.QUEUED)
        if claimed is not None:
            self._hold(place, claimed)

    def _hold(self, place: int, claimed: lifecycle.Claim) -> None:
        self.claims[place].append(claimed)
        self.valid[place], self.expected[place] = claimed, State.RUNNING
        self.is_expired[place] = self.to_cancel[place] = self.to_pause[place] = False

    @rule(place=RUNS, data=st.data())
    def renew(self, place, data) -> None:
        claimed = self._any_claim(place, data)
        lease = lifecycle.renew(self.runs[place].pk, claimed.token)
        assert lease.ok == (self._is_valid(place, claimed) and not self.is_expired[place])
        if lease.ok:
            wished = (self.to_cancel[place], self.to_pause[place])
            assert (lease.cancel_requested, lease.pause_requested) == wished

    @rule(place=RUNS, data=st.data())
    def record(self, place, data) -> None:
        claimed, run = self._any_claim(place, data), self.runs[place]
        last = run.metric_points.count()
        point = {"step": last + 1, "epoch": 0.0, "seconds": 0.0, "train_loss": 1.0}
        written = lifecycle.record(run.pk, claimed.token, progress={"step": last + 1}, points=[point])
        assert written == (self._is_valid(place, claimed) and not self.is_expired[place])
        assert run.metric_points.count() == last + written

    @rule(place=RUNS, data=st.data(), state=st.sampled_from([State.SUCCEEDED, State.FAILED, State.CANCELLED]))
    def finish(self, place, data, state) -> None:
        claimed = self._any_claim(place, data)
        ended = lifecycle.finish(self.runs[place].pk, claimed.token, state, message="It ended.")
        assert ended == self._is_valid(place, claimed)
        if ended:
            self._let_go(place, state)

    @rule(place=RUNS, data=st.data())
    def hand_back(self, place, data) -> None:
        claimed = self._any_claim(place, data)
        assert lifecycle.hand_back(self.runs[place].pk, claimed.token) == self._is_valid(place, claimed)
        if self._is_valid(place, claimed):
            self._let_go(place, self._wished(place) or State.QUEUED)

    @rule(place=RUNS, data=st.data())
    def put_aside(self, place, data) -> None:
        claimed = self._any_claim(place, data)
        assert lifecycle.pause(self.runs[place].pk, claimed.token) == self._is_valid(place, claimed)
        if self._is_valid(place, claimed):
            self._let_go(place, State.CANCELLED if self.to_cancel[place] else State.PAUSED)

    @rule(place=RUNS)
    def worker_vanishes(self, place) -> None:
        if self.expected[place] == State.RUNNING:
            expire_lease(self.runs[place])
            self.is_expired[place] = True

    @rule(place=RUNS)
    def child_dies(self, place) -> None:
        claimed = self.valid[place]
        if claimed is not None:
            state = lifecycle.lost(self.runs[place].pk, claimed.token, reason="It was killed.", actor="its supervisor")
            self._lose(place)
            assert state == self.expected[place]

    @rule(place=RUNS)
    def claim_and_lose(self, place) -> None:
        """Often, as much of a life depends on how often it was lost."""
        self.claim(place)
        self.child_dies(place)

    @rule()
    def reconcile(self) -> None:
        reaped = lifecycle.reconcile().runs
        for place, run in enumerate(self.runs):
            assert (run.pk in reaped) == self.is_expired[place]
            if self.is_expired[place]:
                self._lose(place)

    @rule(place=RUNS)
    def time_passes(self, place) -> None:
        TrainingRun.objects.filter(pk=self.runs[place].pk).update(not_before=None)

    # ── What people do ───────────────────────────────────────────────────────────────────────────────────────────

    @rule(place=RUNS)
    def cancel(self, place) -> None:
        answer, state = lifecycle.request_cancel(self.runs[place], "mara"), self.expected[place]
        if state in TERMINAL:
            assert answer == lifecycle.CancelAnswer.TOO_LATE
        elif state == State.RUNNING:
            assert answer == lifecycle.CancelAnswer.REQUESTED
            self.to_cancel[place] = True
        else:
            assert answer == lifecycle.CancelAnswer.CANCELLED
            self._let_go(place, State.CANCELLED)

    @rule(place=RUNS)
    def pause(self, place) -> None:
        answer, state = lifecycle.request_pause(self.runs[place], "mara"), self.expected[place]
        if state == State.QUEUED:
            assert answer == lifecycle.PauseAnswer.PAUSED
            self._let_go(place, State.PAUSED)
        elif state == State.RUNNING and not self.to_cancel[place]:
            assert answer == lifecycle.PauseAnswer.REQUESTED
            self.to_pause[place] = True
        else:
            assert answer == lifecycle.PauseAnswer.TOO_LATE

    @rule(place=RUNS)
    def resume(self, place) -> None:
        assert lifecycle.resume(self.runs[place], "mara") == (self.expected[place] == State.PAUSED)
        if self.expected[place] == State.PAUSED:
            self.expected[place] = State.QUEUED
            assert TrainingRun.objects.get(pk=self.runs[place].pk).own_position == 1

    @rule(place=RUNS, restart=st.booleans())
    def retry(self, place, restart) -> None:
        may = self.expected[place] in (State.FAILED, State.CANCELLED)
        assert lifecycle.retry(self.runs[place], "mara", restart=restart) == may
        if may:
            self.expected[place], self.lost[place] = State.QUEUED, 0

    @rule(place=RUNS, position=st.integers(1, 4))
    def move(self, place, position) -> None:
        assert lifecycle.move(self.runs[place], position, "mara") == (self.expected[place] == State.QUEUED)

    @rule(is_open=st.booleans())
    def set_gate(self, is_open) -> None:
        lifecycle.set_intake(is_open, by="ada")
        self.is_open = is_open

    # ── What must be true all the time ───────────────────────────────────────────────────────────────────────────

    @invariant()
    def every_row_is_as_expected(self) -> None:
        for place, run in enumerate(self._rows()):
            assert run.state == self.expected[place]
            assert run.lost_attempts == self.lost[place]
            assert (run.lease_token is not None) == (run.state == State.RUNNING)

    @invariant()
    def every_attempt_is_numbered_and_at_most_one_is_open(self) -> None:
        for run in self._rows():
            attempts = list(Attempt.objects.filter(run=run).order_by("number"))
            assert [attempt.number for attempt in attempts] == list(range(1, run.attempts + 1))
            assert [attempt.token for attempt in attempts if not attempt.ended_at] == [run.lease_token] * bool(
                run.lease_token
            )

    @invariant()
    def every_history_is_a_possible_life_told_by_somebody(self) -> None:
        for run in self._rows():
            events = list(RunEvent.objects.filter(run=run, kind="state").order_by("sequence"))
            states = [State.QUEUED, *(event.state for event in events)]
            assert all(after in POSSIBLE[before] for before, after in pairwise(states))
            assert states[-1] == run.state
            assert all(event.actor and event.message for event in events)

    def _rows(self) -> list[TrainingRun]:
        """The runs as the database has them now."""
        return [TrainingRun.objects.get(pk=run.pk) for run in getattr(self, "runs", [])]

    def _any_claim(self, place: int, data) -> lifecycle.Claim:
        """One that was given out, now or long ago, or one that never was."""
        return data.draw(st.sampled_from([*self.claims[place], lifecycle.Claim(self.runs[place].pk, uuid4(), 1)]))

    def _is_valid(self, place: int, claimed: lifecycle.Claim) -> bool:
        return self.valid[place] is not None and claimed.token == self.valid[place].token

    def _wished(self, place: int) -> str | None:
        return State.CANCELLED if self.to_cancel[place] else State.PAUSED if self.to_pause[place] else None

    def _let_go(self, place: int, state: str) -> None:
        self.expected[place], self.valid[place], self.is_expired[place] = state, None, False
        self.to_cancel[place] = self.to_pause[place] = False

    def _lose(self, place: int) -> None:
        self.lost[place] += 1
        is_too_often = self.lost[place] >= 3
        wished = self._wished(place)
        if wished != State.CANCELLED and is_too_often:
            wished = State.FAILED
        self._let_go(place, wished or State.QUEUED)
        self.time_passes(place)  # its backoff is over


def test_no_order_of_events_makes_an_impossible_life(user, other_user):
    Lives.datasets = [make_ready_dataset(user), make_ready_dataset(other_user)]
    run_state_machine_as_test(
        Lives,
        settings=settings(
            max_examples=30,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
