"""A few threads shared by everyone who writes, in turns of at most eight tokens.

Each writing is a generator that sits in exactly one place: the inbox, the rotation, a thread, or parked because
its reader is slow. Turns make it fair (a newcomer's first token waits for one turn of each other, not for their ends)
and let a wish to stop count within one step.
"""

import asyncio
import threading
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator

from generator.decoding.writer import Piece

TURN_STEPS = 8
TURN_SECONDS = 0.04
UNREAD_TURNS_LIMIT = 32  # then the reader is slow, and its writing rests
SWEEP_SECONDS = 1.0


class TooManyAtOnce(Exception):
    """Raised when one person already has as many writings open as one person may."""


class InboxFull(Exception):
    """Raised when so many wait that one more would wait too long."""


class Writing:
    """One request's text as it comes: iterate it once, in a thread or on an event loop; each item is one turn's pieces.

    Leaving the loop early, or `cancel`, ends the work and frees the place. ``ran_out_of_time`` says afterwards that the
    deadline ended it; what came until then stands.
    """

    def __init__(self, engine: "Engine", person: object, steps: Iterator[list[Piece]], deadline: float):
        self.person, self.deadline = person, deadline
        self.is_cancelled = self.is_over = self.ran_out_of_time = False
        self._engine, self._steps = engine, steps
        self._unread: deque[list[Piece]] = deque()
        self._ring: Callable[[], object] = lambda: None
        self._has_begun = False
        self._error: Exception | None = None

    def cancel(self) -> None:
        self.is_cancelled = True
        self._engine.drop(self)

    def __iter__(self) -> Iterator[list[Piece]]:
        bell = threading.Event()
        self._ring = bell.set
        try:
            while not self._is_read_to_its_end():
                while self._unread:
                    yield self._next_turn()
                if not self.is_over:
                    bell.wait()
                    bell.clear()
        finally:
            self.cancel()

    async def __aiter__(self) -> AsyncIterator[list[Piece]]:
        loop, bell = asyncio.get_running_loop(), asyncio.Event()
        self._ring = lambda: loop.call_soon_threadsafe(bell.set)
        try:
            while not self._is_read_to_its_end():
                while self._unread:
                    yield self._next_turn()
                if not self.is_over:
                    await bell.wait()
                    bell.clear()
        finally:
            self.cancel()

    def _next_turn(self) -> list[Piece]:
        turn = self._unread.popleft()
        self._engine.wake(self)
        return turn

    def _is_read_to_its_end(self) -> bool:
        if not self.is_over or self._unread:  # in this order: the engine sets `is_over` after the last turn
            return False
        if self._error is not None:
            raise self._error
        return True

    # What follows is for the engine alone, on one thread at a time.

    def has_unread(self, turns: int) -> bool:
        return len(self._unread) >= turns

    def take_turn(self) -> None:
        """Run steps until it is someone else's turn, and deliver what they wrote: the first token at once."""
        pieces: list[Piece] = []
        turn_ends = time.monotonic() + TURN_SECONDS
        is_done = False
        try:
            for step, written in enumerate(self._steps, start=1):
                pieces += written
                now = time.monotonic()
                self.ran_out_of_time = now > self.deadline
                is_first_token = bool(written) and not self._has_begun
                self._has_begun = self._has_begun or bool(written)
                if is_first_token or step >= TURN_STEPS or now > turn_ends or self.is_cancelled or self.ran_out_of_time:
                    break
            else:
                is_done = True
        except Exception as error:  # the thread serves everyone: the error is raised where this one is read
            self._error, is_done = error, True
        if pieces:
            self._unread.append(pieces)
        self.is_over = is_done or self.ran_out_of_time
        self._tell()

    def end(self) -> None:
        self._steps.close()
        self.is_over = True
        self._tell()

    def _tell(self) -> None:
        try:
            self._ring()
        except RuntimeError:  # the reader's event loop has closed
            self.is_cancelled = True


class Engine:
    """Runs writings on ``threads`` threads: ``slots`` take turns, ``inbox`` more wait, ``per_person`` open at once.

    Threads start with the first writing, so a process that forks after import is safe.
    """

    def __init__(self, *, threads: int, slots: int = 32, inbox: int = 64, per_person: int = 4):
        self._threads, self._slots, self._room, self._per_person = threads, slots, slots + inbox, per_person
        self._changed = threading.Condition()
        self._open: set[Writing] = set()
        self._inbox: deque[Writing] = deque()
        self._rotation: deque[Writing] = deque()
        self._running: set[Writing] = set()
        self._parked: set[Writing] = set()
        self._has_threads = False

    def open(self, steps: Iterator[list[Piece]], *, person: object, seconds: float) -> Writing:
        """Take on ``steps`` for ``person``, to be ended after ``seconds``.

        Raises: TooManyAtOnce, InboxFull.
        """
        with self._changed:
            self._sweep()
            if sum(writing.person == person for writing in self._open) >= self._per_person:
                raise TooManyAtOnce
            if len(self._open) >= self._room:
                raise InboxFull
            writing = Writing(self, person, steps, time.monotonic() + seconds)
            self._open.add(writing)
            self._inbox.append(writing)
            self._fill_rotation()
            self._start_threads()
        return writing

    @property
    def open_count(self) -> int:
        return len(self._open)

    def wake(self, writing: Writing) -> None:
        """Let a parked writing go on once its reader has caught up with half of it."""
        with self._changed:
            if writing in self._parked and not writing.has_unread(UNREAD_TURNS_LIMIT // 2):
                self._parked.remove(writing)
                self._rotation.append(writing)
                self._changed.notify()

    def drop(self, writing: Writing) -> None:
        """Forget a cancelled writing; one that is on a thread ends after its step."""
        with self._changed:
            if writing in self._open and writing not in self._running:
                self._forget(writing)

    def _start_threads(self) -> None:
        if not self._has_threads:
            self._has_threads = True
            for number in range(self._threads):
                threading.Thread(target=self._run, name=f"writing-{number}", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._rotation:
                    self._changed.wait(SWEEP_SECONDS if self._open else None)
                    self._sweep()
                writing = self._rotation.popleft()
                self._running.add(writing)
            writing.take_turn()
            with self._changed:
                self._running.remove(writing)
                if writing.is_cancelled or writing.is_over:
                    self._forget(writing)
                elif writing.has_unread(UNREAD_TURNS_LIMIT):
                    self._parked.add(writing)
                else:
                    self._rotation.append(writing)

    def _forget(self, writing: Writing) -> None:
        self._open.discard(writing)
        self._parked.discard(writing)
        for line in (self._rotation, self._inbox):
            if writing in line:
                line.remove(writing)
        writing.end()
        self._fill_rotation()

    def _fill_rotation(self) -> None:
        """Move writings from the inbox into free slots, first those of people who have the fewest there."""
        while self._inbox and len(self._open) - len(self._inbox) < self._slots:
            waiting = set(self._inbox)
            busy = Counter(writing.person for writing in self._open if writing not in waiting)
            chosen = min(self._inbox, key=lambda writing: busy[writing.person])
            self._inbox.remove(chosen)
            self._rotation.append(chosen)
            self._changed.notify()

    def _sweep(self) -> None:
        """End what is past its deadline while nobody runs it: waiting too long, or never read."""
        now = time.monotonic()
        for writing in [writing for writing in self._open - self._running if now > writing.deadline]:
            writing.ran_out_of_time = True
            self._forget(writing)
