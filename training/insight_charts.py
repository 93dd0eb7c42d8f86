"""The insights into one run or several as charts: vertical positions in px, horizontal ones in per cent.

A curve lies in a box of 1,000 by `HEIGHT` that is stretched to the width of the page, so that no style attribute and
no script is needed; names stand to its right, apart from each other.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from training import insights
from training.chart_scales import BASE, HEIGHT, TOP, LogScale, Scale, Tick, per_cent, px, thinned
from training.insights import Kind, nats, share, unit_of, units_of
from training.models import Insight, TrainingRun

NAME_HEIGHT = 17  # px between two names
MOST_LOOKS = 4  # earlier epochs in the chart of one run
MOST_RUNS = 10
# What is nearly flat shall look so: the least height of a chart in nats.
LEAST_RULER, LEAST_RECALL = 0.5, 0.05
NAMES = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU", "mingru": "minGRU", "minlstm": "minLSTM", "sru": "SRU"}
UNTRAINED = "untrained"


@dataclass(frozen=True)
class Dot:
    """A measured point; ``low`` and ``high`` are the ends of its error in px, "" where it has none."""

    x: str
    y: str
    low: str = ""
    high: str = ""
    is_full: bool = False


@dataclass(frozen=True)
class Line:
    """One curve. ``cell`` gives its colour and dash; a pale one is an untrained network or an earlier epoch."""

    name: str
    cell: str
    path: str
    end: float
    is_pale: bool = False
    dots: list[Dot] = field(default_factory=list)
    name_at: float = 0.0


@dataclass(frozen=True)
class Chart:
    """One insight into one run or several that read alike, ready to be drawn; ``lines`` is empty where it is only told.

    ``head`` and ``rows`` are its numbers as a table.
    """

    kind: str
    title: str
    help: str
    sentence: str
    axis: str = ""
    lines: list[Line] = field(default_factory=list)
    grid: list[Tick] = field(default_factory=list)
    marks: list[Tick] = field(default_factory=list)
    zero: str = f"{BASE:.1f}"  # where the stronger line lies, in px
    knees: list[str] = field(default_factory=list)
    head: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    height: int = HEIGHT
    base: int = BASE


@dataclass(frozen=True)
class Told:
    """A run's insight of one kind, by the name and the cell that its curve has."""

    name: str
    cell: str
    data: dict
    sentence: str


HELP = {
    Kind.MEMORY_RULER: "How far back it looks: the loss when it may see only the last few words.",
    Kind.CHORUS_RECALL: "Whether it knows a stanza again: what having read it saves.",
    Kind.GRADIENT_REACH: "How far back it can learn: how much of an error arrives there.",
}


def insights_of(runs: Iterable[TrainingRun], names: dict[str, str] | None = None) -> list[Chart]:
    """The insights into ``runs`` as charts, those of all runs in one chart for each kind.

    Args:
        runs: of any state; those without insights are left out, and those beyond `MOST_RUNS`.
        names: what each run is called, by its id; without them it is its cell, numbered where two have the same.
    Returns: at most three charts for each kind of token, as losses per letter and per word share no axis; [] where
        nothing is known yet.
    """
    runs = list(runs)[:MOST_RUNS]
    names = names or names_of(runs)
    found = Insight.objects.filter(run__in=runs).exclude(sentence="").values_list("run", "kind", "data", "sentence")
    by_place = {(run_id, kind): (data, sentence) for run_id, kind, data, sentence in found}
    charts = []
    for unit in dict.fromkeys(data["unit"] for data, _ in by_place.values()):
        for kind in Kind.values:
            told = [
                Told(names[run.pk], run.architecture, *by_place[run.pk, kind])
                for run in runs
                if (run.pk, kind) in by_place and by_place[run.pk, kind][0]["unit"] == unit
            ]
            if told:
                charts.append(chart_of(kind, told))
    return charts


def names_of(runs: list[TrainingRun]) -> dict[str, str]:
    """Each run by its cell; "LSTM 1", "LSTM 2" where two have the same."""
    cells = [run.architecture for run in runs]
    names, seen = {}, {}
    for run in runs:
        name = NAMES.get(run.architecture, run.architecture.upper())
        seen[run.architecture] = seen.get(run.architecture, 0) + 1
        is_alone = cells.count(run.architecture) == 1
        names[run.pk] = name if is_alone else f"{name} {seen[run.architecture]}"
    return names


