"""One model's batch and who writes in it: one thread steps it, and delivers what was written at one beat."""

import time
from collections import deque

from generator.decoding.batch import Batch, Text
from generator.decoding.crowd import Crowd
from generator.decoding.model_file import WritingModel
from generator.decoding.turns import Writing

TURN_STEPS = 8
TURN_SECONDS = 0.04
UNREAD_TURNS_LIMIT = 32  # then the reader is slow, and its writing rests


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

    def wakes(self, writing: Writing) -> bool:
        """Whether a resting writing may go on: its reader has caught up with half of what it was behind."""
        if writing not in self.parked or writing.has_unread(UNREAD_TURNS_LIMIT // 2):
            return False
        self.waking.append(writing)
        self.hurry()
        return True

    def let_go(self, writing: Writing) -> None:
        """Take a writing off the desk, wherever it sits."""
        if writing in self.arriving:
            self.arriving.remove(writing)
        self.parked.pop(writing, None)
        if self.active.pop(writing.text, None) is not None:
            self._batch.leave(writing.text)
