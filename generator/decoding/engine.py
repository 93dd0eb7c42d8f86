"""One thread for each model in use; all who write with it are rows of one batch, and join and leave between steps.

    open ──▶ inbox ──a slot gets free──▶ desk of the model: join ─▶ step ─▶ step … ─▶ the reader, some tokens at a time

A text's first token is delivered at once. What follows is delivered to all who write with a model at one beat, which
comes every eight tokens or every 40 ms: readers are woken together. Who reads slowly rests and holds up nobody; who
leaves is out of the batch before the next step; who waits is told its place in the inbox each time that changes.
"""

import asyncio
import threading
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

from generator.decoding.batch import Batch, Text
from generator.decoding.bells import LoopBells
from generator.decoding.crowd import LOOK_SECONDS, Crowd
from generator.decoding.model_file import WritingModel
from generator.decoding.writer import Piece
from generator.recipe import Recipe

TURN_STEPS = 8
TURN_SECONDS = 0.04
UNREAD_TURNS_LIMIT = 32  # then the reader is slow, and its writing rests
SWEEP_SECONDS = 1.0
SILENCE_SECONDS = 1.0  # then a reader in a thread gets an empty turn, to see whether anyone still waits for it


class TooManyAtOnce(Exception):
    """Raised when one person already has as many writings open as one person may."""


class InboxFull(Exception):
    """Raised when so many wait that one more would wait too long."""


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


class Desk:
    """One model's batch and the thread that steps it, as long as somebody writes with it.

    Who sits where changes only while the engine's lock is held; the step itself runs without it.
    """

    def __init__(self, model: WritingModel) -> None:
        self._model, self._batch = model, Batch(model)
        self.arriving: deque[Writing] = deque()
        self.active: dict[Text, Writing] = {}
        self.parked: dict[Writing, tuple] = {}
        self.waking: deque[Writing] = deque()
        self.crowd = Crowd()
        self.is_settled = True  # nobody is known to be done, gone or slow
        self._beat = time.monotonic()
        self._steps = 0  # since the beat
        self._step_seconds = 0.0

    def seated(self) -> list[Writing]:
        return [*self.arriving, *self.active.values(), *self.parked]

    def is_filling(self) -> bool:
        """Whether a crowd is coming that can be waited for: nobody who writes misses a beat."""
        now = time.monotonic()
        is_in_time = not self.active or now - self._beat < TURN_SECONDS / 2
        return is_in_time and self.crowd.is_coming(now)

    def hurry(self) -> None:
        """Have the present step be the last before somebody comes or goes."""
        self._batch.hurry[0] = True

    def admit(self) -> None:
        """Let in who arrives or wakes."""
        self._batch.hurry[0] = False
        while self.arriving:
            writing = self.arriving.popleft()
            self.active[writing.text] = writing
            self._batch.join(writing.text)
        while self.waking:
            writing = self.waking.popleft()
            if (aside := self.parked.pop(writing, None)) is not None:
                writing.is_resting = False
                self.active[writing.text] = writing
                self._batch.take_back(*aside)

    def step(self) -> None:
        """One step for all who write, or several where nobody waits for what the first one gives."""
        started, before = time.monotonic(), self._batch.steps
        try:
            for text, piece in self._batch.step(self._steps_until_a_beat(started)):
                self.active[text].add(piece)
        except Exception as error:  # the thread serves whoever comes next: the error is raised where these are read
            self._batch = Batch(self._model)  # nobody knows how far the broken step came
            for writing in self.active.values():
                writing.end(error)
            self.is_settled = False
            return
        now, steps = time.monotonic(), self._batch.steps - before
        self._step_seconds = (now - started) / steps
        is_beat = self._is_beat(now, steps)
        for writing in self.active.values():
            if is_beat or writing.is_pressing:
                writing.end_turn(now)
                self.is_settled = False

    def _steps_until_a_beat(self, now: float) -> int:
        in_time = (self._beat + TURN_SECONDS - now) / self._step_seconds if self._step_seconds else 1
        return max(1, min(TURN_STEPS - self._steps, int(in_time)))

    def _is_beat(self, now: float, steps: int) -> bool:
        self._steps += steps
        if self._steps < TURN_STEPS and now - self._beat < TURN_SECONDS:
            return False
        self._steps, self._beat = 0, now
        return True

    def park_slow_readers(self) -> None:
        for writing in [one for one in self.active.values() if one.has_unread(UNREAD_TURNS_LIMIT)]:
            writing.is_resting = True
            self.parked[writing] = self._batch.put_aside(writing.text)
            del self.active[writing.text]

    def let_go(self, writing: Writing) -> None:
        """Take a writing off the desk, wherever it sits."""
        if writing in self.arriving:
            self.arriving.remove(writing)
        self.parked.pop(writing, None)
        if self.active.pop(writing.text, None) is not None:
            self._batch.leave(writing.text)


