"""Whether a network that reads a stanza again knows it: against the same song with another stanza in the first's place.

    <begin> verse · CHORUS · verse · CHORUS      actual: nats per token of the second chorus
    <begin> verse · other  · verse · CHORUS      control: another song's stanza stands where the first one stood

A second chorus is easier than a first for reasons that are no memory: it is short and plain, and it stands late in its
song. All of that is in the control too, so recall = control - actual is what having read the stanza is worth.
"""

from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor

from training.language_model.networks import LyricNetwork
from training.language_model.probes.reading import Span, mean_and_error, token_losses

SHORTEST_STANZA = 6  # tokens; "oh, oh" is no chorus
LIKENESS = 0.9  # of two stanzas that count as one, as a share of equal tokens in order
UNLIKENESS = 0.5  # the most that the stanza of the control may be like the one it replaces
MOST_REPEATS = 96
FEWEST_REPEATS = 8  # below, one odd song decides
EVIDENCE = 2  # standard errors


@dataclass(frozen=True, kw_only=True)
class Repeat:
    """A stanza of ``song`` that comes again: where it stands the first time and the second, as [start, end)."""

    song: Tensor
    first: Span
    second: Span
    source: int = 0  # which song it is, so that the control's stanza comes from another

    @property
    def distance(self) -> int:
        """How many tokens back the first one lies."""
        return self.second[0] - self.first[0]

    def with_first(self, stanza: Tensor) -> "Repeat":
        """The same song with ``stanza`` where the first one stood."""
        start, end = self.first
        shift = len(stanza) - (end - start)
        return Repeat(
            song=torch.cat([self.song[:start], stanza, self.song[end:]]),
            first=(start, start + len(stanza)),
            second=(self.second[0] + shift, self.second[1] + shift),
            source=self.source,
        )


@dataclass(frozen=True, kw_only=True)
class Recall:
    """What was measured of each repeat: its distance, and nats per token where it stands, each of shape (repeats,)."""

    distances: Tensor
    first: Tensor
    second: Tensor
    control: Tensor

    @cached_property
    def each(self) -> Tensor:
        return self.control - self.second

    @property
    def mean(self) -> float:
        return mean_and_error(self.each)[0]

    @property
    def error(self) -> float:
        """The standard error of the mean over the stanzas."""
        return mean_and_error(self.each)[1]

    @property
    def is_evident(self) -> bool:
        """Whether there is recall that chance would not make."""
        return self.mean > max(EVIDENCE * self.error, 0.01)

    def by_distance(self) -> list[dict]:
        """The recall of stanzas 1 to 2, 2 to 4, 4 to 8 … tokens back, those distances alone that were found."""
        powers = self.distances.double().log2().floor().long()
        rows = []
        for power in sorted(set(powers.tolist())):
            chosen = powers == power
            recall, error = mean_and_error(self.each[chosen])
            rows.append(
                {
                    "from": 2**power,
                    "to": 2 ** (power + 1),
                    "distance": float(self.distances[chosen].double().mean()),
                    "stanzas": int(chosen.sum()),
                    "recall": recall,
                    "error": error,
                }
            )
        return rows


def stanza_spans(song: Tensor, break_ids: set[int]) -> list[Span]:
    """Where the stanzas of a song stand between its marks: begin, end, stanza and section tokens are not in them."""
    marks = [index for index, token in enumerate(song.tolist()) if token in break_ids]
    edges = [-1, *marks, len(song)]
    return [(before + 1, after) for before, after in pairwise(edges) if after > before + 1]


