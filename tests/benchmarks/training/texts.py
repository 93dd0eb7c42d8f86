"""Token streams to measure with, as corpora of the trainer."""

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from training.language_model.corpus import Corpus, HeldOutSongs, SongText

STREAMS = 10  # a held-out text is judged in so many pieces side by side, each with its state carried through


@dataclass(frozen=True)
class NumberedWords:
    """All that a corpus of numbers needs of a tokenizer. No song begins in a stream, so no target is left out."""

    vocabulary_size: int
    begin_id: int = -1
    unknown_id: int = -1
    condition_ids: range = range(0)


def corpus_of(tokens: Tensor, held_out: Tensor, vocabulary_size: int) -> Corpus:
    """A corpus of one stream to learn from and one to be judged by, both shape (n,)."""
    rows = len(held_out) // STREAMS
    pieces = list(held_out[: rows * STREAMS].long().view(STREAMS, rows)) if rows else [held_out.long()]
    nothing = HeldOutSongs(songs=[], characters=0, unknown_share=0.0, given=[])
    return Corpus(
        tokenizer=NumberedWords(vocabulary_size),
        tokens=tokens.int(),
        song_lengths=[len(tokens)],
        validation=HeldOutSongs(songs=pieces, characters=len(held_out), unknown_share=0.0, given=[0] * len(pieces)),
        test=nothing,
        unknown_share=0.0,
        content_hash="",
    )


def zipf_stream(vocabulary_size: int, length: int = 300_000) -> Tensor:
    """Words as often as their rank says (Zipf 1935): speed does not ask what they mean."""
    chances = 1 / torch.arange(1, vocabulary_size + 1, dtype=torch.double)
    return torch.multinomial(chances, length, replacement=True, generator=torch.Generator().manual_seed(0)).int()


def penn_treebank(folder: Path) -> Corpus:
    """Mikolov's Penn Treebank as one stream, each line ended by a token of its own."""
    ids: dict[str, int] = {}
    training, validation = (
        torch.tensor([ids.setdefault(word, len(ids)) for word in stream_of(folder / "ptb" / f"ptb.{part}.txt")])
        for part in ("train", "valid")
    )
    return corpus_of(training, validation, len(ids))


def stream_of(path: Path) -> Iterable[str]:
    for line in path.read_text(encoding="utf-8").splitlines():
        yield from line.split()
        yield "<eos>"


def songs_of(folder: Path) -> list[SongText]:
    """The songs of songs.jsonl.gz."""
    with gzip.open(folder / "songs.jsonl.gz", "rt", encoding="utf-8") as file:
        return [SongText(text=json.loads(line)["text"]) for line in file]
