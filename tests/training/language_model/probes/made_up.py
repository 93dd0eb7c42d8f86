"""Songs made up for proofs: where each next token comes from is known, and so is the least loss."""

import torch
from torch import Tensor
from torch.nn import functional

from training.language_model.networks import LyricNetwork, NetworkShape

ORDER = 8  # of the Markov source
FLIPPED = 0.04  # of its tokens
COPY_LAG = 4
# Copies: two values, a filler, the question, and a rest between two copies.
FILLER, ASK = 2, 3
# Songs: begin, end, the marks of two sections, four tokens of choruses, four of verses.
BEGIN, END, VERSE, CHORUS = range(4)
BREAKS = {BEGIN, END, VERSE, CHORUS}
FIRST_OF_CHORUS, FIRST_OF_VERSE, SYMBOLS = 4, 8, 12
CHORUS_LENGTH = 6
CHORUS_STARTS = (2, 15)


def build(architecture: str, *, vocabulary: int, hidden: int, seed: int = 3, layers: int = 1) -> LyricNetwork:
    shape = NetworkShape(
        architecture=architecture,
        vocabulary_size=vocabulary,
        embedding_size=8,
        hidden_size=hidden,
        num_layers=layers,
        tie_embeddings=False,
    )
    return LyricNetwork(shape, generator=torch.Generator().manual_seed(seed))


def learn(network: LyricNetwork, make_batch, *, steps: int, learning_rate: float) -> LyricNetwork:
    """The network after ``steps`` fresh batches of ``make_batch(generator)``, each (T, B)."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(1)
    optimizer = torch.optim.AdamW(network.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps, pct_start=0.1)
    for _ in range(steps):
        tokens = make_batch(generator)
        logits, _ = network(tokens[:-1])
        loss = functional.cross_entropy(logits.flatten(0, 1), tokens[1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    torch.set_num_threads(threads)
    return network


def songs_of(columns: Tensor) -> list[Tensor]:
    return list(columns.T.contiguous())


def asked_copies(generator: torch.Generator, *, columns: int = 32, periods: int = 6) -> Tensor:
    """A value, fillers, the question, and the value again, `COPY_LAG` tokens after it, in each of the periods."""
    rows = []
    for _ in range(periods):
        value = torch.randint(0, 2, (1, columns), generator=generator)
        rows += [value, torch.full((COPY_LAG - 2, columns), FILLER), torch.full((1, columns), ASK), value]
    return torch.cat(rows)


def copied_indices(periods: int) -> list[int]:
    """Where the copies stand in a column of `asked_copies`."""
    return [period * (COPY_LAG + 1) + COPY_LAG for period in range(periods)]


def cut_somewhere(tokens: Tensor, generator: torch.Generator) -> Tensor:
    """Without up to a period of its first rows: a ruler begins to read anywhere too."""
    return tokens[int(torch.randint(0, COPY_LAG + 1, (1,), generator=generator)) :]


def order_eight(generator: torch.Generator, *, columns: int = 32, rows: int = 32) -> Tensor:
    """Each token is the one eight before it, flipped now and then; nothing nearer or farther helps to foretell it."""
    tokens = torch.randint(0, 2, (rows, columns), generator=generator)
    flips = torch.rand((rows, columns), generator=generator) < FLIPPED
    for row in range(ORDER, rows):
        tokens[row] = tokens[row - ORDER] ^ flips[row]
    return tokens


def chorus_songs(count: int, generator: torch.Generator) -> list[Tensor]:
    """Songs of chorus, verse and the same chorus: one of four tokens again and again, so only which one is news."""
    songs = []
    for _ in range(count):
        token = FIRST_OF_CHORUS + int(torch.randint(0, 4, (1,), generator=generator))
        chorus = [CHORUS, *[token] * CHORUS_LENGTH]
        verse = [VERSE, *(FIRST_OF_VERSE + torch.randint(0, 4, (5,), generator=generator)).tolist()]
        songs.append(torch.tensor([BEGIN, *chorus, *verse, *chorus, END]))
    return songs
