"""What the insights into runs say, in one sentence each: for one run, and for several side by side.

Plain numbers in, words out; the numbers are those that `training.explanation` has measured.
"""

from collections.abc import Callable

from training.models import Insight

# One of what a network reads at a time, and several.
UNITS = {"char": ("letter", "letters"), "word": ("word", "words"), "bpe": ("word piece", "word pieces")}
SAME_SHARE = 0.02  # of a loss, see `memory_ruler.KNEE_SHARE`: so near to another it counts as the same
GONE = "a hundredth"  # what is left of a gradient that counts as gone, see `gradient_reach.REACHED_SHARE`

Kind = Insight.Kind
# Runs by the name they go by, each with the data of its insight.
Named = list[tuple[str, dict]]


def unit_of(data: dict) -> str:
    return UNITS.get(data.get("unit"), UNITS["word"])[0]


def units_of(data: dict, count: float = 2) -> str:
    one, several = UNITS.get(data.get("unit"), UNITS["word"])
    return one if count == 1 else several


def counted(count: int, data: dict) -> str:
    """Such as "16 words"."""
    return f"{count:,} {units_of(data, count)}"


def nats(value: float) -> str:
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")


def share(value: float) -> str:
    """Such as "12 %", with a digit more below one per cent."""
    return f"{value:.0%}".replace("%", " %") if value >= 0.01 else f"{100 * value:.1g} %"


def joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


# ── One run ──────────────────────────────────────────────────────────────────────────────────────────────────────


def sentence_of(kind: str, data: dict) -> str:
    """The one sentence (or two) that an insight shows, with the numbers of its run; honest where it shows nothing."""
    return SENTENCES[kind](data)


def ruler_sentence(data: dict) -> str:
    if not data["is_enough"]:
        found, needed = data["places"], data["needed"]
        return f"The songs kept aside are too few and too short to say: {counted(found, data)}, {needed} are needed."
    one, whole = nats(data["losses"][0]), nats(data["whole"])
    per = f"nats per {unit_of(data)}"
    if data["is_flat"]:
        is_small = data["gain"] <= max(SAME_SHARE * data["whole"], 0.02)
        flat = "Flat, to within 2 %" if is_small else f"Flat, as far as {counted(data['places'], data)} can tell"
        return (
            f"{flat}: the loss is {whole} {per} with the whole song in sight and {one} with one {unit_of(data)}, "
            "so what lies further back is of hardly any use to this network."
        )
    untrained = data["untrained"]
    control = f" An untrained network stays flat at {nats(untrained['whole'])}." if untrained["is_flat"] else ""
    if data["knee"] is None:
        farthest, loss = data["lengths"][-1], nats(data["losses"][-1])
        return (
            f"Even the last {counted(farthest, data)} are not enough to predict as with the whole song: {loss} {per} "
            f"against {whole}. With one {unit_of(data)} in sight it is {one}.{control}"
        )
    return (
        f"With the last {counted(data['knee'], data)} in sight it predicts as well as with the whole song, to within "
        f"2 %: {nats(loss_at_knee(data))} against {whole} {per}. With one {unit_of(data)} it is {one}.{control}"
    )


def loss_at_knee(data: dict) -> float:
    return data["losses"][data["lengths"].index(data["knee"])]


def recall_sentence(data: dict) -> str:
    found = data["stanzas"]
    if not found:
        return "In the songs kept aside no stanza comes again, so there is nothing to recall."
    if not data["is_enough"]:
        stanzas = f"{found} repeated stanza{'' if found == 1 else 's'}"
        return f"Too few to say: the songs kept aside have {stanzas}, {data['needed']} are needed."
    if not data["is_evident"]:
        is_nothing = max(abs(data["recall"]), data["error"]) < 0.005
        recall = "less than 0.01" if is_nothing else f"{nats(data['recall'])} ± {nats(data['error'])}"
        return (
            f"No recall that chance would not make: {recall} nats per {unit_of(data)} over {found} stanzas. To this "
            "network a stanza is no easier for having been read before."
        )
    return (
        f"A stanza that comes again costs {nats(data['second'])} nats per {unit_of(data)}, {nats(data['first'])} the "
        f"first time. Had another song's stanza stood there, it would cost {nats(data['control'])}. The difference of "
        f"{nats(data['recall'])} ± {nats(data['error'])} is recall, over {found} stanzas {data['nearest']} to "
        f"{counted(data['farthest'], data)} back."
    )