def chart_of(kind: str, told: list[Told]) -> Chart:
    """One insight as a chart; where too little could be measured, as its sentence alone."""
    title, help = Kind(kind).label, HELP[Kind(kind)].replace("words", units_of(told[0].data))
    enough = [one for one in told if one.data["is_enough"]]
    if not enough:
        return Chart(kind, title, help, told[0].sentence)
    sentence = enough[0].sentence
    if len(told) > 1:
        sentence = insights.compared(kind, [(one.name, one.data) for one in enough])
        if lacking := [one.name for one in told if not one.data["is_enough"]]:
            sentence += f" Too little could be measured of {insights.joined(lacking)}."
    drawn = DRAWN[Kind(kind)](Chart(kind, title, help, sentence), enough)
    return replace(drawn, lines=with_names_apart(drawn.lines))


# ── The three charts ─────────────────────────────────────────────────────────────────────────────────────────────


def draw_ruler(chart: Chart, told: list[Told]) -> Chart:
    """The loss by tokens in sight, each twice as many as before, and at the end the whole song."""
    data = max((one.data for one in told), key=lambda data: len(data["lengths"]))
    lengths, unit = data["lengths"], unit_of(data)
    places = {length: index / len(lengths) for index, length in enumerate(lengths)}
    curves = [(one, ruler_points(one.data, places), False) for one in told]
    # Flat at nearly the same height for all of them: one says it.
    untrained = replace(told[0], name=UNTRAINED, data=told[0].data | told[0].data["untrained"] | {"knee": None})
    curves.append((untrained, ruler_points(untrained.data, places), True))
    losses = [loss for _, points, _ in curves for _, loss in points]
    scale = Scale.over([*losses, min(losses) + LEAST_RULER])
    lines = []
    for one, points, is_pale in curves:
        knee = one.data["knee"]
        full = [Dot(per_cent(places[knee]), px(scale.y(insights.loss_at_knee(one.data))), is_full=True)] if knee else []
        lines.append(line_of(one, points, scale, is_pale=is_pale, dots=full))
    marks = thinned([Tick(per_cent(place), f"{length:,}") for length, place in places.items()])
    rows = [
        [f"{length:,}", *(nats_at(one.data, length) for one in told), nats_at(untrained.data, length)]
        for length in lengths
    ]
    rows.append(["the whole song", *(nats(one.data["whole"]) for one in told), nats(untrained.data["whole"])])
    return replace(
        chart,
        axis=f"nats per {unit}, by {units_of(data)} in sight",
        lines=lines,
        grid=scale.grid(),
        marks=[*marks, Tick("100%", "all", "end")],
        knees=sorted({per_cent(places[one.data["knee"]]) for one in told if one.data["knee"]}),
        head=[f"Last {units_of(data)}", *(one.name for one in told), UNTRAINED],
        rows=rows,
    )


def ruler_points(data: dict, places: dict[int, float]) -> list[tuple[float, float]]:
    measured = [(places[length], loss) for length, loss in zip(data["lengths"], data["losses"], strict=True)]
    return [*measured, (1.0, data["whole"])]


def nats_at(data: dict, length: int) -> str:
    return nats(data["losses"][data["lengths"].index(length)]) if length in data["lengths"] else "–"


def draw_recall(chart: Chart, told: list[Told]) -> Chart:
    """What having read a stanza saves, by how many tokens back it stands, with its standard error."""
    untrained = replace(told[0], name=UNTRAINED, data=told[0].data | told[0].data["untrained"])
    bins = sorted({(row["from"], row["to"]) for one in told for row in one.data["by_distance"]})
    first, last = math.log2(bins[0][0]), math.log2(bins[-1][1])

    def place(distance: float) -> float:
        return (math.log2(distance) - first) / (last - first)

    everything = [row for one in (*told, untrained) for row in one.data["by_distance"]]
    ends = [row["recall"] + sign * row["error"] for row in everything for sign in (-1, 1)]
    # What is next to nothing shall neither look like much nor draw the axis below zero.
    scale = Scale.over([0.0, LEAST_RECALL, *(end for end in ends if abs(end) > LEAST_RECALL / 20)])
    lines = []
    for one in (*told, untrained):
        rows = one.data["by_distance"]
        is_pale = one is untrained
        points = [(place(row["distance"]), row["recall"]) for row in rows]
        dots = [] if is_pale else [dot_with_error(place(row["distance"]), row, scale) for row in rows]
        lines.append(line_of(one, points, scale, is_pale=is_pale, dots=dots))
    edges = sorted({edge for one in bins for edge in one})
    return replace(
        chart,
        axis=f"nats per {unit_of(told[0].data)} saved, ± standard error, by {units_of(told[0].data)} back",
        lines=lines,
        grid=scale.grid(),
        zero=px(scale.y(0)),
        marks=thinned([Tick(per_cent(place(edge)), f"{edge:,}") for edge in edges]),
        head=[f"{units_of(told[0].data).capitalize()} back", "Stanzas", *(one.name for one in (*told, untrained))],
        rows=[recall_row(one_bin, [*told, untrained]) for one_bin in bins],
    )


