"""A candidate as it is written: drawn tokens become pieces of text, until it is done."""

from typing import NamedTuple

import numpy as np
from numpy import ndarray

from generator.decoding.banned import Bans
from generator.decoding.past import Past
from generator.decoding.sampler import Numbers
from generator.recipe import Recipe
from training.language_model.tokenizers import NOTHING_SAID, SongFacts, TextStream, Tokenizer

PROMPT_TOKENS_READ = 512  # of a longer prompt the network reads the end
CONTEXT_LENGTH = 200  # letters: as many as a banned word may have, written out in lower case, and more
MANY = 2**31
KNOWN_NAMED = 12  # genres or artists, where a model is asked for one that it doesn't know


class Piece(NamedTuple):
    """What one step added to one candidate. The texts of a candidate's pieces joined are its text.

    ``finish_reason`` is set on a candidate's last piece: "stop" (a stop string stands there, left out of the text),
    "length", "end" (the network ended its song) or "lines". Where they were asked for, ``alternatives`` are the tokens
    that the network itself thought likeliest here, each with its log-probability, the best first.
    """

    index: int
    text: str
    token: int
    log_probability: float
    finish_reason: str | None = None
    alternatives: tuple[tuple[int, float], ...] = ()


def prompt_tokens(tokenizer: Tokenizer, prompt: str, wishes: SongFacts = NOTHING_SAID) -> list[int]:
    """What the network reads before it writes: begin, what the song shall be, and the last 512 tokens of ``prompt``."""
    told = tokenizer.encode_facts(wishes)
    opening = tokenizer.encode_prompt(prompt)[len(tokenizer.encode_prompt("")) :]
    return [tokenizer.begin_id, *told, *opening[-PROMPT_TOKENS_READ:]]


def wishes_left_out(tokenizer: Tokenizer, recipe: Recipe) -> list[str]:
    """A sentence for each wish of the recipe that this model has no mark for; it writes as without it."""
    conditions, sentences = tokenizer.conditions, []
    for kind, wish in (("genre", recipe.genre), ("artist", recipe.artist)):
        if wish and kind not in conditions.kinds:
            sentences.append(f"This model learnt without the songs' {kind}, so “{wish}” is left out.")
        elif wish and not conditions.knows(kind, wish):
            known = ", ".join(conditions.values[kind][:KNOWN_NAMED]) or "none"
            sentences.append(
                f"This model read too few songs of the {kind} “{wish}” and writes as for any other. It knows: {known}."
            )
    if recipe.title and not tokenizer.with_title:
        sentences.append(f"This model learnt without the songs' titles, so “{recipe.title}” is left out.")
    return sentences


class Opening:
    """What all candidates of a text go on from: the tokens that were read, how they are spelled, what is banned."""

    def __init__(self, tokenizer: Tokenizer, recipe: Recipe, tokens: list[int]):
        self.tokenizer, self.recipe, self.tokens = tokenizer, recipe, tokens
        self.stream = TextStream(tokenizer)
        self.text = "".join([self.stream.push(token) for token in tokens])
        self.bans = Bans(tokenizer, recipe.banned) if recipe.banned else None
        self.state = self.bans.opening(tokens) if self.bans else None


