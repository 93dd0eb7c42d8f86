"""What the numbers of a run mean, in a sentence each, with the evidence beside it and what to try next.

points ─▶ broken? ─▶ learning nothing? ─▶ by heart? ─▶ past its best? ─▶ still getting better? ─▶ Finding, with changes
"""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from training.curves import Point, judged
from training.language_model.config import FIELDS
from training.language_model.estimates import WEIGHTS_PER_WORD

# The loss has to fall by this share to count as getting easier; below it lies the noise of one look.
WORTH_NAMING = 0.003
# Validation this much above training (in shares of it) means that the network knows its songs by heart.
BY_HEART_GAP = 0.25
# Below this gap it knows the songs it learns from hardly better than others: there is room for more.
ROOM_GAP = 0.1
LOOKS_WITHOUT_GAIN = 2
# A gradient this many times its usual length, while the loss rises by this share, is a training that breaks.
LONG_GRADIENT, RISEN_LOSS = 5.0, 0.1
NO_LOSS = 1e-6  # nats: of less no share is worth telling
LATEST_POINTS, POINTS_TO_COMPARE = 3, 8
# A net begins with how frequent each word is; one whose loss falls by less than this share has learnt only that.
LEARNT_NOTHING = 0.03
SLOW_LEARNING_RATE = 0.002
MORE_DROPOUT, MOST_DROPOUT, USUAL_DECAY = 0.15, 0.75, 0.05

# Beside the run's own sentence, which often says already what to change.
ADVICE = {
    "corpus_too_small": "Add songs to the dataset, or let it read characters: that makes more of few songs.",
    "diverged": "What it wrote and measured before stays here.",
    "invalid_config": "Start a new run with these settings and correct them there.",
    "model_gone": "Start a new fine-tuning from another model.",
    "out_of_memory": "Nothing else was harmed; a new run with these settings can be made smaller at the form.",
    "stalled": "A run that makes no step keeps others waiting, so it was ended.",
    "storage_full": "An operator has to make room on the disk; then start it once more.",
    "worker_lost": "A machine short of memory ends its largest process: try a smaller network, or ask an operator.",
}
USUAL_ADVICE = "Try it once more with the same settings; if it fails again, show this sentence to an operator."


@dataclass(frozen=True)
class Finding:
    """What the curve says: a verdict, what to do with it, and the numbers behind it.

    ``changes`` are the settings of a run that would do better, and ``offer`` the words of the button that starts it.
    """

    title: str
    text: str
    evidence: str = ""
    tone: str = ""
    offer: str = ""
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Training:
    """What a curve is read against: the settings, the weights and the tokens to learn from; 0 where nobody knows."""

    config: Mapping[str, Any] = field(default_factory=dict)
    parameters: int = 0
    train_tokens: int = 0

    @classmethod
    def of(cls, run) -> "Training":
        return cls(run.config, run.parameters or 0, run.facts.get("train_tokens") or 0)

    def value(self, name: str) -> Any:
        return self.config.get(name, FIELDS[name].default)

    @property
    def is_too_large(self) -> bool:
        """Whether it has more weights than its songs can fill."""
        return self.parameters > WEIGHTS_PER_WORD * self.train_tokens > 0


UNKNOWN = Training()


def finding(points: list[Point], *, is_finished: bool, training: Training = UNKNOWN) -> Finding | None:
    """Return what the curve says so far, or None before the first look at the kept-aside songs."""
    looks = judged(points)
    if broken := _breaking(points, training):
        return broken
    if not looks:
        return None
    best = best_of(looks)
    since_best = len(looks) - 1 - looks.index(best)
    evidence = _evidence(looks, best)
    if len(looks) == 1:
        return Finding(
            "A first look.", "One look at the kept-aside songs is taken; the next one says where it goes.", evidence
        )
    if nothing := _nothing_learnt(points, looks, training):
        return nothing
    if since_best >= LOOKS_WITHOUT_GAIN and _gap(looks[-1]) > BY_HEART_GAP:
        return _by_heart(evidence, training)
    if since_best >= LOOKS_WITHOUT_GAIN:
        return Finding("Past its best.", "The best point is what is kept.", evidence)
    if not is_finished:
        if _gain(looks) > WORTH_NAMING:
            text = "The kept-aside songs still get easier with each look, so let it run."
            return Finding("Learning well.", text, evidence)
        return Finding("Nearly done.", "The kept-aside songs hardly get easier any more.", evidence)
    if _gain(looks) > WORTH_NAMING:
        return _more_time(evidence, training)
    return _fully_learnt(evidence, _gap(looks[-1]), training)


