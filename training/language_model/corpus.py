"""Songs made ready to learn from: split, turned into tokens, cut into columns.

songs ─▶ groups (none on two sides) ─▶ training songs ─▶ tokens in columns (rows, B), read downwards
                                     ├▶ validation songs ─▶ each a sequence of its own
                                     └▶ test songs ─▶ the same, and nobody looks at them while the model learns
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from training.language_model.config import CorpusTooSmall, TrainingConfig
from training.language_model.song_groups import SongText, content_hash, group_songs, split_groups
from training.language_model.spelling import spelling_nats
from training.language_model.tokenizers import Tokenizer, learn_conditions


@dataclass(frozen=True, kw_only=True)
class HeldOutSongs:
    """The songs that a model is judged by.

    ``songs`` are token tensors (begin … end), longest first. ``characters`` counts the canonical text with its
    newlines, and one more for the end of each song: the same number for every tokenizer, so that nats divided by
    it compare. ``spelling_nats`` is what the words cost that the tokenizer does not know (see `spelling`). ``given``
    is how many tokens after each begin say what the song is to be: a model is told them, and not judged by them.
    """

    songs: list[Tensor]
    characters: int
    unknown_share: float
    spelling_nats: float = 0.0
    given: int = 0

    @property
    def tokens(self) -> int:
        """How many tokens are predicted: all but each song's begin and what is given."""
        return sum(len(song) - 1 - self.given for song in self.songs)


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """Songs as numbers: ``tokens`` (int32, all training songs one after another) and the held-out songs."""

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
        counts = torch.bincount(self.tokens.long(), minlength=self.tokenizer.vocabulary_size)
        counts[[self.tokenizer.begin_id, *self.tokenizer.condition_ids]] = 0
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


def windows(
    columns: Tensor, sequence_length: int, *, tokenizer: Tokenizer | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """(inputs, targets) one below the other through ``columns`` (rows, B): each (T, B), targets one row further.

    What a song is told to be is nothing to guess: with a ``tokenizer``, begin marks stand in such a target's place.
    """
    targets = columns
    if tokenizer is not None and tokenizer.condition_ids:
        given = tokenizer.condition_ids
        targets = columns.masked_fill((columns >= given.start) & (columns < given.stop), tokenizer.begin_id)
    last = len(columns) - 1
    for start in range(0, last, sequence_length):
        end = min(start + sequence_length, last)
        yield columns[start:end], targets[start + 1 : end + 1]


def build_corpus(
    songs: Iterable[SongText], config: TrainingConfig, *, dataset_hash: str = "", tokenizer: Tokenizer | None = None
) -> Corpus:
    """The corpus that ``config`` makes of songs; the same for the same songs in any order.

    Which songs are held back depends on ``dataset_hash`` (without one, on the songs' own hash) and not on the seed,
    so that runs with different seeds are judged by the same songs.

    The vocabulary is learnt from the training songs alone, so that validation meets new words as a reader would; a
    ``tokenizer`` that is given, as that of a model to be trained further, is kept as it is.
    Raises: CorpusTooSmall if there are fewer than two groups of different songs, or too few tokens for one window.
    """
    told: dict[str, tuple[str, str]] = {}
    groups = group_songs(songs, told=told if config.condition_on else None)
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
    encoded = encode_songs(split.training, tokenizer, told)
    corpus = Corpus(
        tokenizer=tokenizer,
        tokens=torch.tensor([token for song in encoded for token in song], dtype=torch.int32),
        song_lengths=[len(song) for song in encoded],
        validation=hold_out(split.validation, tokenizer, told),
        test=hold_out(split.test, tokenizer, told),
        unknown_share=tokenizer.unknown_share(token for song in encoded for token in song),
        content_hash=own_hash,
    )
    corpus.largest_batch(config.sequence_length)
    return corpus


def encode_songs(texts: list[str], tokenizer: Tokenizer, told: Mapping[str, tuple[str, str]]) -> list[list[int]]:
    """The token ids of canonical texts; ``told`` has the (genre, artist) of those that say."""
    nothing = ("", "")
    named = ((text, *told.get(text, nothing)) for text in texts)
    return [tokenizer.encode_song(text, genre=genre, artist=artist) for text, genre, artist in named]


def hold_out(
    texts: list[str], tokenizer: Tokenizer, told: Mapping[str, tuple[str, str]] = MappingProxyType({})
) -> HeldOutSongs:
    """Canonical texts as held-out songs of a tokenizer."""
    encoded = sorted(encode_songs(texts, tokenizer, told), key=len, reverse=True)
    unknown_share = tokenizer.unknown_share(token for song in encoded for token in song)
    return HeldOutSongs(
        songs=[torch.tensor(song) for song in encoded],
        characters=sum(len(text) + 1 for text in texts),
        unknown_share=unknown_share,
        spelling_nats=spelling_nats(texts, tokenizer) if unknown_share else 0.0,
        given=len(tokenizer.conditions.kinds),
    )