def likeness(one: list[int], other: list[int], at_least: float = 0.0) -> float:
    """The share of equal tokens in order, from 0 to 1; 0 as soon as it can't reach ``at_least``.

    Ratcliff and Obershelp's measure, as `difflib` has it. Most pairs are told apart by their lengths and tokens alone.
    """
    total = len(one) + len(other)
    if 2 * min(len(one), len(other)) < at_least * total:
        return 0.0
    if 2 * (Counter(one) & Counter(other)).total() < at_least * total:
        return 0.0
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def find_repeats(songs: list[Tensor], break_ids: set[int], *, most: int = MOST_REPEATS) -> list[Repeat]:
    """Stanzas that are read a second time, word for word or nearly, at most ``most`` of them, spread over the songs.

    A third time is left out, as its control would need two stanzas replaced. The song ends with the second one.
    """
    found = [repeat for source, song in enumerate(songs) for repeat in _repeats_of(song, source, break_ids)]
    stride = max(1, len(found) / most)
    return [found[int(place * stride)] for place in range(min(most, len(found)))]


def _repeats_of(song: Tensor, source: int, break_ids: set[int]) -> list[Repeat]:
    tokens = song.tolist()
    spans = [span for span in stanza_spans(song, break_ids) if span[1] - span[0] >= SHORTEST_STANZA]
    repeats, copies = [], set()
    for index, first in enumerate(spans):
        if index in copies:
            continue
        stanza = tokens[slice(*first)]
        alike = [
            other
            for other in range(index + 1, len(spans))
            if other not in copies and likeness(stanza, tokens[slice(*spans[other])], LIKENESS) >= LIKENESS
        ]
        copies.update(alike)
        if alike:
            second = spans[alike[0]]
            repeats.append(Repeat(song=song[: second[1]], first=first, second=second, source=source))
    return repeats


def with_controls(repeats: list[Repeat], songs: list[Tensor], break_ids: set[int]) -> list[tuple[Repeat, Repeat]]:
    """Each repeat beside its control: another song's stanza in the place of the first, the nearest to it in length.

    A stanza that is itself like the one it replaces (a cover, a common refrain) is no control and is passed over; a
    repeat for which there is no other one is left out.
    """
    stanzas = [
        (source, song[slice(*span)])
        for source, song in enumerate(songs)
        for span in stanza_spans(song, break_ids)
        if span[1] - span[0] >= SHORTEST_STANZA
    ]
    others = ((repeat, _other_stanza(repeat, stanzas)) for repeat in repeats)
    return [(repeat, repeat.with_first(other)) for repeat, other in others if other is not None]


def _other_stanza(repeat: Repeat, stanzas: list[tuple[int, Tensor]]) -> Tensor | None:
    length = repeat.first[1] - repeat.first[0]
    copy = repeat.song[slice(*repeat.second)].tolist()
    # From the next song on, so that not every control takes the same stanza where many are equally long.
    others = sorted(
        (abs(len(stanza) - length), (source - repeat.source) % (1 + stanzas[-1][0]), place)
        for place, (source, stanza) in enumerate(stanzas)
        if source != repeat.source
    )
    for _, _, place in others:
        stanza = stanzas[place][1]
        if likeness(stanza.tolist(), copy, UNLIKENESS) < UNLIKENESS:
            return stanza
    return None


def chorus_recall(network: LyricNetwork, pairs: list[tuple[Repeat, Repeat]]) -> Recall:
    """Measure repeats against their controls, as `with_controls` pairs them."""
    repeats, controls = [repeat for repeat, _ in pairs], [control for _, control in pairs]
    actual = token_losses(network, [one.song for one in repeats], [[one.first, one.second] for one in repeats])
    other = token_losses(network, [one.song for one in controls], [[one.second] for one in controls])

    def nats(losses: list[Tensor], spans: list[Span]) -> Tensor:
        return torch.tensor([float(one[slice(*span)].mean()) for one, span in zip(losses, spans, strict=True)])

    return Recall(
        distances=torch.tensor([repeat.distance for repeat in repeats]),
        first=nats(actual, [repeat.first for repeat in repeats]),
        second=nats(actual, [repeat.second for repeat in repeats]),
        control=nats(other, [control.second for control in controls]),
    )