def way_out(error_code: str, config: Mapping[str, Any]) -> Finding | None:
    """Return the run to try after one that failed in this way, None where no setting would help."""
    training = Training(config)
    if error_code == "diverged":
        found = _slower(training, title="The loss ran away.", text="Steps half as long usually keep it on the ground.")
        return replace(found, offer=found.offer.replace("Try half", "Try again with half"))
    if error_code == "out_of_memory" and training.value("batch_size") > 1:
        half = training.value("batch_size") // 2
        text = "Half as many places at once need about half the memory."
        return Finding(
            "Too large for this machine.",
            text,
            offer=f"Try a batch of {half}",
            changes={"batch_size": half},
        )
    return None


# ── What can be wrong with a training ────────────────────────────────────────────────────────────────────────────


def _breaking(points: list[Point], training: Training) -> Finding | None:
    """A gradient far beyond its usual length while the loss rises."""
    steps = [point for point in points if point.gradient_norm is not None and point.train_loss is not None]
    if len(steps) < POINTS_TO_COMPARE:
        return None
    before, latest = steps[:-LATEST_POINTS], steps[-LATEST_POINTS:]
    usual = statistics.median(point.gradient_norm for point in before)
    longest = max(point.gradient_norm for point in latest)
    lowest, now = min(point.train_loss for point in before), latest[-1].train_loss
    if not usual or longest < LONG_GRADIENT * usual or now < (1 + RISEN_LOSS) * lowest:
        return None
    return _slower(
        training,
        title="Breaking up.",
        text="Its steps have become too long for the slope it walks on, and the loss rises.",
        evidence=(
            f"The gradient is {longest:.2g} long, {longest / usual:.0f} times its usual length; the loss rose from "
            f"{lowest:.2f} to {now:.2f} nats per token."
        ),
    )


def _nothing_learnt(points: list[Point], looks: list[Point], training: Training) -> Finding | None:
    """A loss that stays where the frequencies of the words alone had put it."""
    first = next((point.train_loss for point in points if point.train_loss), None)
    lowest = min((look.train_loss for look in looks if look.train_loss), default=None)
    if first is None or lowest is None or looks[-1].epoch < 1 or lowest < (1 - LEARNT_NOTHING) * first:
        return None
    title, text = "Nothing learnt.", "It knows how frequent each word is, and nothing of what follows what."
    evidence = (
        f"The loss began at {first:.2f} nats per token and is at best {lowest:.2f} after {looks[-1].epoch:.1f} epochs."
    )
    rate = training.value("learning_rate")
    if rate >= SLOW_LEARNING_RATE:
        return _slower(training, title=title, text=text, evidence=evidence)
    faster = float(f"{5 * rate:.2g}")
    return Finding(
        title, text, evidence, tone="warn", offer=f"Try a learning rate of {faster:g}",
        changes={"learning_rate": faster},
    )  # fmt: skip


def _slower(training: Training, *, title: str, text: str, evidence: str = "") -> Finding:
    half = training.value("learning_rate") / 2
    if half < FIELDS["learning_rate"].metadata["minimum"]:
        return Finding(title, text, evidence, tone="warn")
    return Finding(
        title, text, evidence, tone="warn", offer=f"Try half the learning rate, {half:g}",
        changes={"learning_rate": half},
    )  # fmt: skip


