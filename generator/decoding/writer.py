"""A candidate as it is written: drawn tokens become pieces of text, until it is done."""

from dataclasses import dataclass

from generator.decoding.sampler import Past, uniform
from generator.recipe import Recipe
from training.language_model.tokenizers import NOTHING_SAID, SongFacts, TextStream, Tokenizer

PROMPT_TOKENS_READ = 512  # of a longer prompt the network reads the end
KNOWN_NAMED = 12  # genres or artists, where a model is asked for one that it doesn't know


@dataclass(frozen=True)
class Piece:
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


class Candidate:
    """One text as it grows: its draws, its spelling, and when it is done."""

    def __init__(self, index: int, tokenizer: Tokenizer, recipe: Recipe, tokens: list[int]):
        self.index = index
        self.recipe = recipe.for_candidate(index)
        self.past = Past(self.recipe, marks=range(tokenizer.mark_count))
        self.past.read(tokens)
        self._tokenizer = tokenizer
        self._stream = TextStream(tokenizer)
        for token in tokens:  # so that the first piece knows what it follows
            self._stream.push(token)
        self._held = HeldText(self.recipe.stop)
        self._count = self._lines = 0
        self._has_words = False  # on the present line, by the network

    def number(self) -> float:
        """The random number of the next draw."""
        return uniform(self.recipe.seed, self._count)

    def take(self, token: int, log_probability: float, alternatives: tuple[tuple[int, float], ...] = ()) -> Piece:
        """Go on with a drawn token: what it adds to the text."""
        self.past.read([token])
        self._count += 1
        reason = "length" if self._count == self.recipe.max_tokens else None
        if token == self._tokenizer.end_id:
            reason, written = "end", self._stream.rest()
        elif self._ends_last_line(token):
            reason, written = "lines", self._stream.rest()
        else:  # at the longest, what is not complete stays away: half a character, a line without its beginning
            written = self._stream.push(token)
        text, is_stopped = self._held.push(written)
        if is_stopped:
            reason = "stop"
        elif reason:
            text += self._held.rest()
        return Piece(self.index, text, token, log_probability, reason, alternatives)

    def _ends_last_line(self, token: int) -> bool:
        if token >= self._tokenizer.mark_count:
            self._has_words = True
            return False
        self._lines += self._has_words
        self._has_words = False
        return self._lines == self.recipe.lines


class HeldText:
    """Text on its way out, held back while it may be the beginning of a stop string."""

    def __init__(self, stops: tuple[str, ...]):
        self._stops = stops
        self._held = ""

    def push(self, text: str) -> tuple[str, bool]:
        """(what is certain now, whether a stop string was reached); nothing after it is to be pushed."""
        held = self._held + text
        found = [position for stop in self._stops if (position := held.find(stop)) >= 0]
        if found:
            self._held = ""
            return held[: min(found)], True
        keep = max((overlap(held, stop) for stop in self._stops), default=0)
        self._held = held[len(held) - keep :]
        return held[: len(held) - keep], False

    def rest(self) -> str:
        """What was held back, now that nothing follows."""
        held, self._held = self._held, ""
        return held


def overlap(text: str, stop: str) -> int:
    """The length of the longest end of ``text`` that is a beginning of ``stop``, not all of it."""
    return next((size for size in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:size])), 0)
