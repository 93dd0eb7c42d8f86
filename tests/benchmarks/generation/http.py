"""Thirty-two streams over HTTP against a naive server: tokens for a second of its processor, first token, gaps.

Both servers stand side by side and are asked in turn by the same client. The naive one writes fewer tokens and at every
third round, since it is slow; reading the prompt, which costs it as much as a token, then weighs a few hundredths more.
"""

import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks.generation import light_client, models, served, writing
from tests.benchmarks.generation.figures import at_least, at_most, median, percentile, show
from tests.benchmarks.generation.openings import openings

STREAMS, ROUNDS = 32, 5
TOKENS, NAIVE_TOKENS, NAIVE_EVERY = 200, 32, 3


@dataclass
class Served:
    """What was measured of one server, a number a round."""

    rate: list[float] = field(default_factory=list)  # tokens for each second of its processor
    first: list[float] = field(default_factory=list)  # milliseconds to the first token, 95th percentile
    gap: list[float] = field(default_factory=list)  # milliseconds between events, 95th percentile

    def take(self, port: int, pid: int, requests: list[bytes]) -> None:
        before = served.processor_seconds(pid)
        streams = light_client.read_all(port, requests)
        spent = served.processor_seconds(pid) - before
        self.rate.append(sum(stream.tokens() for stream in streams) / spent)
        moments = [(stream.asked_at, stream.moments()) for stream in streams]
        self.first.append(1000 * percentile((came[0] - asked for asked, came in moments), 0.95))
        gaps = (1000 * (b - a) for _, came in moments for a, b in itertools.pairwise(came))
        self.gap.append(percentile(gaps, 0.95))


def run(folder: Path) -> None:
    file = models.model_file(folder, "standard")
    model = served.publish_model(folder, file, name="LSTM 512")
    people = served.tokens_of_people(STREAMS // served.STREAMS_PER_PERSON)
    ours, naive = Served(), Served()
    with served.web_server(folder) as web, served.naive_server(file) as yardstick:
        light_client.read_all(web[0], requests_to_us(web[0], model, people, number=0)[:4])  # the model is loaded
        for number in range(1, ROUNDS + 1):
            ours.take(*web, requests_to_us(web[0], model, people, number=number))
            if number % NAIVE_EVERY == 1:
                naive.take(*yardstick, requests_to_naive(yardstick[0], file))
    rate, naive_rate = median(ours.rate), median(naive.rate)
    show("tokens a server-CPU-second", f"{rate:,.0f}", f"naive: {naive_rate:,.0f}")
    at_least("over a naive thread per request", rate / naive_rate, 100)
    for what, mine, its, goal in (
        ("first token p95", ours.first, naive.first, 80),
        ("gap p95", ours.gap, naive.gap, 40),
    ):
        at_most(what, median(mine), goal, "ms")
        at_least(f"lower than naive's {median(its):,.0f} ms", median(its) / median(mine), 20)


def requests_to_us(port: int, model: str, people: list[str], *, number: int) -> list[bytes]:
    """A stream's request for each of `STREAMS`, everyone with an opening that nobody had before."""
    return [
        served.stream_request(
            port, model, opening, token=people[place % len(people)], seed=place, max_tokens=TOKENS, **writing.SAMPLING
        )
        for place, opening in enumerate(openings(STREAMS, number=number))
    ]


def requests_to_naive(port: int, file: Path) -> list[bytes]:
    body = json.dumps({"prompt": models.opening_tokens(file), "max_tokens": NAIVE_TOKENS}).encode()
    return [light_client.post(port, "/", body)] * STREAMS
