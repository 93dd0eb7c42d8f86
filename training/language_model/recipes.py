"""The settings that suit a training time, a tokenizer and the songs that are there.

songs ─▶ how wide a net they can fill, how much must be hidden from it ─┐
time × speed ─▶ how wide a net it can teach, how often it reads them ────┴▶ settings, each of which may be overridden

Pure Python. Every figure is measured in one of three places and interpolated between them on a log scale: 29,000 words
(the starter songbook), 250,000 (a thousand songs) and one million (Penn Treebank); that for 13 million is extrapolated.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from training.language_model.presets import PRESETS, TOKENIZER_CHOICES
from training.language_model.shapes import CELL_KINDS

# FLOP/s that one core reaches on nets of this kind where nobody has measured a machine.
USUAL_FLOPS = 1e11
# (FLOPs in the budget, the widest net they can teach): 70, 540, 2520 and 27,000 seconds at the usual speed.
WIDTH_BY_WORK = ((7e12, 256), (5.4e13, 400), (2.5e14, 512), (2.7e15, 768))
# From this much work on, and on songs that fill it, a second layer earns its time.
WORK_FOR_TWO_LAYERS = 2.4e14
# Songs read fewer times than this can't be learnt by heart, so nothing has to be hidden from the net; from the second
# figure on all of it.
READINGS_THAT_HIDE_NOTHING, READINGS_THAT_HIDE_ALL = 2, 5
# A large vocabulary is scored by a sample for most of the time.
SCORED_WHOLE, SAMPLE, SHARE_SCORED_WHOLE = 8_000, 1_024, 0.2
# Held back from a large collection: more songs judge no better, and each judgement takes time from learning.
SONGS_TO_JUDGE, MOST_HELD_BACK, LEAST_HELD_BACK = 1_000, 0.1, 0.02
WIDTH_STEP, BATCH_STEP, SEQUENCE_STEP = 16, 4, 8
# Of the different words of English songs this share is seen m times or more: m ** -0.86 (128 to 3,600 songs).
COUNT_EXPONENT = 0.86
MARKS = 12  # line, stanza, sections, begin, end, unknown
DIFFERENT_CHARACTERS = 90  # of English songs: 70 in 128 songs, 113 in 3,600


@dataclass(frozen=True, kw_only=True)
class CorpusSize:
    """How much there is to read, as `Dataset.statistics` counts it."""

    songs: int
    lines: int
    words: int
    characters: int
    different_words: int

    @classmethod
    def of(cls, statistics: Mapping[str, Any]) -> "CorpusSize | None":
        """The size that a dataset's statistics tell, None where they tell none."""
        if not statistics.get("words"):
            return None
        return cls(**{name: int(statistics.get(name) or 0) for name in cls.__dataclass_fields__})

    @classmethod
    def usual(cls, words: int) -> "CorpusSize":
        """English songs of so many words: 205 words in 31 lines a song, and Heaps' law for the different ones."""
        return cls(
            songs=max(2, words // 205),
            lines=max(1, words // 7),
            words=words,
            characters=round(5.25 * words),
            different_words=round(11.5 * words**0.58),
        )


@dataclass(frozen=True, kw_only=True)
class Place:
    """What suits a collection of so many tokens, as far as time allows it."""

    tokens: float
    hidden_size: int
    dropout: float
    weight_decay: float
    learning_rate: float
    batch_size: int
    sequence_length: int
    epochs: int
    vocabulary_limit: int = 10_000


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a tokenizer makes of songs, and the settings that suit it by their size.

    Attributes:
        per_word, per_line, per_character: tokens in each.
        places: by size, the smallest first.
        tells_apart: (songs, limit, minimum count) gives about how many tokens they come to.
        embedding_size: 0: as wide as the net, so that one table reads and writes without a projection.
        tokens_for_two_layers: how much there has to be to read before a second layer is worth it.
        settings: what stays the same at every size.
    """

    places: tuple[Place, ...]
    tells_apart: Callable[[CorpusSize, int, int], int]
    per_word: float = 0.0
    per_line: float = 0.0
    per_character: float = 0.0
    embedding_size: int = 0
    tokens_for_two_layers: int
    settings: dict[str, Any] = field(default_factory=dict)

    def tokens(self, corpus: CorpusSize) -> int:
        """About how many tokens all songs have, begin and end of each among them."""
        text = self.per_word * corpus.words + self.per_line * corpus.lines + self.per_character * corpus.characters
        return round(text) + 2 * corpus.songs


def words_told_apart(corpus: CorpusSize, limit: int, minimum_count: int) -> int:
    return max(1, min(limit, round(corpus.different_words * minimum_count**-COUNT_EXPONENT))) + MARKS


def characters_told_apart(corpus: CorpusSize, limit: int, minimum_count: int) -> int:
    return min(limit, DIFFERENT_CHARACTERS) + MARKS


def pieces_told_apart(corpus: CorpusSize, limit: int, minimum_count: int) -> int:
    return limit


# Swept on the starter songbook: all that matters there is not to learn it by heart. A net of 128 with strong decay is
# as good at its last step as at its best one, in nats per character .996 (lstm), .997 (gru) and 1.013 (rnn) after 25
# epochs, .986 (lstm) after 60, and no better after 120; a net of 192 was .006 worse, one of 256 with the usual decay
# reached 1.04 in five epochs and then got worse.
# A million words: 97.7 perplexity on Penn Treebank after 420 seconds of one core.
WORD_PLACES = (
    Place(
        tokens=40_000, hidden_size=128, dropout=0.6, weight_decay=1.0, learning_rate=0.005, batch_size=20,
        sequence_length=48, epochs=60,
    ),
    Place(
        tokens=330_000, hidden_size=320, dropout=0.4, weight_decay=0.05, learning_rate=0.01, batch_size=32,
        sequence_length=48, epochs=40,
    ),
    Place(
        tokens=1_300_000, hidden_size=400, dropout=0.35, weight_decay=0.02, learning_rate=0.01, batch_size=32,
        sequence_length=48, epochs=30, vocabulary_limit=20_000,
    ),
    Place(
        tokens=17_000_000, hidden_size=768, dropout=0.1, weight_decay=0.01, learning_rate=0.006, batch_size=64,
        sequence_length=64, epochs=12, vocabulary_limit=30_000,
    ),
)  # fmt: skip
CHARACTER_PLACES = (
    Place(
        tokens=150_000, hidden_size=256, dropout=0.4, weight_decay=0.3, learning_rate=0.008, batch_size=32,
        sequence_length=96, epochs=24,
    ),
    Place(
        tokens=1_300_000, hidden_size=384, dropout=0.25, weight_decay=0.03, learning_rate=0.006, batch_size=32,
        sequence_length=96, epochs=24,
    ),
    Place(
        tokens=5_200_000, hidden_size=512, dropout=0.25, weight_decay=0.01, learning_rate=0.004, batch_size=48,
        sequence_length=128, epochs=24,
    ),
    Place(
        tokens=70_000_000, hidden_size=768, dropout=0.05, weight_decay=0.01, learning_rate=0.004, batch_size=64,
        sequence_length=128, epochs=8,
    ),
)  # fmt: skip

# Pieces of words: read like words, told apart by a number of them that follows the songs. The first place was swept on
# the starter songbook: 1.378 nats per character after 45 epochs, with a rate of .005 1.417, with 256 units 1.409.
PIECE_PLACES = tuple(
    replace(place, tokens=1.2 * place.tokens, vocabulary_limit=limit, learning_rate=rate, epochs=min(place.epochs, 45))
    for place, limit, rate in zip(WORD_PLACES, (2_000, 4_000, 8_000, 8_000), (0.01, 0.01, 0.01, 0.006), strict=True)
)

READINGS = {
    "word": Reading(
        places=WORD_PLACES,
        tells_apart=words_told_apart,
        per_word=1.15,
        per_line=1.0,
        tokens_for_two_layers=4_000_000,
    ),
    "char": Reading(
        places=CHARACTER_PLACES,
        tells_apart=characters_told_apart,
        per_character=0.99,
        embedding_size=64,
        tokens_for_two_layers=4_000_000,
        settings={"sample_tokens": 240},
    ),
    "bpe": Reading(
        places=PIECE_PLACES,
        tells_apart=pieces_told_apart,
        per_word=1.35,
        per_line=1.0,
        tokens_for_two_layers=5_000_000,
        settings={"sample_tokens": 80},
    ),
}


def recipe(
    preset: str,
    tokenizer: str,
    architecture: str,
    corpus: CorpusSize | None = None,
    flops_per_second: float | None = None,
) -> dict[str, Any]:
    """The settings that make the most of a preset's time on these songs.

    Args:
        preset, tokenizer: names that exist.
        architecture: decides how much work a token of a given width is; any name is taken.
        corpus: the songs; None for those that the preset was made for.
        flops_per_second: what trainings reach on this machine, None where nobody knows. Only its power of two counts,
            so that two looks at one machine give the same settings.
    """
    chosen, reading = PRESETS[preset], READINGS[tokenizer]
    corpus = corpus or CorpusSize.usual(chosen.usual_words)
    tokens = reading.tokens(corpus)
    work = chosen.budget_seconds * USUAL_FLOPS * power_of_two((flops_per_second or USUAL_FLOPS) / USUAL_FLOPS)
    place = between(reading.places, tokens)
    hidden_size = in_steps(min(place["hidden_size"], on_log_scale(work, WIDTH_BY_WORK)), WIDTH_STEP)
    vocabulary_limit = min(in_steps(place["vocabulary_limit"], 1000), chosen.most_vocabulary)
    shape = {
        "embedding_size": reading.embedding_size or hidden_size,
        "hidden_size": hidden_size,
        "num_layers": 2 if work >= WORK_FOR_TWO_LAYERS and tokens >= reading.tokens_for_two_layers else 1,
    }
    vocabulary = reading.tells_apart(corpus, vocabulary_limit, 2)
    epochs = round(place["epochs"])
    readings = min(epochs, work / (6 * multiplied_weights(architecture, vocabulary, **shape) * tokens))
    held_back = min(MOST_HELD_BACK, max(LEAST_HELD_BACK, SONGS_TO_JUDGE / corpus.songs))
    learning = {
        "dropout": round(place["dropout"] * share_to_hide(readings), 2),
        "weight_decay": two_digits(place["weight_decay"]),
        "learning_rate": two_digits(place["learning_rate"]),
        "batch_size": in_steps(place["batch_size"], BATCH_STEP),
        "sequence_length": in_steps(place["sequence_length"], SEQUENCE_STEP),
        "validation_fraction": round(held_back, 3),
        "test_fraction": round(held_back / 2, 3),
    }
    duration = {"budget_seconds": chosen.budget_seconds, "evaluations": chosen.evaluations, "epochs": epochs}
    return duration | shape | learning | {"vocabulary_limit": vocabulary_limit} | reading.settings


def multiplied_weights(
    architecture: str, vocabulary: int, *, embedding_size: int, hidden_size: int, num_layers: int
) -> int:
    """The weights that each token of a tied net is multiplied with."""
    kind = CELL_KINDS.get(architecture, CELL_KINDS["lstm"])
    recalled = hidden_size if kind.reads_memory else 0
    inputs = embedding_size + recalled + (num_layers - 1) * (hidden_size + recalled)
    scored = vocabulary if vocabulary < SCORED_WHOLE else SAMPLE + SHARE_SCORED_WHOLE * (vocabulary - SAMPLE)
    return embedding_size * round(scored) + len(kind.gates) * hidden_size * inputs


def share_to_hide(readings: float) -> float:
    """How much of the dropout a net needs that reads the songs so often, from 0 to 1."""
    share = (readings - READINGS_THAT_HIDE_NOTHING) / (READINGS_THAT_HIDE_ALL - READINGS_THAT_HIDE_NOTHING)
    return min(1.0, max(0.0, share))


def usual_recipes(preset: str) -> dict[str, dict[str, Any]]:
    """By tokenizer, the settings of a preset on the songs that it was made for."""
    return {choice["name"]: recipe(preset, choice["name"], "lstm") for choice in TOKENIZER_CHOICES}


def unknown_share(corpus: CorpusSize, *, limit: int, minimum_count: int) -> float:
    """About what share of all words stands outside a vocabulary of words.

    Counts c ** -0.86 (see `COUNT_EXPONENT`) say how often a word is seen: of 18,000 different words in 305,000 it gives
    .027 for those seen once (counted: .023) and .074 for those seen fewer than five times (.061).
    """
    if not corpus.words:
        return 0.0
    beyond = (corpus.different_words / limit) ** (1 / COUNT_EXPONENT)
    seen_at_least = max(float(minimum_count), beyond)
    share, count = 0.0, 1
    while count < seen_at_least and count < 10_000:
        seen_so_often = count**-COUNT_EXPONENT - (count + 1) ** -COUNT_EXPONENT
        share += count * seen_so_often * min(1.0, seen_at_least - count)
        count += 1
    return min(1.0, share * corpus.different_words / corpus.words)


def between(places: tuple[Place, ...], tokens: float) -> dict[str, float]:
    """Every figure at ``tokens``, on a log scale between the two places next to it, flat beyond the last ones."""
    names = [name for name in Place.__dataclass_fields__ if name != "tokens"]
    return {name: on_log_scale(tokens, [(place.tokens, getattr(place, name)) for place in places]) for name in names}


def on_log_scale(x: float, points) -> float:
    """The height at ``x`` of straight lines through ``points`` on paper with two log scales, flat beyond them."""
    right = bisect_left([point[0] for point in points], x)
    if right == 0:
        return points[0][1]
    if right == len(points):
        return points[-1][1]
    (x0, y0), (x1, y1) = points[right - 1], points[right]
    share = math.log(x / x0) / math.log(x1 / x0)
    return math.exp((1 - share) * math.log(y0) + share * math.log(y1))


def two_digits(value: float) -> float:
    """``value`` with the two digits that are known of it."""
    return float(f"{value:.2g}")


def in_steps(value: float, step: int) -> int:
    """``value`` rounded to a multiple of ``step``, at least one."""
    return max(1, round(value / step)) * step


def power_of_two(value: float) -> float:
    """The power of two that is nearest to ``value``."""
    return 2.0 ** round(math.log2(value))