def _by_heart(evidence: str, training: Training) -> Finding:
    if training.is_too_large:
        weights = training.parameters / training.train_tokens
        half = max(training.value("hidden_size") // 2, FIELDS["hidden_size"].metadata["minimum"])
        narrower = min(training.value("embedding_size"), half)
        return Finding(
            "Too few songs for so large a network.",
            "It learns them by heart, and the kept-aside songs get no easier. Add songs, or make it smaller.",
            f"{weights:,.0f} weights for each token to learn from, over the {WEIGHTS_PER_WORD} that songs can fill. "
            + evidence,
            tone="warn",
            offer=f"Try one of {half} units",
            changes={"hidden_size": half, "embedding_size": narrower},
        )
    text = "The songs it learns from still get easier, the kept-aside ones don't. The best point is what is kept."
    dropout = round(min(MOST_DROPOUT, training.value("dropout") + MORE_DROPOUT), 2)
    decay = float(f"{min(1.0, max(USUAL_DECAY, 3 * training.value('weight_decay'))):.2g}")
    return Finding(
        "Learning by heart.", text, evidence, tone="warn", offer=f"Try a dropout of {dropout:g}",
        changes={"dropout": dropout, "weight_decay": decay},
    )  # fmt: skip


def _more_time(evidence: str, training: Training) -> Finding:
    changes = _twice_as_long(training)
    return Finding(
        "Learnt well.",
        "The kept-aside songs got easier until the end: more time would teach it more.",
        evidence,
        offer="Try twice as long" if changes else "",
        changes=changes,
    )


def _twice_as_long(training: Training) -> dict[str, Any]:
    """Whatever ended the training, doubled; {} where that is the most already."""
    doubled = {}
    for name in ("budget_seconds", "epochs", "steps"):
        value, most = training.value(name), FIELDS[name].metadata["maximum"]
        # Of a budget the steps were made by its worker; a new run makes its own.
        if value is not None and (name != "steps" or training.value("budget_seconds") is None):
            doubled[name] = min(2 * value, most)
    return {name: value for name, value in doubled.items() if value != training.value(name)}


def _fully_learnt(evidence: str, gap: float, training: Training) -> Finding:
    text = "The kept-aside songs hardly get easier any more."
    wider = min(16 * round(1.5 * training.value("hidden_size") / 16), FIELDS["hidden_size"].metadata["maximum"])
    has_room = 0 < 2 * training.parameters < WEIGHTS_PER_WORD * training.train_tokens
    if gap > ROOM_GAP or not has_room or wider <= training.value("hidden_size"):
        return Finding("Fully learnt.", text, evidence)
    text += " It knows its own songs hardly better: a larger network has more room."
    return Finding("Full.", text, evidence, offer=f"Try one of {wider} units", changes={"hidden_size": wider})


# ── Words and numbers ────────────────────────────────────────────────────────────────────────────────────────────


def best_of(looks: list[Point]) -> Point:
    return min(looks, key=lambda point: point.valid_loss)


def caption(points: list[Point]) -> str:
    """Return the sentence that says what the chart of a run shows."""
    looks = judged(points)
    if not looks:
        return "The curve begins with the first steps; the kept-aside songs follow at the first look."
    first, best = looks[0], best_of(looks)
    where = "its latest" if best is looks[-1] else f"reached after epoch {best.epoch:.1f}"
    return (
        f"On the songs kept aside the loss went from {first.valid_loss:.2f} to {looks[-1].valid_loss:.2f} "
        f"nats per token; the best value, {best.valid_loss:.2f}, is {where}."
    )


def advice(error_code: str) -> str:
    """Return what helps against this kind of failure."""
    return ADVICE.get(error_code, USUAL_ADVICE)


def _gain(looks: list[Point]) -> float:
    before, now = looks[-2].valid_loss, looks[-1].valid_loss
    return (before - now) / before if before else 0.0


def _gap(look: Point) -> float:
    if not look.train_loss or look.train_loss < NO_LOSS:
        return 0.0
    return (look.valid_loss - look.train_loss) / look.train_loss


def _evidence(looks: list[Point], best: Point) -> str:
    parts = []
    if len(looks) > 1:
        before, now = _in_characters(looks[-2]), _in_characters(looks[-1])
        parts.append(f"Kept-aside songs: {before:.2f} → {now:.2f} nats per character at the last look")
    if best is not looks[-1]:
        parts.append(f"best {_in_characters(best):.2f} after epoch {best.epoch:.1f}")
    elif len(looks) == 1:
        parts.append(f"Kept-aside songs: {_in_characters(best):.2f} nats per character")
    if looks[-1].train_loss:
        parts.append(_gap_in_words(_gap(looks[-1])))
    return "; ".join(parts) + "."


def _gap_in_words(gap: float) -> str:
    percent, limit = round(100 * gap), round(100 * BY_HEART_GAP)
    if percent < 1:
        return "they are no harder than the songs it learns from"
    verdict = "over" if percent > limit else "under"
    return (
        f"they are {percent} % harder than the songs it learns from, "
        f"{verdict} the {limit} % that mean learning by heart"
    )


def _in_characters(look: Point) -> float:
    return look.valid_loss if look.nats_per_character is None else look.nats_per_character
