"""Texts of one model that are written side by side: one step of the network serves every row.

    text ──join──▶ a row that reads the prompt ──▶ a row for each candidate ──draw──▶ pieces … ──▶ who is done leaves

Texts come and go between steps, and a row that still reads its prompt steps along with those that write. What a row
gives does not depend on the others.
"""

from collections.abc import Iterator

import numpy as np
from numpy import ndarray

from generator.decoding import sampler, stretch
from generator.decoding.model_file import WritingModel
from generator.decoding.writer import MANY, Candidate, Opening, Piece, prompt_tokens
from generator.recipe import Recipe
from training.language_model.compiled_step import CompiledNetwork
from training.language_model.tokenizers import SongFacts


class Text:
    """One request: its prompt as tokens, its candidates, and how many other tokens are to be named with each drawn."""

    def __init__(self, model: WritingModel, prompt: str, recipe: Recipe, *, alternatives: int = 0) -> None:
        self.model, self.recipe, self.alternatives = model, recipe, alternatives
        wishes = SongFacts(genre=recipe.genre, artist=recipe.artist, title=recipe.title)
        self.tokens = prompt_tokens(model.tokenizer, prompt, wishes)
        self._opening = Opening(model.tokenizer, recipe, self.tokens)

    def candidates(self) -> list[Candidate]:
        return [Candidate(index, self._opening) for index in range(self.recipe.n)]


class Row:
    """One place of the batch: the token it reads next, as a prompt's reader or, with a ``candidate``, as its writer."""

    def __init__(self, text: Text, *, position: int = 0, candidate: Candidate | None = None) -> None:
        self.text, self.position, self.candidate = text, position, candidate
        self.token = text.tokens[position] if candidate is None else -1

    @property
    def last(self) -> int:
        """The place of the prompt's last token."""
        return len(self.text.tokens) - 1

    @property
    def recipe(self) -> Recipe:
        return self.candidate.recipe if self.candidate else self.text.recipe

    @property
    def marks_left(self) -> int:
        return self.candidate.marks_left if self.candidate else MANY

    def number(self, later: int) -> float:
        """The random number of a writer's draw, so many draws later; a reader needs none."""
        return self.candidate.number(later) if self.candidate else 0.0

    def told(self, later: int) -> int:
        """The token that a reader comes to after so many steps and one more; -1 for a writer, which draws it."""
        return -1 if self.candidate else self.text.tokens[self.position + later + 1]

    def skip(self, count: int) -> None:
        """Go so many tokens on in the prompt, which has more; a writer stays."""
        if self.candidate is None:
            self.position += count
            self.token = self.text.tokens[self.position]

    def read_on(self) -> bool:
        """Go to the prompt's next token; False when that was the last."""
        self.position += 1
        if self.position == len(self.text.tokens):
            return False
        self.token = self.text.tokens[self.position]
        return True


