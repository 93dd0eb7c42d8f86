"""Songs made ready to learn from: split, turned into tokens, cut into columns.

songs ─▶ groups (no duplicate on both sides) ─▶ training songs ─▶ tokens in columns (rows, B), read downwards
                                            └▶ validation songs ─▶ each a sequence of its own
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from training.language_model.config import CorpusTooSmall, TrainingConfig
from training.language_model.lyric_text import canonical
from training.language_model.tokenizers import Tokenizer

# A group that overshoots the wanted share by more than this waits; a smaller one may still fit.
MOST_OVERSHOOT = 1.25


@dataclass(frozen=True, kw_only=True)
class SongText:
    """One song; songs with the same ``duplicate_group`` (unless it is empty) stay on one side of the split."""

    text: str
    duplicate_group: str | int | None = None
    title: str = ""
    genre: str = ""


@dataclass(frozen=True, kw_only=True)
class HeldOutSongs:
    """The songs that a model is judged by.

    ``songs`` are token tensors (begin … end), longest first. ``characters`` counts the canonical text with its
    newlines, and one more for the end of each song: the same number for every tokenizer, so that nats divided by
    it compare.
    """

    songs: list[Tensor]
    characters: int
    unknown_share: float

    @property
    def tokens(self) -> int:
        """How many tokens are predicted: all but each song's begin."""
        return sum(len(song) - 1 for song in self.songs)


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Songs as numbers: ``tokens`` (int32, all training songs one after another) and the held-out songs."""

    tokenizer: Tokenizer
    tokens: Tensor
    song_lengths: list[int]
    validation: HeldOutSongs
    unknown_share: float
    content_hash: str

    @property
    def songs(self) -> int:
        return len(self.song_lengths) + len(self.validation.songs)

    def token_counts(self) -> Tensor:
        """How often each token is to be predicted in the training songs, shape (V,)."""
        counts = torch.bincount(self.tokens.long(), minlength=self.tokenizer.vocabulary_size)
        counts[self.tokenizer.begin_id] = 0
        return counts

    def columns(self, *, batch_size: int, seed: int, epoch: int) -> Tensor:
        """One reading of the training songs, in an order of its own for each epoch.

        Returns: tokens of shape (rows, B), int64; column b continues from row to row, what is left over is dropped.
        """
        generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        order = torch.randperm(len(self.song_lengths), generator=generator).tolist()
        songs = self.tokens.split(self.song_lengths)
        stream = torch.cat([songs[index] for index in order]).long()
        rows = len(stream) // batch_size
        return stream[: rows * batch_size].view(batch_size, rows).t().contiguous()

    def steps_per_epoch(self, *, batch_size: int, sequence_length: int) -> int:
        """How many windows one epoch has; the last one may be shorter than the others."""
        return -(-(len(self.tokens) // batch_size - 1) // sequence_length)

    def largest_batch(self, sequence_length: int) -> int:
        """The most columns that leave each at least one whole window. Raises CorpusTooSmall if not even one fits."""
        columns = len(self.tokens) // (sequence_length + 1)
        if columns < 1:
            raise CorpusTooSmall(
                f"The songs to learn from hold {len(self.tokens)} tokens, and one window needs {sequence_length + 1}. "
                "Add songs, or choose a shorter sequence."
            )
        return columns


def windows(columns: Tensor, sequence_length: int) -> Iterator[tuple[Tensor, Tensor]]:
    """(inputs, targets) one below the other through ``columns`` (rows, B): each (T, B), targets one row further."""
    last = len(columns) - 1
    for start in range(0, last, sequence_length):
        end = min(start + sequence_length, last)
        yield columns[start:end], columns[start + 1 : end + 1]


def build_corpus(songs: Iterable[SongText], config: TrainingConfig) -> Corpus:
    """The corpus that ``config`` makes of songs; the same for the same songs in any order.

    The vocabulary is learnt from the training songs alone, so that validation meets new words as a reader would.
    Raises: CorpusTooSmall if there are fewer than two groups of different songs, or too few tokens for one window.
    """
    groups = group_songs(songs)
    if len(groups) < 2:
        raise CorpusTooSmall(
            "A training needs at least two different songs: one to learn from and one to be judged by."
        )
    training, validation = split_groups(groups, fraction=config.validation_fraction, seed=config.seed)
    tokenizer = Tokenizer.train(training, config)
    encoded = [tokenizer.encode_song(text) for text in training]
    corpus = Corpus(
        tokenizer=tokenizer,
        tokens=torch.tensor([token for song in encoded for token in song], dtype=torch.int32),
        song_lengths=[len(song) for song in encoded],
        validation=hold_out(validation, tokenizer),
        unknown_share=tokenizer.unknown_share(token for song in encoded for token in song),
        content_hash=digest(*sorted(digest(text) for group in groups for text in group)),
    )
    corpus.largest_batch(config.sequence_length)
    return corpus


def hold_out(texts: list[str], tokenizer: Tokenizer) -> HeldOutSongs:
    """Canonical texts as held-out songs of a tokenizer."""
    encoded = sorted((tokenizer.encode_song(text) for text in texts), key=len, reverse=True)
    return HeldOutSongs(
        songs=[torch.tensor(song) for song in encoded],
        characters=sum(len(text) + 1 for text in texts),
        unknown_share=tokenizer.unknown_share(token for song in encoded for token in song),
    )


def group_songs(songs: Iterable[SongText]) -> list[list[str]]:
    """The canonical texts of songs that are not empty, those of one duplicate group or of equal text together."""
    groups: dict[str, set[str]] = {}
    leader: dict[str, str] = {}  # a text's or duplicate group's name -> the group that holds it
    for song in songs:
        text = canonical(song.text)
        if not text:
            continue
        names = {"text " + digest(text)}
        if song.duplicate_group not in (None, ""):
            names.add(f"group {song.duplicate_group}")
        merged = {leader[name] for name in names if name in leader}
        home = min(merged | names)
        groups.setdefault(home, set()).add(text)
        for other in merged - {home}:
            groups[home] |= groups.pop(other)
            names |= {name for name, place in leader.items() if place == other}
        leader.update(dict.fromkeys(names, home))
    return [sorted(texts) for texts in groups.values()]


def split_groups(groups: list[list[str]], *, fraction: float, seed: int) -> tuple[list[str], list[str]]:
    """(training, validation) texts: about ``fraction`` of all characters held back, at least one group on each side.

    The order in which groups are asked depends on the seed and their texts, not on the order they come in.
    """
    ordered = sorted(groups, key=lambda texts: digest(str(seed), *texts))
    sizes = {id(group): sum(map(len, group)) for group in ordered}
    wanted = fraction * sum(sizes.values())
    held_back: list[list[str]] = []
    taken = 0
    for group in ordered[:-1]:
        if taken < wanted and taken + sizes[id(group)] <= wanted * MOST_OVERSHOOT:
            held_back.append(group)
            taken += sizes[id(group)]
    if not held_back:
        held_back = [min(ordered, key=lambda group: sizes[id(group)])]
    kept = [group for group in ordered if not any(group is other for other in held_back)]
    return [text for group in kept for text in group], [text for group in held_back for text in group]


def digest(*parts: str) -> str:
    """A short name that depends on nothing but the parts."""
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()
