"""Texts of one model that are written side by side: one step of the network serves every row.

    text ──join──▶ a row that reads the prompt ──▶ a row for each candidate ──draw──▶ pieces … ──▶ who is done leaves

Texts come and go between steps, and a row that still reads its prompt steps along with those that write. What a row
gives does not depend on the others.
"""

from collections.abc import Iterator

import numpy as np
from numpy import ndarray

from generator.decoding import sampler
from generator.decoding.model_file import WritingModel
from generator.decoding.writer import Candidate, Piece, prompt_tokens
from generator.recipe import Recipe
from training.language_model.tokenizers import SongFacts


class Text:
    """One request: its prompt as tokens, its candidates, and how many other tokens are to be named with each drawn."""

    def __init__(self, model: WritingModel, prompt: str, recipe: Recipe, *, alternatives: int = 0) -> None:
        self.model, self.recipe, self.alternatives = model, recipe, alternatives
        wishes = SongFacts(genre=recipe.genre, artist=recipe.artist, title=recipe.title)
        self.tokens = prompt_tokens(model.tokenizer, prompt, wishes)

    def candidates(self) -> list[Candidate]:
        return [Candidate(index, self.model.tokenizer, self.recipe, self.tokens) for index in range(self.recipe.n)]


class Row:
    """One place of the batch: the token it reads next, as a prompt's reader or, with a ``candidate``, as its writer."""

    def __init__(self, text: Text, *, position: int = 0, candidate: Candidate | None = None) -> None:
        self.text, self.position, self.candidate = text, position, candidate
        self.token = text.tokens[position] if candidate is None else -1

    def read_on(self) -> bool:
        """Go to the prompt's next token; False when that was the last."""
        self.position += 1
        if self.position == len(self.text.tokens):
            return False
        self.token = self.text.tokens[self.position]
        return True


class Batch:
    """The rows of one model, and what the network remembers of each: arrays (B, H)."""

    def __init__(self, model: WritingModel) -> None:
        self.model = model
        self.rows: list[Row] = []
        self.memory = model.network.first_memory(0)
        self._forbidden = np.array(sorted(model.tokenizer.never_generated_ids), dtype=np.intp)
        self._drawn_by: list[Row] = []
        self._rules: sampler.Rules | None = None

    def join(self, text: Text) -> None:
        """Take in a text; what was read before of a prompt that begins like its own is not read again."""
        position, memory = self.model.prefixes.longest(text.tokens[:-1])
        memory = memory or self.model.network.first_memory(1)
        self._add([Row(text, position=position)], memory)

    def leave(self, text: Text) -> None:
        self._keep([place for place, row in enumerate(self.rows) if row.text is not text])

    def put_aside(self, text: Text) -> tuple[list[Row], list[ndarray]]:
        """Take a text's rows out, with all that they remember."""
        places = [place for place, row in enumerate(self.rows) if row.text is text]
        aside = [self.rows[place] for place in places], [part[places] for part in self.memory]
        self.leave(text)
        return aside

    def take_back(self, rows: list[Row], memory: list[ndarray]) -> None:
        self._add(rows, memory)

    def step(self) -> list[tuple[Text, Piece]]:
        """One step for all rows; a piece of each candidate that wrote."""
        self._note_prefixes()
        tokens = np.fromiter((row.token for row in self.rows), np.int64, len(self.rows))
        scores, self.memory = self.model.network.step(tokens, self.memory)
        writing = self._spread()
        if not writing:
            return []
        sources, rows = zip(*writing, strict=True)
        pieces = self._draw(scores if sources == tuple(range(len(scores))) else scores[list(sources)], rows)
        ended = {row for row, piece in zip(rows, pieces, strict=True) if piece.finish_reason}
        if ended:
            self._keep([place for place, row in enumerate(self.rows) if row not in ended])
        return [(row.text, piece) for row, piece in zip(rows, pieces, strict=True)]

    def _spread(self) -> list[tuple[int, Row]]:
        """Give a text that has read its prompt a row for each candidate; (place of its scores, row) of who writes."""
        if all(row.candidate is not None for row in self.rows):
            return [*enumerate(self.rows)]
        rows, sources = [], []
        for place, row in enumerate(self.rows):
            if row.candidate is not None or row.read_on():
                now = [row]
            else:
                now = [Row(row.text, position=row.position, candidate=one) for one in row.text.candidates()]
            rows += now
            sources += [place] * len(now)
        if len(rows) != len(self.rows):
            self.memory = [part[sources] for part in self.memory]
        self.rows = rows
        return [(source, row) for source, row in zip(sources, rows, strict=True) if row.candidate is not None]

    def _draw(self, scores: ndarray, rows: tuple[Row, ...]) -> list[Piece]:
        if self._rules is None or self._drawn_by != [*rows]:
            self._drawn_by, self._rules = [*rows], sampler.Rules([row.candidate.recipe for row in rows])
        totals = sampler.log_totals(scores)
        weighed = [place for place, row in enumerate(rows) if row.candidate.past.matters]
        allowed = scores.copy() if weighed else scores
        for place in weighed:
            rows[place].candidate.past.weigh(allowed[place])
        own = scores if weighed else None  # before what is forbidden is written over
        alternatives = [
            likeliest_few(scores[place], row.text.alternatives, totals[place]) if row.text.alternatives else ()
            for place, row in enumerate(rows)
        ]
        allowed[:, self._forbidden] = -np.inf
        ids, probabilities = sampler.chances(allowed, self._rules)
        numbers = np.fromiter((row.candidate.number() for row in rows), np.float64, len(rows))
        places = np.arange(len(rows))
        drawn = ids[places, sampler.pick(probabilities, numbers)]
        logs = (allowed if own is None else own)[places, drawn] - totals
        pieces = []
        for row, token, log, others in zip(rows, drawn.tolist(), logs.tolist(), alternatives, strict=True):
            row.token = token
            pieces.append(row.candidate.take(token, log, others))
        return pieces

    def _note_prefixes(self) -> None:
        """Keep what is remembered of prompts at places where another text may go on from."""
        for place, row in enumerate(self.rows):
            if row.candidate is None and self.model.prefixes.wants(row.position, len(row.text.tokens) - 1):
                read = row.text.tokens[: row.position]
                self.model.prefixes.keep(read, [part[place : place + 1].copy() for part in self.memory])

    def _add(self, rows: list[Row], memory: list[ndarray]) -> None:
        self.rows = [*self.rows, *rows]
        self.memory = [np.concatenate(pair) for pair in zip(self.memory, memory, strict=True)]

    def _keep(self, places: list[int]) -> None:
        self.rows = [self.rows[place] for place in places]
        self.memory = [part[places] for part in self.memory]


def likeliest_few(scores: ndarray, count: int, total: float) -> tuple[tuple[int, float], ...]:
    """(token, log-probability) of the ``count`` likeliest by the network alone, best first; ``scores`` are (V,)."""
    ids, values = sampler.likeliest(scores[None], count)
    few = min(count, len(scores))
    return tuple(zip(ids[0, :few].tolist(), (values[0, :few] - total).tolist(), strict=True))


def write(model: WritingModel, prompt: str, recipe: Recipe) -> Iterator[list[Piece]]:
    """Write one text with nobody beside it, as a generator of steps; to stop the work, stop iterating.

    Yields: one piece for each candidate that is not finished, after every step; empty lists while the prompt is read.
    """
    batch = Batch(model)
    batch.join(Text(model, prompt, recipe))
    while batch.rows:
        yield [piece for _, piece in batch.step()]
