"""The same seed, the same text: a thousand requests alone, in batches that chance puts together, and after a restart.

python -m tests.benchmarks.generation.seeds FOLDER NUMBER     # the texts written by a process that was just started
"""

import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path

from generator.decoding.batch import write
from generator.decoding.model_file import WritingModel
from generator.decoding.writer import Piece
from generator.recipe import Recipe
from tests.benchmarks.generation import writing
from tests.benchmarks.generation.figures import show
from tests.benchmarks.generation.openings import openings

REQUESTS = 1000
TOKENS = (2, 12)  # a request's, evenly between these
OPENING_CHARACTERS = 24  # at most, so that prompts differ in length
MOST_AT_ONCE = 32

Request = tuple[str, Recipe]


def run(folder: Path) -> None:
    from tests.benchmarks.generation import models  # the restarted process shall not know torch

    path = models.ready_model(folder, "standard")
    model = writing.open_model(path)
    alone = [digest(text_alone(model, *request)) for request in requests()]
    in_batches = texts_in_batches(writing.open_model(path), number=1)
    restarted = texts_after_restart(path, number=2)
    for what, given in (("in random batches", in_batches), ("after a restart, in other batches", restarted)):
        same = sum(one == other for one, other in zip(alone, given, strict=True))
        show(f"identical to alone, {what}", f"{same:,}", f"goal {REQUESTS:,}", is_reached=same == REQUESTS)


def requests() -> list[Request]:
    """The thousand: recipes and prompts of many kinds, the same each time."""
    chance = random.Random(0)
    return [
        (opening[: chance.randrange(OPENING_CHARACTERS)], a_recipe(chance)) for opening in openings(REQUESTS, number=0)
    ]


def a_recipe(chance: random.Random) -> Recipe:
    return Recipe(
        seed=chance.randrange(2**40),
        max_tokens=chance.randint(*TOKENS),
        n=chance.choice((1, 1, 1, 1, 3)),
        temperature=chance.choice((0.0, 0.7, 0.9, 1.2)),
        top_k=chance.choice((0, 5, 50)),
        top_p=chance.choice((1.0, 0.95, 0.6)),
        min_p=chance.choice((0.0, 0.0, 0.05)),
        typical_p=chance.choice((1.0, 1.0, 0.8)),
        repetition_penalty=chance.choice((1.0, 1.0, 1.2)),
        no_repeat_ngram=chance.choice((0, 0, 3)),
        lines=chance.choice((None, 2)),
    )


def text_alone(model: WritingModel, prompt: str, recipe: Recipe) -> list[Piece]:
    return [piece for pieces in write(model, prompt, recipe) for piece in pieces]


def texts_in_batches(model: WritingModel, *, number: int) -> list[str]:
    """A digest of each request's text, written in an order and in groups that ``number`` decides."""
    asked, chance = requests(), random.Random(number)
    order = chance.sample(range(REQUESTS), REQUESTS)
    engine, digests = writing.roomy_engine(MOST_AT_ONCE), {}
    while order:
        group = [order.pop() for _ in range(min(len(order), chance.randint(1, 2 * MOST_AT_ONCE)))]
        texts = writing.write_together(engine, model, *zip(*(asked[place] for place in group), strict=True))
        digests |= {place: digest(pieces) for place, pieces in zip(group, texts, strict=True)}
    return [digests[place] for place in range(REQUESTS)]


def texts_after_restart(path: Path, *, number: int) -> list[str]:
    command = [sys.executable, "-m", __name__, str(path), str(number)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def digest(pieces: list[Piece]) -> str:
    """A name for a request's texts, tokens and their log-probabilities, to the last bit."""
    by_candidate = sorted(pieces, key=lambda piece: piece.index)  # each one's pieces stay in order
    told = [(piece.index, piece.token, piece.text, piece.log_probability.hex()) for piece in by_candidate]
    return hashlib.sha256(repr(told).encode()).hexdigest()


def main() -> None:
    print(json.dumps(texts_in_batches(writing.open_model(Path(sys.argv[1])), number=int(sys.argv[2]))))


if __name__ == "__main__":
    main()