class Writers:
    """The rows that draw together, and what of them stays the same until somebody comes or goes."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.rules = sampler.Rules([row.candidate.recipe for row in rows])
        self.weighed = [place for place, row in enumerate(rows) if row.candidate.weighs]
        self.penalised = [place for place, row in enumerate(rows) if row.candidate.penalises]
        self.named = [place for place, row in enumerate(rows) if row.text.alternatives]
        self.are_plain = not self.named and all(row.candidate.is_plain for row in rows)

    def draw(self, scores: ndarray, forbidden: ndarray | slice) -> tuple[list[int], list[float], dict[int, tuple]]:
        """A token for each row of ``scores`` (B, V), which are written over; nobody's is one of the ``forbidden``.

        Returns: the tokens; their log-probabilities by the network alone; by a row's place, the likeliest tokens.
        """
        totals = sampler.log_totals(scores)
        likeliest = self._likeliest(scores, totals)
        own = scores[self.penalised] if self.penalised else None  # all others only forbid
        for place in self.weighed:
            self.rows[place].candidate.weigh(scores[place])
        scores[:, forbidden] = -np.inf
        numbers = np.array([row.candidate.number() for row in self.rows])
        drawn, values = sampler.draw(scores, self.rules, numbers)
        if own is not None:
            values[self.penalised] = own[np.arange(len(own)), drawn[self.penalised]]
        return drawn.tolist(), (values - totals).tolist(), likeliest

    def _likeliest(self, scores: ndarray, totals: ndarray) -> dict[int, tuple[tuple[int, float], ...]]:
        """(token, log-probability) of the likeliest by the network alone, best first, for who wants them named."""
        if not self.named:
            return {}
        counts = [min(self.rows[place].text.alternatives, scores.shape[1]) for place in self.named]
        ids, values = sampler.likeliest(scores[self.named], max(counts))
        logs = (values - totals[self.named, None]).tolist()
        pairs = zip(self.named, counts, ids.tolist(), logs, strict=True)
        return {place: tuple(zip(own[:count], log[:count], strict=True)) for place, count, own, log in pairs}


class Batch:
    """The rows of one model, and what the network remembers of each: arrays (B, H).

    ``steps`` counts them. ``hurry`` is set, from whatever thread, to have a `step` end that was to be several.
    """

    def __init__(self, model: WritingModel) -> None:
        self.model = model
        self.steps, self.hurry = 0, np.zeros(1, np.uint8)
        self._can_stretch = isinstance(model.network, CompiledNetwork)
        self.rows: list[Row] = []
        self.memory = model.network.first_memory(0)
        self._forbidden = _as_slice(sorted(model.tokenizer.never_generated_ids))
        self._writers: Writers | None = None
        self._rules: tuple[list[Row], sampler.Rules] | None = None

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

    def step(self, most: int = 1) -> list[tuple[Text, Piece]]:
        """One step for all rows, or several up to ``most`` where rows allow it; a piece of each candidate that wrote.

        Of several, nobody's text ends before the last, and nobody's begins.
        """
        is_reading = any(row.candidate is None for row in self.rows)
        if is_reading:
            self._note_prefixes()
        writing = [row for row in self.rows if row.candidate is not None] if is_reading else self.rows
        if most > 1 and self._can_stretch and (most := self._steps_alike(most, writing)) > 1:
            return self._stretch(most)
        self.steps += 1
        tokens = np.array([row.token for row in self.rows], np.int64)
        scores, self.memory = self.model.network.step(tokens, self.memory)
        if is_reading:
            sources, writing = self._spread()
            if not writing:
                return []
            scores = scores[sources]
        return self._take(writing, *self._writers_of(writing).draw(scores, self._forbidden))

    def _steps_alike(self, most: int, writing: list[Row]) -> int:
        """How many steps may be made at once: before a row has read its prompt, or comes to where it is noted."""
        if writing and not self._writers_of(writing).are_plain:
            return 1
        reading = [self.model.prefixes.next_place(row.position, row.last) for row in self.rows if row.candidate is None]
        return min(most, *reading, *(row.candidate.tokens_left for row in writing))

    def _stretch(self, count: int) -> list[tuple[Text, Piece]]:
        rows = self.rows
        if self._rules is None or self._rules[0] != rows:
            self._rules = rows, sampler.Rules([row.recipe for row in rows])
        self.memory = self.model.network.hold(self.memory)
        steps = stretch.write(
            self.model.network,
            self.model.tokenizer,
            np.array([row.token for row in rows], np.int64),
            self.memory,
            self._rules[1],
            np.array([[row.number(later) for row in rows] for later in range(count)]),
            told=np.array([[row.told(later) for row in rows] for later in range(count)], np.int64),
            marks_left=np.array([row.marks_left for row in rows], np.int64),
            hurry=self.hurry,
        )
        done, pieces = len(steps[0]), []
        for row in rows:
            row.skip(done)
        places = [place for place, row in enumerate(rows) if row.candidate is not None]
        writing = [rows[place] for place in places]
        for tokens, logs in zip(*steps, strict=True) if writing else ():
            drawn, values = [tokens[place] for place in places], [logs[place] for place in places]
            pieces += self._take(writing, drawn, values, {})
        self.steps += done
        return pieces

    def _writers_of(self, rows: list[Row]) -> Writers:
        if self._writers is None or self._writers.rows != rows:
            self._writers = Writers(rows)
        return self._writers

    def _spread(self) -> tuple[list[int], list[Row]]:
        """Give who has read its prompt a row for each candidate; (places of their scores, rows) of who writes."""
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
        writing = [(source, row) for source, row in zip(sources, rows, strict=True) if row.candidate is not None]
        return [source for source, _ in writing], [row for _, row in writing]

    def _take(
        self, writing: list[Row], drawn: list[int], logs: list[float], likeliest: dict[int, tuple]
    ) -> list[tuple[Text, Piece]]:
        """Let each writer go on with what it drew; who is done leaves."""
        pieces, ended = [], set()
        for place, (row, token, log) in enumerate(zip(writing, drawn, logs, strict=True)):
            row.token = token
            piece = row.candidate.take(token, log, likeliest.get(place, ()))
            pieces.append((row.text, piece))
            if piece.finish_reason:
                ended.add(row)
        if ended:
            self._keep([place for place, row in enumerate(self.rows) if row not in ended])
        return pieces

    def _note_prefixes(self) -> None:
        """Keep what is remembered of prompts at places where another text may go on from."""
        for place, row in enumerate(self.rows):
            if row.candidate is None and self.model.prefixes.wants(row.position, row.last):
                read = row.text.tokens[: row.position]
                self.model.prefixes.keep(read, [part[place : place + 1].copy() for part in self.memory])

    def _add(self, rows: list[Row], memory: list[ndarray]) -> None:
        self.rows = [*self.rows, *rows]
        self.memory = [np.concatenate(pair) for pair in zip(self.memory, memory, strict=True)]

    def _keep(self, places: list[int]) -> None:
        self.rows = [self.rows[place] for place in places]
        self.memory = [part[places] for part in self.memory]


def _as_slice(ids: list[int]) -> ndarray | slice:
    """What picks ``ids``; neighbours as a slice, which costs a tenth."""
    is_run = bool(ids) and ids == list(range(ids[0], ids[-1] + 1))
    return slice(ids[0], ids[-1] + 1) if is_run else np.array(ids, dtype=np.intp)


def write(model: WritingModel, prompt: str, recipe: Recipe) -> Iterator[list[Piece]]:
    """Write one text with nobody beside it, as a generator of steps; to stop the work, stop iterating.

    Yields: one piece for each candidate that is not finished, after every step; empty lists while the prompt is read.
    """
    batch = Batch(model)
    batch.join(Text(model, prompt, recipe))
    while batch.rows:
        yield [piece for _, piece in batch.step()]