def reach_sentence(data: dict) -> str:
    if not data["is_enough"]:
        return "The songs kept aside are too short to follow a gradient back."
    norms, untrained = data["norms"], data["untrained"]
    if norms[0] <= 0:
        return "No gradient arrives even one step back: the memory of this network has no part in what it predicts."
    before = (
        f"before training that was so {counted(untrained['reach'], data)} back"
        if untrained["reach"]
        else f"before training {left(untrained['norms'], data)}"
    )
    if data["reach"]:
        return (
            f"Of the gradient one {unit_of(data)} back, less than {GONE} is left {counted(data['reach'], data)} back; "
            f"{before}."
        )
    return f"Of the gradient one {unit_of(data)} back, {left(norms, data)}; {before}."


def left(norms: list[float], data: dict) -> str:
    """Such as "14 % is still there 64 words back"."""
    if norms[0] <= 0:
        return "none was there"
    return f"{share(norms[-1] / norms[0])} is still there {counted(len(norms), data)} back"


SENTENCES: dict[str, Callable[[dict], str]] = {
    Kind.MEMORY_RULER: ruler_sentence,
    Kind.CHORUS_RECALL: recall_sentence,
    Kind.GRADIENT_REACH: reach_sentence,
}


# ── Several runs ─────────────────────────────────────────────────────────────────────────────────────────────────


def compared(kind: str, named: Named) -> str:
    """The sentence over several runs that read alike, each by the name that its curve has."""
    return COMPARISONS[kind](named)


def rulers_compared(named: Named) -> str:
    knees = sorted((data["knee"], name) for name, data in named if data["knee"])
    parts = [f"{name} needs the last {counted(knee, named[0][1])}" for knee, name in reversed(knees)]
    parts += [f"{name} is flat" for name, data in named if data["is_flat"]]
    parts += [
        f"{name} needs more than {counted(data['lengths'][-1], data)}"
        for name, data in named
        if not data["is_flat"] and data["knee"] is None
    ]
    return f"To predict as well as with the whole song, to within 2 %, {joined(parts)}."


def recalls_compared(named: Named) -> str:
    ranked = sorted(named, key=lambda one: -one[1]["recall"])
    found = [f"{name} {nats(data['recall'])} ± {nats(data['error'])}" for name, data in ranked if data["is_evident"]]
    without = [name for name, data in ranked if not data["is_evident"]]
    if not found and len(without) == 1:
        return f"{without[0]} has no recall that chance would not make."
    if not found:
        return f"Neither {' nor '.join(without)} has recall that chance would not make."
    sentence = f"What having read a stanza before saves, in nats per {unit_of(named[0][1])}: {joined(found)}"
    return f"{sentence}; none that chance would not make for {joined(without)}." if without else f"{sentence}."


def reaches_compared(named: Named) -> str:
    lags = max(len(data["norms"]) for _, data in named)
    ranked = sorted(named, key=lambda one: -(one[1]["reach"] or lags + 1))
    parts = [
        f"{name} {counted(data['reach'], data)}" if data["reach"] else f"{name} more than {counted(lags, data)}"
        for name, data in ranked
    ]
    return f"Until less than {GONE} of the gradient is left: {joined(parts)} back."


COMPARISONS: dict[str, Callable[[Named], str]] = {
    Kind.MEMORY_RULER: rulers_compared,
    Kind.CHORUS_RECALL: recalls_compared,
    Kind.GRADIENT_REACH: reaches_compared,
}