class Engine:
    """Writes for many: ``slots`` at once, ``inbox`` more wait, ``per_person`` open for each.

    Threads start with the first writing of a model and end with its last, so a process that forks is safe.
    """

    def __init__(self, *, slots: int = 32, inbox: int = 64, per_person: int = 4):
        self._slots, self._room, self._per_person = slots, slots + inbox, per_person
        self._changed = threading.Condition()
        self._open: set[Writing] = set()
        self._inbox: deque[Writing] = deque()
        self._desks: dict[int, Desk] = {}

    def open(
        self,
        model: WritingModel,
        prompt: str,
        recipe: Recipe,
        *,
        person: object,
        seconds: float,
        alternatives: int = 0,
    ) -> Writing:
        """Begin to write for ``person``, to be ended after ``seconds``; each piece names so many ``alternatives``.

        Raises: TooManyAtOnce, InboxFull.
        """
        asked = {"person": person, "seconds": seconds, "alternatives": alternatives}
        return self.open_together(model, [prompt], recipe, **asked)[0]

    def open_together(
        self,
        model: WritingModel,
        prompts: Sequence[str],
        recipe: Recipe,
        *,
        person: object,
        seconds: float,
        alternatives: int = 0,
    ) -> list[Writing]:
        """Begin one writing for each prompt, or none; together they count as one request. Raises: as `open`."""
        texts = [Text(model, prompt, recipe, alternatives=alternatives) for prompt in prompts]
        with self._changed:
            self._sweep()
            if self._requests_of(person) >= self._per_person:
                raise TooManyAtOnce
            if self.open_count + len(texts) > self._room:
                raise InboxFull
            request, deadline = object(), time.monotonic() + seconds
            writings = [Writing(self, person, request, text, deadline) for text in texts]
            self._open.update(writings)
            self._inbox.extend(writings)
            self._fill_slots()
        return writings

    def _requests_of(self, person: object) -> int:
        return len({one.request for one in self._open if one.person == person and one.is_going})

    @property
    def open_count(self) -> int:
        """How many write or wait; who is done or was cancelled is as good as gone."""
        return sum(writing.is_going for writing in [*self._open])

    def wake(self, writing: Writing) -> None:
        """Let a resting writing go on once its reader has caught up with half of it."""
        with self._changed:
            desk = self._desk_of(writing)
            if desk and writing in desk.parked and not writing.has_unread(UNREAD_TURNS_LIMIT // 2):
                desk.waking.append(writing)
                desk.hurry()
                self._changed.notify_all()

    def drop(self, writing: Writing) -> None:
        """Forget a cancelled writing; one that is in a step ends after it."""
        with self._changed:
            if writing in self._inbox:
                self._forget(writing)
            elif desk := self._desk_of(writing):
                desk.is_settled = False
                desk.hurry()
            self._changed.notify_all()

    def _desk_of(self, writing: Writing) -> Desk | None:
        return self._desks.get(id(writing.text.model))

    def _run(self, key: int, desk: Desk) -> None:
        while True:
            with self._changed:
                if not desk.is_settled:
                    self._settle(desk)
                while not (desk.arriving or desk.active or desk.waking):
                    if not desk.parked:
                        del self._desks[key]
                        return
                    self._changed.wait(SWEEP_SECONDS)
                    self._sweep()
                    self._settle(desk)
                is_filling = desk.is_filling()
                if not is_filling:
                    desk.admit()
            if is_filling:
                time.sleep(LOOK_SECONDS)
            else:
                desk.step()

    def _settle(self, desk: Desk) -> None:
        """Between two steps: forget who is done or gone, and let who reads slowly rest."""
        desk.is_settled = True
        for writing in desk.seated():
            if writing.is_over or writing.is_cancelled:
                self._forget(writing)
        desk.park_slow_readers()

    def _forget(self, writing: Writing) -> None:
        self._open.discard(writing)
        if writing in self._inbox:
            self._inbox.remove(writing)
        if desk := self._desk_of(writing):
            desk.let_go(writing)
        if not writing.is_over:
            writing.end()
        self._fill_slots()

    def _fill_slots(self) -> None:
        """Move writings from the inbox into free slots, and tell the others where they stand now."""
        while self._inbox and len(self._open) - len(self._inbox) < self._slots:
            chosen = self._in_turn()[0]
            self._inbox.remove(chosen)
            chosen.move_to(None)
            self._seat(chosen)
        for place, writing in enumerate(self._in_turn()):
            writing.move_to(place)

    def _in_turn(self) -> list[Writing]:
        """The inbox as it will be served: first those of people who have the fewest slots, then who came first."""
        waiting = set(self._inbox)
        busy = Counter(writing.person for writing in self._open if writing not in waiting)
        ranks = {}
        for writing in self._inbox:  # a person's second one counts as if the first were seated
            ranks[writing] = busy[writing.person]
            busy[writing.person] += 1
        return sorted(self._inbox, key=ranks.get)

    def _seat(self, writing: Writing) -> None:
        model = writing.text.model
        desk = self._desks.get(id(model))
        if desk is None:
            desk = self._desks[id(model)] = Desk(model)
            threading.Thread(target=self._run, args=(id(model), desk), name="writing", daemon=True).start()
        desk.arriving.append(writing)
        desk.crowd.note()
        desk.hurry()
        self._changed.notify_all()

    def _sweep(self) -> None:
        """End what is past its deadline while nobody steps it: waiting too long, or never read."""
        now = time.monotonic()
        stepping = {writing for desk in self._desks.values() for writing in desk.active.values()}
        for writing in [writing for writing in self._open - stepping if now > writing.deadline]:
            writing.ran_out_of_time = True
            self._forget(writing)
