"""What competes for tokens: each a step in a process of its own, which writes so many texts when told to.

python -m tests.benchmarks.generation.contestants NAME '{"…": …}'     # then a line on stdin for each step
"""

import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.training.timing import answer_steps

Step = Callable[[], int]  # writes, and returns how many tokens


def tutorial(*, file: str, tokens: int) -> Step:
    """One text by the yardstick's loop."""
    import torch

    from tests.benchmarks.generation import baseline, models

    torch.set_num_threads(1)
    network, prompt = baseline.load(Path(file)), models.opening_tokens(Path(file))
    return lambda: len([*baseline.write(network, prompt, tokens)])


def engine(*, model: str, streams: int, tokens: int) -> Step:
    """So many texts side by side by ours; each begins as none before it did."""
    from tests.benchmarks.generation import writing
    from tests.benchmarks.generation.openings import openings

    opened, room = writing.open_model(Path(model), precision="int8"), writing.roomy_engine(streams)
    numbers = itertools.count()

    def step() -> int:
        number = next(numbers)
        prompts, wishes = openings(streams, number=number), writing.recipes(streams, tokens=tokens, number=number)
        return sum(map(len, writing.write_together(room, opened, prompts, wishes)))

    return step


def main() -> None:
    make = {"tutorial": tutorial, "engine": engine}[sys.argv[1]]
    answer_steps(make(**json.loads(sys.argv[2])))


if __name__ == "__main__":
    main()
