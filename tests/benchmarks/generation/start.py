"""The first text that a web server writes after it was started, with a model of ten million weights, by the clock."""

from pathlib import Path

from tests.benchmarks.generation import light_client, models, served, writing
from tests.benchmarks.generation.figures import at_most, median, show
from tests.benchmarks.generation.openings import openings

ROUNDS = 3


def run(folder: Path) -> None:
    model = served.publish_model(folder, models.model_file(folder, "ten-million"), name="LSTM 720")
    (person,) = served.tokens_of_people(1)
    rounds = [first_texts(folder, model, person) for _ in range(ROUNDS)]
    first, second = (median(seconds) for seconds in zip(*rounds, strict=True))
    show("first token of the next text", f"{second:.3f} s")
    at_most("first token after a restart, with loading", first, 1.0, "s")


def first_texts(folder: Path, model: str, person: str) -> tuple[float, float]:
    """Seconds to the first token of the first text that a new server is asked for, and of the second."""
    with served.web_server(folder) as (port, _):
        return tuple(
            seconds_to_first(port, served.stream_request(port, model, opening, token=person, **writing.SAMPLING))
            for opening in openings(2, number=0)
        )


def seconds_to_first(port: int, request: bytes) -> float:
    (stream,) = light_client.read_all(port, [request])
    return stream.moments()[0] - stream.asked_at
