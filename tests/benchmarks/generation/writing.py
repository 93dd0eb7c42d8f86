"""Our side of each comparison: the engine as the web part drives it, without torch."""

import asyncio
from pathlib import Path

from generator.decoding.engine import Engine
from generator.decoding.model_file import WritingModel, read_model
from generator.decoding.writer import Piece
from generator.recipe import Recipe

SAMPLING = {"temperature": 0.9, "top_k": 50, "top_p": 0.95}
SECONDS = 600  # nobody runs out of time here


def open_model(folder: Path, *, precision: str | None = None) -> WritingModel:
    """The model in ``folder``. Raises: RuntimeError if it is not served in the ``precision`` that is wanted."""
    model = read_model(lambda name: (folder / name).read_bytes())
    if precision not in (None, model.precision):
        raise RuntimeError(f"This model is served in {model.precision}.")
    return model


def roomy_engine(slots: int) -> Engine:
    """An engine in which one person may fill every place, and wait for as many more."""
    room = 3 * slots  # who has just been read to the end may still be counted
    return Engine(slots=slots, inbox=room, per_person=slots + room)


def recipes(count: int, *, tokens: int, number: int = 0) -> list[Recipe]:
    """So many recipes with seeds that no other ``number`` has."""
    return [Recipe(max_tokens=tokens, seed=number * count + place, **SAMPLING) for place in range(count)]


def write_together(engine: Engine, model: WritingModel, prompts: list[str], wishes: list[Recipe]) -> list[list[Piece]]:
    """The pieces of each text, all written side by side and read on one event loop."""

    async def read_one(prompt: str, recipe: Recipe) -> list[Piece]:
        writing = engine.open(model, prompt, recipe, person="singer", seconds=SECONDS)
        return [piece async for turn in writing for piece in turn]

    async def read_all() -> list[list[Piece]]:
        return await asyncio.gather(*map(read_one, prompts, wishes))

    return asyncio.run(read_all())
