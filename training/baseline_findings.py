"""What a model's lead over its baseline means, in a sentence: every figure is worth as much as what it is beside."""

from training.baselines import lead_over, reads_alike
from training.curves import finite
from training.findings import Finding
from training.models import Baseline, TrainingRun

# Nearer than this share two figures are called equal: other seeds move a network as much.
AS_GOOD = 0.005
WHAT_HELPS = (
    "It has not learnt what mere counting finds: let it learn longer, with a larger network, a higher learning rate or "
    "less dropout."
)


def against_baseline(
    baseline: Baseline | None, metrics: dict, run: TrainingRun, *, is_finished: bool = True
) -> Finding | None:
    """What the baseline of a run says about its ``metrics``; None where either of them is missing.

    A model that has ended behind its baseline is called out; one that still learns may be behind for a while.
    """
    lead = baseline and lead_over(baseline, metrics.get("nats_per_character"))
    if lead is None:
        return None
    counted = f"Kneser-Ney of order {baseline.order} on the same songs: {baseline.nats_per_character:.2f}"
    sentence = f"{counted} nats per character; {_in_words(lead, is_finished=is_finished)}."
    if lead < -AS_GOOD and is_finished:
        return Finding(
            "Counting words does better.", f"{sentence} {WHAT_HELPS}", _evidence(baseline, metrics, run), "warn"
        )
    return Finding("", sentence, _evidence(baseline, metrics, run))


def described(baseline: Baseline, run: TrainingRun) -> dict:
    """The baseline of a run for programs, plain JSON; what compares only the same tokens is null where they differ."""
    same_tokens = reads_alike(run)
    has_learnt = run.state == TrainingRun.State.SUCCEEDED
    said = against_baseline(baseline, run.metrics, run, is_finished=has_learnt)
    return {
        "order": baseline.order,
        "reading": baseline.reading,
        "nats_per_character": baseline.nats_per_character,
        "nats_per_token": baseline.nats_per_token if same_tokens else None,
        "perplexity": baseline.perplexity if same_tokens else None,
        "test_nats_per_character": baseline.test_nats_per_character,
        "unknown_share": baseline.unknown_share,
        "tokens": baseline.tokens,
        "lead": lead_over(baseline, run.metrics.get("nats_per_character")),
        "sentence": f"{said.title} {said.text}".strip() if said else "",
    }


def _in_words(lead: float, *, is_finished: bool) -> str:
    subject = "this model is" if is_finished else "so far this one is"
    if abs(lead) <= AS_GOOD:
        return f"{subject} as good"
    # Below one per cent a whole number would say that there is no difference.
    percent = f"{abs(100 * lead):.{0 if abs(lead) >= 0.01 else 1}f} %"
    return f"{subject} {percent} {'better' if lead > 0 else 'worse'}"


def _evidence(baseline: Baseline, metrics: dict, run: TrainingRun) -> str:
    """The figures beside it: of the same tokens where the run reads as the baseline does, and of the last test."""
    parts = []
    perplexity = finite(metrics.get("perplexity"))
    if reads_alike(run) and perplexity is not None:
        parts.append(f"Perplexity on the same words: {baseline.perplexity:,.1f} counted, {perplexity:,.1f} learnt")
        parts.append(f"{100 * baseline.unknown_share:.1f} % of the words are unknown to both, and are spelt")
    at_last = finite(metrics.get("test_nats_per_character"))
    if at_last is not None and baseline.test_nats_per_character is not None:
        parts.append(f"last test: {baseline.test_nats_per_character:.2f} counted, {at_last:.2f} learnt")
    text = "; ".join(parts)
    return text[:1].upper() + text[1:] + "." if text else ""
