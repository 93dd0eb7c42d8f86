"""Tokens a second of one stream, sixteen and sixty-four over the tutorial loop, which serves one after another.

Ours counts all that the engine does: prompts of twenty tokens, the network, the draws, the text, and handing it over.
"""

from pathlib import Path

from tests.benchmarks.generation import models
from tests.benchmarks.generation.figures import at_least, show
from tests.benchmarks.training.timing import Contestant, compare

TOKENS, TUTORIAL_TOKENS, ROUNDS = 200, 100, 7
MODULE = "tests.benchmarks.generation.contestants"


def run(folder: Path) -> None:
    model = models.ready_model(folder, "standard")
    loop = {"file": str(model / models.MODEL_FILE), "tokens": TUTORIAL_TOKENS}
    contestants = {"tutorial loop": Contestant("tutorial", loop, module=MODULE)}
    for streams in (1, 16, 64):
        values = {"model": str(model), "streams": streams, "tokens": TOKENS}
        contestants[f"{streams} at once"] = Contestant("engine", values, module=MODULE)
    compare(contestants, rounds=ROUNDS)
    tutorial, one, sixteen, many = (contestant.speed for contestant in contestants.values())
    at_least("one stream over the tutorial loop", one / tutorial, 30)
    at_least("sixteen over one after another", sixteen / tutorial, 130)
    show("sixty-four over one after another", f"{many / tutorial:.1f} ×")
