"""Several streams read as one, each item as soon as it comes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import aclosing
from typing import TypeVar

Item = TypeVar("Item")


async def interleaved(sources: Sequence[AsyncIterable[Item]]) -> AsyncGenerator[tuple[int, Item], None]:
    """(place, item) of each of ``sources`` as it comes, until all have ended; close it to leave before.

    Each source is read one item ahead and no further, so a slow reader holds all of them up. However it ends, every
    source that was begun is closed and no task is left. (A `TaskGroup` would not do: it cancels whoever is at work
    while this generator stands at its `yield`.)
    Raises: what a source raised, after all that came before it.
    """
    arrivals: asyncio.Queue = asyncio.Queue()
    rooms = [asyncio.Event() for _ in sources]
    readers = [
        asyncio.ensure_future(_read(place, source, rooms[place], arrivals)) for place, source in enumerate(sources)
    ]
    for reader in readers:
        reader.add_done_callback(arrivals.put_nowait)
    try:
        going = len(readers)
        while going:
            arrival = await arrivals.get()
            if isinstance(arrival, asyncio.Task):
                arrival.result()
                going -= 1
            else:
                yield arrival
                rooms[arrival[0]].set()
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)


async def _read(place: int, source: AsyncIterable[Item], has_room: asyncio.Event, arrivals: asyncio.Queue) -> None:
    async with aclosing(aiter(source)) as items:
        async for item in items:
            arrivals.put_nowait((place, item))
            await has_room.wait()
            has_room.clear()