def dot_with_error(x: float, row: dict, scale: Scale) -> Dot:
    low, high = row["recall"] - row["error"], row["recall"] + row["error"]
    return Dot(per_cent(x), px(scale.y(row["recall"])), px(scale.y(low)), px(scale.y(high)), is_full=True)


def recall_row(one_bin: tuple[int, int], told: list[Told]) -> list[str]:
    found = [next((row for row in one.data["by_distance"] if row["from"] == one_bin[0]), None) for one in told]
    figures = [f"{nats(row['recall'])} ± {nats(row['error'])}" if row else "–" for row in found]
    stanzas = next(str(row["stanzas"]) for row in found if row)
    return [f"{one_bin[0]:,} to {one_bin[1] - 1:,}", stanzas, *figures]


def draw_reach(chart: Chart, told: list[Told]) -> Chart:
    """The gradient by lag as a share of that one token back, on a logarithmic scale; earlier epochs of one run thin."""
    untrained = replace(told[0], name=UNTRAINED, data=told[0].data | told[0].data["untrained"])
    lags = max(len(one.data["norms"]) for one in told)
    curves = [(one, shares(one.data["norms"]), False) for one in told]
    if len(told) == 1:
        curves += [
            (replace(told[0], name=epoch_name(look)), shares(look["norms"]), True)
            for look in spread(told[0].data["looks"][:-1], MOST_LOOKS)
        ]
    curves.append((untrained, shares(untrained.data["norms"]), True))
    curves = [(one, points, is_pale) for one, points, is_pale in curves if points]
    if not curves:
        return chart
    scale = LogScale.over([value for _, points, _ in curves for value in points])
    lines = [
        line_of(
            one,
            [(index / max(1, lags - 1), value) for index, value in enumerate(points)],
            scale,
            is_pale=is_pale,
        )
        for one, points, is_pale in curves
    ]
    data = told[0].data
    steps = [1, *range(lags // 4, lags + 1, max(1, lags // 4))] if lags >= 8 else list(range(1, lags + 1))
    columns = [(one.name, points) for one, points, _ in curves]
    return replace(
        chart,
        axis=f"what is left of the gradient, by {units_of(data)} back",
        lines=lines,
        grid=scale.grid(),
        marks=thinned([Tick(per_cent((lag - 1) / max(1, lags - 1)), f"{lag}") for lag in steps]),
        head=[f"{units_of(data).capitalize()} back", *(name for name, _ in columns)],
        rows=[
            [f"{lag}", *(share_at(points, lag) for _, points in columns)]
            for lag in sorted({2**power for power in range(lags.bit_length()) if 2**power <= lags} | {lags})
        ],
    )


def shares(norms: list[float]) -> list[float]:
    """Each norm as a share of the first; [] where that is nothing."""
    return [norm / norms[0] for norm in norms] if norms and norms[0] > 0 else []


def share_at(points: list[float], lag: int) -> str:
    return share(points[lag - 1]).replace(" ", "\N{NO-BREAK SPACE}") if lag <= len(points) else "–"


def epoch_name(look: dict) -> str:
    return f"epoch {look['epoch']:.0f}"


def spread(values: list, most: int) -> list:
    """At most ``most`` of the values, evenly spread, the first among them."""
    stride = max(1, math.ceil(len(values) / most))
    return values[::stride]


DRAWN = {Kind.MEMORY_RULER: draw_ruler, Kind.CHORUS_RECALL: draw_recall, Kind.GRADIENT_REACH: draw_reach}


# ── Curves and their names ───────────────────────────────────────────────────────────────────────────────────────


def line_of(told: Told, points: list[tuple[float, float]], scale, *, is_pale: bool, dots: Iterable[Dot] = ()) -> Line:
    """A curve through ``points``, each (share of the width, value)."""
    path = " ".join(
        f"{'L' if index else 'M'}{1000 * x:.0f} {scale.y(value):.1f}" for index, (x, value) in enumerate(points)
    )
    return Line(name=told.name, cell=told.cell, path=path, end=scale.y(points[-1][1]), is_pale=is_pale, dots=list(dots))


def with_names_apart(lines: list[Line]) -> list[Line]:
    """The lines with a place for each name beside the end of its curve, or as near to it as the others leave room."""
    order = sorted(lines, key=lambda line: line.end)
    places: list[float] = []
    for line in order:
        places.append(max(line.end, places[-1] + NAME_HEIGHT if places else TOP - NAME_HEIGHT / 2))
    floor = BASE + NAME_HEIGHT / 4
    for index in range(len(places) - 1, -1, -1):  # what was pushed below the chart goes up again
        places[index] = min(places[index], floor)
        floor = places[index] - NAME_HEIGHT
    named = {id(line): replace(line, name_at=round(place, 1)) for line, place in zip(order, places, strict=True)}
    return [named[id(line)] for line in lines]
