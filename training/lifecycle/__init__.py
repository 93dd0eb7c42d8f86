"""The life of runs and imports: the only place where a state changes.

Every change is one guarded UPDATE that must touch exactly one row; whoever touches none has lost the race and writes
nothing more. Time is the database's own, so that no machine's clock decides. A worker's right to write is its token,
fresh for each claim (reliability rules R1 to R6).

    runs.py       claim, go back, renew, record, finish, pause, hand back, lose a training run: its worker's side
    wishes.py     cancel, pause, resume, retry, move it: a person's side
    line.py       whose turn it is, and when it comes
    gate.py       the workers' one way to what waits, which staff may close
    imports.py    the same small set for imports
    explanations.py    and for the insights into a finished run
    preparing.py  and for models that can't write yet
    workers.py    who listens
    reconcile.py  finds what nobody holds any more, and what nobody was told of
"""

from training.lifecycle.explanations import (
    Explaining,
    claim_explanation,
    end_explanation,
    explaining_of,
    give_up_explanation,
    hand_back_explanation,
    keep_insight,
    keep_look,
)
from training.lifecycle.gate import intake, set_intake
from training.lifecycle.imports import (
    ImportLease,
    claim_import,
    finish_import,
    queue_import,
    remove_unpublished,
    renew_import,
    request_import_cancel,
    take_import,
)
from training.lifecycle.line import Waiting, claim_next, claimable, estimated_starts, waiting_runs
from training.lifecycle.preparing import (
    change_over,
    claim_unprepared,
    end_preparing,
    hand_back_preparing,
    unprepared,
)
from training.lifecycle.reconcile import Reconciled, reconcile, reconcile_if_due
from training.lifecycle.runs import (
    Claim,
    Lease,
    claim,
    config_hash,
    finish,
    go_back,
    hand_back,
    look,
    lost,
    pause,
    plan,
    record,
    renew,
    stalled,
)
from training.lifecycle.wishes import (
    CancelAnswer,
    PauseAnswer,
    can_go_on,
    move,
    prioritise,
    request_cancel,
    request_pause,
    resume,
    retry,
)
from training.lifecycle.workers import (
    announce_drain,
    drain_worker,
    forget_worker,
    is_draining,
    is_to_stay_down,
    worker_beat,
)

__all__ = [
    "CancelAnswer",
    "Claim",
    "Explaining",
    "ImportLease",
    "Lease",
    "PauseAnswer",
    "Reconciled",
    "Waiting",
    "announce_drain",
    "can_go_on",
    "change_over",
    "claim",
    "claim_explanation",
    "claim_import",
    "claim_next",
    "claim_unprepared",
    "claimable",
    "config_hash",
    "drain_worker",
    "end_explanation",
    "end_preparing",
    "estimated_starts",
    "explaining_of",
    "finish",
    "finish_import",
    "forget_worker",
    "give_up_explanation",
    "go_back",
    "hand_back",
    "hand_back_explanation",
    "hand_back_preparing",
    "intake",
    "is_draining",
    "is_to_stay_down",
    "keep_insight",
    "keep_look",
    "look",
    "lost",
    "move",
    "pause",
    "plan",
    "prioritise",
    "queue_import",
    "reconcile",
    "reconcile_if_due",
    "record",
    "remove_unpublished",
    "renew",
    "renew_import",
    "request_cancel",
    "request_import_cancel",
    "request_pause",
    "resume",
    "retry",
    "set_intake",
    "stalled",
    "take_import",
    "unprepared",
    "waiting_runs",
    "worker_beat",
]
