"""A prompt of forty tokens that was read before over reading it."""

import time
from pathlib import Path

from generator.decoding.batch import Batch, Text
from generator.decoding.model_file import WritingModel
from tests.benchmarks.generation import models, writing
from tests.benchmarks.generation.figures import at_least, median, show
from tests.benchmarks.generation.openings import openings

TOKENS, ROUNDS = 40, 15


def run(folder: Path) -> None:
    model = writing.open_model(models.ready_model(folder, "standard"))
    times = [seconds_of_both(model, number) for number in range(ROUNDS)]
    priming, hit = (median(values) for values in zip(*times, strict=True))
    show(f"reading {TOKENS} tokens, finding them read", f"{priming * 1e6:,.0f}, {hit * 1e6:,.1f} us")
    at_least("a hit over reading", priming / hit, 200)


def seconds_of_both(model: WritingModel, number: int) -> tuple[float, float]:
    """What it takes to be ready for the first draw after a prompt that is new, and after the same once more."""
    text = text_of(model, number)
    batch = Batch(model)
    started = time.thread_time()
    batch.join(text)
    for _ in range(TOKENS):
        batch.step()
    priming = time.thread_time() - started
    batch.step()  # the memory of the whole prompt is kept as its last token is read
    once_more = Batch(model)
    started = time.thread_time()
    once_more.join(text)
    hit = time.thread_time() - started
    if once_more.rows[0].position != TOKENS:
        raise AssertionError("The prompt was not found.")
    return priming, hit


def text_of(model: WritingModel, number: int) -> Text:
    """A text whose prompt has `TOKENS` before its last, and begins as no other number's."""
    text = Text(model, " ".join(openings(8, number=number)), writing.recipes(1, tokens=8)[0])
    text.tokens = text.tokens[: TOKENS + 1]
    return text