class Candidate:
    """One text as it grows: its draws, its spelling, and when it is done."""

    def __init__(self, index: int, opening: Opening):
        tokenizer = opening.tokenizer
        self.index = index
        self.recipe = opening.recipe.for_candidate(index)
        self._past = Past(self.recipe, marks=range(tokenizer.mark_count))
        self._past.read(opening.tokens)
        self._end_id, self._first_text = tokenizer.end_id, tokenizer.mark_count
        self._stream, self._state = opening.stream.fork(), opening.state
        self._numbers = Numbers(self.recipe.seed)
        self._held = HeldText(self.recipe.stop, opening.bans, before=opening.text)
        self._count = self._lines = 0
        self._has_words = False  # on the present line, by the network
        # Asked once, as most recipes want none of it.
        self._looks_back, self._holds_back = self._past.matters, self._held.matters
        self.penalises = self.recipe.repetition_penalty != 1
        self.weighs = self._looks_back or self._state is not None or self.recipe.min_lines > 0

    @property
    def is_plain(self) -> bool:
        """Whether neither what it may draw next nor where it ends depends on its text, but for marks and length."""
        return not (self.weighs or self._holds_back)

    @property
    def tokens_left(self) -> int:
        return self.recipe.max_tokens - self._count

    @property
    def marks_left(self) -> int:
        """How many marks it draws at the least before its lines are written; one that counts no lines, any number."""
        return self.recipe.lines - self._lines if self.recipe.lines else MANY

    def number(self, later: int = 0) -> float:
        """The random number of the next draw, or of one so many draws later."""
        return self._numbers.at(self._count + later)

    def weigh(self, scores: ndarray) -> None:
        """Lower and forbid, in ``scores`` (V,) themselves, what recipe and past say; only where it ``weighs``."""
        end = scores[self._end_id]
        if self._looks_back:
            self._past.weigh(scores)
        if self.recipe.min_lines > self._lines + self._has_words:
            scores[self._end_id] = -np.inf
        if self._state is not None:
            scores[self._state.forbidden] = -np.inf
            if self._state.is_whole and scores.max() == -np.inf:
                scores[self._end_id] = end

    def take(self, token: int, log_probability: float, alternatives: tuple[tuple[int, float], ...] = ()) -> Piece:
        """Go on with a drawn token: what it adds to the text."""
        if self._looks_back:
            self._past.read((token,))
        if self._state is not None:
            self._state = self._state.after(token)
        self._count += 1
        if token >= self._first_text:
            # At the longest, what is not complete stays away: half a character, a line without its beginning.
            self._has_words, reason, text = True, None, self._stream.push(token)
        else:
            reason, text = self._take_mark(token)
        if reason is None and self._count == self.recipe.max_tokens:
            reason = "length"
        if self._holds_back:
            text, is_stopped = self._held.push(text)
            if is_stopped:
                reason = "stop"
            elif reason:
                text += self._held.rest()
        return Piece(self.index, text, token, log_probability, reason, alternatives)

    def _take_mark(self, token: int) -> tuple[str | None, str]:
        """(why the text ends here, what is written) with the end of a song or of a line."""
        if token == self._end_id:
            return "end", self._stream.rest()
        self._lines += self._has_words
        self._has_words = False
        if self._lines == self.recipe.lines:
            return "lines", self._stream.rest()
        return None, self._stream.push(token)


class HeldText:
    """Text on its way out, held back while it may begin a stop string, or end in a banned word if nothing follows.

    Args: before: what stands before it, as far as it is known.
    """

    def __init__(self, stops: tuple[str, ...], bans: Bans | None = None, *, before: str = ""):
        self._stops, self._bans = stops, bans
        self._held = ""
        self._before = before[-CONTEXT_LENGTH:]

    @property
    def matters(self) -> bool:
        return bool(self._stops) or (self._bans is not None and self._bans.may_end_in_one)

    def push(self, text: str) -> tuple[str, bool]:
        """(what is certain now, whether a stop string was reached); nothing after it is to be pushed."""
        held = self._held + text
        found = [position for stop in self._stops if (position := held.find(stop)) >= 0]
        if found:
            self._held = ""
            return self._certain(held, min(found)), True
        keep = max((overlap(held, stop) for stop in self._stops), default=0)
        certain = self._certain(held, len(held) - keep)
        self._held = held[len(certain) :]
        self._before = (self._before + certain)[-CONTEXT_LENGTH:]
        return certain, False

    def rest(self) -> str:
        """What was held back, now that nothing follows; not the end of a banned word."""
        held, self._held = self._held, ""
        return self._certain(held, len(held))

    def _certain(self, held: str, size: int) -> str:
        """The first ``size`` letters, or fewer where they would end in a banned word."""
        while size and self._bans is not None and self._bans.end_in(self._before + held[:size]):
            size -= 1
        return held[:size]


def overlap(text: str, stop: str) -> int:
    """The length of the longest end of ``text`` that is a beginning of ``stop``, not all of it."""
    return next((size for size in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:size])), 0)
