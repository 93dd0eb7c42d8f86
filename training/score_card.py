"""What a comparison comes to in numbers: the score card of its page, and tables and data for programs."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from training.comparison import Comparison, Entrant, Score, differing_settings, verdict

CURVE_COLUMNS = ("entrant", "run", "architecture", "seed", "step", "epoch", "tokens", "seconds", "nats_per_character")
LOOK_COLUMNS = ("step", "epoch", "tokens", "seconds", "nats_per_character")


@dataclass(frozen=True)
class Figure:
    """One entrant's value in a row of the score card."""

    score: Score
    is_best: bool = False
    note: str = ""


@dataclass(frozen=True)
class Row:
    """A measure of the score card; ``kind`` says how its numbers are written."""

    name: str
    title: str
    help: str
    kind: str
    figures: list[Figure]


def score_card(comparison: Comparison) -> list[Row]:
    """Return every measure that says something about these runs, a figure for each entrant."""
    entrants = comparison.entrants

    def scores(name: str) -> list[Score]:
        return [entrant.score_of(name) for entrant in entrants]

    rows = [
        Row(
            "nats_per_character",
            "Nats per character",
            "lower is better",
            "nats",
            _marked(scores("nats_per_character"), min),
        ),
        Row(
            "bits_per_character",
            "Bits per character",
            "the same, in bits",
            "nats",
            _marked(scores("bits_per_character"), min),
        ),
        Row(
            "baseline_nats_per_character", "N-gram baseline", "counting five words in a row", "nats", _beaten(entrants)
        ),
    ]
    if comparison.read_alike:
        perplexities = _marked(scores("perplexity"), min)
        rows.append(Row("perplexity", "Perplexity", "per token, as all read alike", "tenths", perplexities))
    if comparison.target_loss is not None:
        title, reached = f"Time to {comparison.target_loss:g}", _reached(entrants, comparison.target_loss)
        rows.append(Row("seconds_to_loss", title, "until a look was that low", "time", reached))
    speeds = _marked(scores("tokens_per_second"), max)
    rows += [
        Row("seconds", "Training time", "until its last look", "time", _marked(scores("seconds"), min)),
        Row("tokens_per_second", "Tokens a second", "on the machine it ran on", "thousands", speeds),
        _weights_row(entrants),
    ]
    return [row for row in rows if any(figure.score.mean is not None for figure in row.figures)]


def _marked(scores: list[Score], best: Callable) -> list[Figure]:
    """A figure for each score, the best one marked where one is better than all others."""
    known = [score.mean for score in scores if score.mean is not None]
    winner = best(known) if len(known) > 1 else None
    if known.count(winner) > 1:
        winner = None
    return [Figure(score, is_best=winner is not None and score.mean == winner) for score in scores]


def _beaten(entrants: list[Entrant]) -> list[Figure]:
    """What each model has to beat, on the same songs read as it reads them. One that does not is called out."""
    figures = []
    for entrant in entrants:
        counted, own = entrant.baseline, entrant.score.mean
        note = ""
        if counted and own is not None:
            share = 1 - own / counted
            note = f"beaten by {100 * share:.0f}\u00a0%" if share > 0 else "not beaten"
        figures.append(Figure(Score.of([counted]), note=note))
    return figures


def _reached(entrants: list[Entrant], loss: float) -> list[Figure]:
    """Seconds until ``loss``; only who got there with every seed can be the quickest."""
    scores = [Score.of(one.seconds_to(loss) for one in entrant.contenders) for entrant in entrants]
    missing = [len(entrant.contenders) - score.count for entrant, score in zip(entrants, scores, strict=True)]
    marked = _marked([Score() if gap else score for gap, score in zip(missing, scores, strict=True)], min)
    return [
        replace(figure, score=score, note=_missing_words(score.count, gap))
        for figure, score, gap in zip(marked, scores, missing, strict=True)
    ]


def _missing_words(reached: int, missing: int) -> str:
    if not missing:
        return ""
    return f"{reached} of {reached + missing} seeds" if reached else "not reached"


def _weights_row(entrants: list[Entrant]) -> Row:
    counts = [entrant.first.parameters for entrant in entrants]
    known = [count for count in counts if count]
    figures = [Figure(Score(count, None, 1) if count else Score()) for count in counts]
    help = "weights of the network"
    if len(known) == len(entrants) > 1 and max(known) <= 1.1 * min(known):
        # Rounded up, so that "within 2 %" is never said of 2.04.
        help = f"within {math.ceil(1000 * (max(known) / min(known) - 1)) / 10:g} % of each other"
    return Row("parameters", "Parameters", help, "compact", figures)


# ── for programs ──────────────────────────────────────────────────────────────────────────────────────────────────


def curve_rows(comparison: Comparison) -> Iterator[tuple]:
    """Yield every look of every run as `CURVE_COLUMNS` name it."""
    for entrant in comparison.entrants:
        for one in entrant.contenders:
            for look in one.looks:
                figures = (getattr(look, name) for name in LOOK_COLUMNS)
                yield (entrant.label, one.run.pk, one.run.architecture, one.run.seed, *figures)


def score_table(comparison: Comparison) -> tuple[list[str], list[list]]:
    """Return (header, a row for each entrant): mean and spread of every measure of the score card."""
    card = score_card(comparison)
    header = ["entrant", "architecture", "runs"]
    header += [f"{row.name}{suffix}" for row in card for suffix in ("", "_spread")]
    rows = []
    for place, entrant in enumerate(comparison.entrants):
        scores = [row.figures[place].score for row in card]
        figures = [value for score in scores for value in (score.mean, score.spread)]
        rows.append([entrant.label, entrant.architecture, len(entrant.contenders), *figures])
    return header, rows


def as_data(comparison: Comparison) -> dict:
    """Return the whole comparison as plain JSON values."""
    card = score_card(comparison)
    return {
        "verdict": verdict(comparison),
        "same_batches": comparison.same_batches,
        "same_songs": comparison.same_songs,
        "target_loss": comparison.target_loss,
        "entrants": [
            {
                "label": entrant.label,
                "architecture": entrant.architecture,
                "runs": [run.pk for run in entrant.runs],
                "scores": {
                    row.name: {"mean": score.mean, "spread": score.spread, "runs": score.count}
                    for row in card
                    for score in [row.figures[place].score]
                },
            }
            for place, entrant in enumerate(comparison.entrants)
        ],
        "differences": [{"setting": name, "values": values} for name, values in differing_settings(comparison)],
        "curves": [
            {
                "run": one.run.pk,
                "entrant": entrant.label,
                "seed": one.run.seed,
                "points": [{name: getattr(look, name) for name in LOOK_COLUMNS} for look in one.looks],
            }
            for entrant in comparison.entrants
            for one in entrant.contenders
        ],
    }
