"""One thread for each model in use; all who write with it are rows of one batch, and join and leave between steps.

    open ──▶ inbox ──a slot gets free──▶ desk of the model: join ─▶ step ─▶ step … ─▶ the reader, some tokens at a time

A text's first token is delivered at once. What follows is delivered to all who write with a model at one beat, which
comes every eight tokens or every 40 ms: readers are woken together. Who reads slowly rests and holds up nobody; who
leaves is out of the batch before the next step; who waits is told its place in the inbox each time that changes.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Sequence

from generator.decoding.batch import Text
from generator.decoding.crowd import LOOK_SECONDS
from generator.decoding.desk import Desk
from generator.decoding.model_file import WritingModel
from generator.decoding.turns import Writing
from generator.recipe import Recipe

SWEEP_SECONDS = 1.0


class TooManyAtOnce(Exception):
    """Raised when one person already has as many writings open as one person may."""


class InboxFull(Exception):
    """Raised when so many wait that one more would wait too long."""


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
            if desk and desk.wakes(writing):
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
