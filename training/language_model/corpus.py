"""Songs made ready to learn from: split, turned into tokens, cut into columns.

songs ─▶ groups (none on two sides) ─▶ training songs ─▶ tokens in columns (rows, B), read downwards
                                     ├▶ validation songs ─▶ each a sequence of its own
                                     └▶ test songs ─▶ the same, and nobody looks at them while the model learns
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from training.language_model.config import TrainingConfig
from training.language_model.errors import CorpusTooSmall
from training.language_model.song_groups import SongText, content_hash, group_songs, split_groups
from training.language_model.spelling import spelling_nats
from training.language_model.token_store import count_tokens, store_tokens
from training.language_model.tokenizers import NOTHING_SAID, SongFacts, Tokenizer, learn_conditions


@dataclass(frozen=True, kw_only=True)
class HeldOutSongs:
    """The songs that a model is judged by.

    ``songs`` are token tensors (begin … end), longest first. ``characters`` counts the canonical text with its
    newlines, and one more for the end of each song: the same number for every tokenizer, so that nats divided by
    it compare. ``spelling_nats`` is what the words cost that the tokenizer does not know (see `spelling`). ``given``
    says of each song how many tokens after begin tell what it is to be: a model is told them, and not judged by them.
    """

    songs: list[Tensor]
    characters: int
    unknown_share: float
    given: list[int]
    spelling_nats: float = 0.0

    @property
    def tokens(self) -> int:
        """How many tokens are predicted: all but each song's begin and what is given."""
        return sum(len(song) - 1 for song in self.songs) - sum(self.given)


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Songs as numbers: ``tokens`` (of all training songs one after another, on disk) and the held-out songs."""

    tokenizer: Tokenizer
    tokens: Tensor
    song_lengths: list[int]
    validation: HeldOutSongs
    test: HeldOutSongs
    unknown_share: float
    content_hash: str

    @property
    def songs(self) -> int:
        return len(self.song_lengths) + len(self.validation.songs) + len(self.test.songs)

    def token_counts(self) -> Tensor:
        """How often each token is to be predicted in the training songs, shape (V,)."""
        counts = count_tokens(self.tokens, self.tokenizer.vocabulary_size)
        counts[[self.tokenizer.begin_id, *self.tokenizer.condition_ids]] = 0
        return counts

    def columns(self, *, batch_size: int, seed: int, epoch: int) -> Tensor:
        """One reading of the training songs, in an order of its own for each epoch.

        Returns: tokens of shape (rows, B), of the type of ``tokens``; column b continues from row to row, what is
            left over is dropped.
        """
        generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        order = torch.randperm(len(self.song_lengths), generator=generator).tolist()
        songs = self.tokens.split(self.song_lengths)
        stream = torch.cat([songs[index] for index in order])
        rows = len(stream) // batch_size
        return stream[: rows * batch_size].view(batch_size, rows).t()

    def batch_hash(self, *, batch_size: int, seed: int, epoch: int) -> str:
        """The sha256 of an epoch's columns: equal for trainings that learn from the same batches in the same order."""
        columns = self.columns(batch_size=batch_size, seed=seed, epoch=epoch)
        digest = hashlib.sha256(f"{tuple(columns.shape)} {columns.dtype}".encode())
        for column in columns.t():
            digest.update(column.numpy())
        return digest.hexdigest()

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


def windows(
    columns: Tensor, sequence_length: int, *, tokenizer: Tokenizer | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """(inputs, targets) one below the other through ``columns`` (rows, B): each (T, B), targets one row further.

    What a song is told to be is nothing to guess: with a ``tokenizer``, begin marks stand in such a target's place.
    Only the window itself becomes int64, which is what an embedding takes.
    """
    given = tokenizer.condition_ids if tokenizer is not None else range(0)
    for start in range(0, len(columns) - 1, sequence_length):
        window = columns[start : start + sequence_length + 1].long().contiguous()
        inputs, targets = window[:-1], window[1:]
        if given:
            targets = targets.masked_fill((targets >= given.start) & (targets < given.stop), tokenizer.begin_id)
        yield inputs, targets


def build_corpus(
    songs: Iterable[SongText],
    config: TrainingConfig,
    *,
    dataset_hash: str = "",
    tokenizer: Tokenizer | None = None,
    folder: Path | None = None,
) -> Corpus:
    """The corpus that ``config`` makes of songs; the same for the same songs in any order.

    Which songs are held back depends on ``dataset_hash`` (without one, on the songs' own hash) and not on the seed,
    so that runs with different seeds are judged by the same songs.

    The vocabulary is learnt from the training songs alone, so that validation meets new words as a reader would; a
    ``tokenizer`` that is given, as that of a model to be trained further, is kept as it is. The tokens to learn from
    lie in ``folder``, without one where temporary files go, until this process ends.
    Raises: CorpusTooSmall if there are fewer than two groups of different songs, or too few tokens for one window.
    """
    told: dict[str, SongFacts] = {}
    groups = group_songs(songs, told=told if config.condition_on or config.with_title else None)
    if len(groups) < 2:
        raise CorpusTooSmall(
            "A training needs at least two different songs: one to learn from and one to be judged by."
        )
    own_hash = content_hash(groups)
    split = split_groups(
        groups, validation=config.validation_fraction, test=config.test_fraction, name=dataset_hash or own_hash
    )
    if tokenizer is None:
        conditions = learn_conditions((told[text] for text in split.training if text in told), config.condition_on)
        tokenizer = Tokenizer.train(split.training, config, conditions=conditions)
    encoded = (tokenizer.encode_song(text, told.get(text, NOTHING_SAID)) for text in split.training)
    tokens, song_lengths = store_tokens(encoded, tokenizer.vocabulary_size, folder=folder)
    counts = count_tokens(tokens, tokenizer.vocabulary_size).tolist()
    corpus = Corpus(
        tokenizer=tokenizer,
        tokens=tokens,
        song_lengths=song_lengths,
        validation=hold_out(split.validation, tokenizer, told),
        test=hold_out(split.test, tokenizer, told),
        unknown_share=tokenizer.unknown_share(dict(enumerate(counts))),
        content_hash=own_hash,
    )
    corpus.largest_batch(config.sequence_length)
    return corpus


def hold_out(
    texts: list[str], tokenizer: Tokenizer, told: Mapping[str, SongFacts] = MappingProxyType({})
) -> HeldOutSongs:
    """Canonical texts as held-out songs of a tokenizer; ``told`` has what is said of them."""
    facts = [told.get(text, NOTHING_SAID) for text in texts]
    encoded = [
        (tokenizer.encode_song(text, said), len(tokenizer.encode_facts(said)))
        for text, said in zip(texts, facts, strict=True)
    ]
    encoded.sort(key=lambda song: len(song[0]), reverse=True)
    unknown_share = tokenizer.unknown_share(Counter(token for song, given in encoded for token in song[given:]))
    return HeldOutSongs(
        songs=[torch.tensor(song) for song, _ in encoded],
        characters=sum(len(text) + 1 for text in texts),
        unknown_share=unknown_share,
        spelling_nats=spelling_nats(texts, tokenizer) if unknown_share else 0.0,
        given=[given for _, given in encoded],
    )
