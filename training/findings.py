"""What the numbers of a run mean, in a sentence each, with the evidence beside it."""

from dataclasses import dataclass

from training.curves import Point, judged

# The loss has to fall by this share to count as getting easier; below it lies the noise of one look.
WORTH_NAMING = 0.003
# Validation this much above training (in shares of it) means that the network knows its songs by heart.
BY_HEART_GAP = 0.25
LOOKS_WITHOUT_GAIN = 2

# Beside the run's own sentence, which often says already what to change.
ADVICE = {
    "corpus_too_small": "Add songs to the dataset, or let it read characters: that makes more of few songs.",
    "diverged": "What it wrote and measured before stays here; half the learning rate usually helps.",
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
    """What the curve says: a verdict, what to do with it, and the numbers behind it."""

    title: str
    text: str
    evidence: str = ""
    tone: str = ""


def finding(points: list[Point], *, is_finished: bool) -> Finding | None:
    """Return what the curve says so far, or None before the first look at the kept-aside songs."""
    looks = judged(points)
    if not looks:
        return None
    best = best_of(looks)
    since_best = len(looks) - 1 - looks.index(best)
    if len(looks) == 1:
        text = "One look at the kept-aside songs is taken; the next one says where it goes."
        return Finding("A first look.", text, _evidence(looks, best))
    if since_best >= LOOKS_WITHOUT_GAIN and _gap(looks[-1]) > BY_HEART_GAP:
        text = "The songs it learns from still get easier, the kept-aside ones don't. The best point is what is kept."
        return Finding("Learning by heart.", text, _evidence(looks, best), tone="warn")
    if since_best >= LOOKS_WITHOUT_GAIN:
        return Finding("Past its best.", "The best point is what is kept.", _evidence(looks, best))
    if _gain(looks) > WORTH_NAMING:
        return Finding(
            "Learning well." if not is_finished else "Learnt well.", _outlook(is_finished), _evidence(looks, best)
        )
    text = "The kept-aside songs hardly get easier any more."
    return Finding("Nearly done." if not is_finished else "Fully learnt.", text, _evidence(looks, best))


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


def _outlook(is_finished: bool) -> str:
    if is_finished:
        return "The kept-aside songs got easier until the end: more time would teach it more."
    return "The kept-aside songs still get easier with each look, so let it run."


def _gain(looks: list[Point]) -> float:
    before, now = looks[-2].valid_loss, looks[-1].valid_loss
    return (before - now) / before if before else 0.0


def _gap(look: Point) -> float:
    if not look.train_loss:
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
