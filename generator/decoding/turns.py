"""One text as its reader gets it: turn by turn, in a thread or on an event loop."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING

from generator.decoding.batch import Text
from generator.decoding.bells import LoopBells
from generator.decoding.writer import Piece

if TYPE_CHECKING:
    from generator.decoding.engine import Engine

SILENCE_SECONDS = 1.0  # then a reader in a thread gets an empty turn, to see whether anyone still waits for it


class Writing:
    """One text as it comes: iterate it once, in a thread or on an event loop; each item is one turn's pieces.

    A turn without pieces says that `place` has changed, or, in a thread, that a second went by without a word.
    Leaving the loop early, or `cancel`, ends the work and frees the place. ``ran_out_of_time`` says afterwards that the
    deadline ended it; what came until then stands.

    ``place`` is how many in the inbox are served before it, as things are, and None once it is being written.
    ``request`` is the same for all that were asked for together.
    """

    def __init__(self, engine: "Engine", person: object, request: object, text: Text, deadline: float):
        self.person, self.request, self.text, self.deadline = person, request, text, deadline
        self.is_cancelled = self.is_over = self.is_resting = self.ran_out_of_time = False
        self.place: int | None = None
        self._engine = engine
        self._written: list[Piece] = []  # of the turn under way; the desk's alone
        self._going = text.recipe.n  # candidates
        self._unread: deque[list[Piece]] = deque()
        self._told_place: int | None = None
        self._ring: Callable[[], object] = lambda: None
        self._has_begun = False
        self._error: Exception | None = None

    @property
    def is_going(self) -> bool:
        return not (self.is_over or self.is_cancelled)

    def cancel(self) -> None:
        """End the work, unless it has come to its own end."""
        if not self.is_over:
            self.is_cancelled = True
            self._engine.drop(self)

    def __iter__(self) -> Iterator[list[Piece]]:
        bell, is_silent = threading.Event(), False
        self._ring = bell.set
        try:
            while not self._is_read_to_its_end():
                while (turn := self._next_turn(is_silent)) is not None:
                    is_silent = False
                    yield turn
                if not self.is_over:
                    is_silent = not bell.wait(SILENCE_SECONDS)
                    bell.clear()
        finally:
            self.cancel()

    async def __aiter__(self) -> AsyncIterator[list[Piece]]:
        bells, bell = LoopBells.of_this_loop(), asyncio.Event()
        self._ring = lambda: bells.ring(bell)
        try:
            while not self._is_read_to_its_end():
                while (turn := self._next_turn()) is not None:
                    yield turn
                if not self.is_over:
                    await bell.wait()
                    bell.clear()
        finally:
            self.cancel()

    def _next_turn(self, is_silent: bool = False) -> list[Piece] | None:
        """What is to be read now: pieces, an empty turn for a new place or a long silence, or None."""
        if self._unread:
            turn = self._unread.popleft()
            if self.is_resting:
                self._engine.wake(self)
            return turn
        place, told = self.place, self._told_place
        self._told_place = place
        return [] if is_silent or place not in (None, told) else None

    def _is_read_to_its_end(self) -> bool:
        if not self.is_over or self._unread:  # in this order: the engine sets `is_over` after the last turn
            return False
        if self._error is not None:
            raise self._error
        return True

    # What follows is for the engine and the desk that writes it alone.

    def move_to(self, place: int | None) -> None:
        if place != self.place:
            self.place = place
            self._tell()

    def has_unread(self, turns: int) -> bool:
        return len(self._unread) >= turns

    def add(self, piece: Piece) -> None:
        self._written.append(piece)
        self._going -= piece.finish_reason is not None

    @property
    def is_pressing(self) -> bool:
        """Whether its reader is to get what was written before the next beat: its first token, and its last."""
        return self._going == 0 or (not self._has_begun and bool(self._written))

    def end_turn(self, now: float) -> None:
        """Deliver what was written, and be over if that was the last of it or time is up."""
        self.ran_out_of_time = now > self.deadline and self._going > 0
        if self._going == 0 or self.ran_out_of_time:
            self.end()
        elif self._written:
            self._deliver()

    def _deliver(self) -> None:
        self._has_begun = True
        self._unread.append(self._written)
        self._written = []
        self._tell()

    def end(self, error: Exception | None = None) -> None:
        if self._written:
            self._deliver()
        self._error = error
        self.is_over = True
        self._tell()

    def _tell(self) -> None:
        try:
            self._ring()
        except RuntimeError:  # the reader's event loop has closed
            self.is_cancelled = True
