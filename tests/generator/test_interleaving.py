"""Several streams are read as one: as each item comes, no faster than they are taken, and nothing is left behind."""

import asyncio
from contextlib import aclosing

import pytest

from generator.services.interleaving import interleaved


class Source:
    """Gives what the test puts in; tells how much was taken from it, and whether it was closed."""

    def __init__(self, *items):
        self.items, self.taken, self.is_closed = asyncio.Queue(), 0, False
        self.give(*items)

    def give(self, *items) -> "Source":
        for item in items:
            self.items.put_nowait(item)
        return self

    async def __aiter__(self):
        try:
            while (item := await self.items.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                self.taken += 1
                yield item
        finally:
            self.is_closed = True


def run(test) -> None:
    """``test()`` on a loop of its own, which has no task left afterwards."""

    async def alone():
        async with asyncio.timeout(20):
            await test()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(alone())


async def settled() -> None:
    """After whatever can go on without another word has done so."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_items_come_as_they_are_given_whichever_source_they_are_from():
    async def test():
        first, second = Source(), Source()
        async with aclosing(interleaved([first, second])) as turns:
            second.give("a")
            assert await anext(turns) == (1, "a")
            first.give("b")
            assert await anext(turns) == (0, "b")
            second.give("c", None)
            assert await anext(turns) == (1, "c")
            first.give("d", None)
            assert [turn async for turn in turns] == [(0, "d")]

    run(test)


def test_every_item_of_a_source_comes_in_its_order_and_none_is_lost():
    async def test():
        sources = [Source(*range(place * 10), None) for place in range(4)]
        turns = [turn async for turn in interleaved(sources)]
        for place in range(4):
            assert [item for of, item in turns if of == place] == list(range(place * 10))
        assert all(source.is_closed for source in sources)

    run(test)


def test_sources_that_have_much_take_turns():
    async def test():
        turns = [place async for place, _ in interleaved([Source(*"abc", None), Source(*"abc", None)])]
        assert turns == [0, 1] * 3

    run(test)


def test_nothing_comes_of_no_sources():
    async def test():
        assert [turn async for turn in interleaved([])] == []

    run(test)


def test_a_slow_reader_holds_up_all_of_them_but_for_one_item():
    async def test():
        sources = [Source(*"abcdef"), Source(*"abcdef")]
        async with aclosing(interleaved(sources)) as turns:
            assert await anext(turns) == (0, "a")
            await settled()
            assert [source.taken for source in sources] == [1, 1]
            await anext(turns)
            await settled()
            assert [source.taken for source in sources] == [2, 1]

    run(test)


def test_who_leaves_closes_every_source():
    async def test():
        sources = [Source("a"), Source("a"), Source()]
        async with aclosing(interleaved(sources)) as turns:
            await anext(turns)
        assert all(source.is_closed for source in sources)

    run(test)


def test_a_reader_that_is_cancelled_while_it_waits_closes_every_source():
    async def test():
        sources = [Source(), Source()]

        async def read():
            async with aclosing(interleaved(sources)) as turns:
                await anext(turns)

        reading = asyncio.ensure_future(read())
        await settled()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert all(source.is_closed for source in sources)

    run(test)


def test_one_that_is_never_read_begins_nothing():
    async def test():
        source = Source("a")
        await interleaved([source]).aclose()
        assert source.taken == 0

    run(test)


def test_an_error_comes_after_what_came_before_it_and_ends_the_others():
    async def test():
        broken, well = Source("a", ValueError("broken")), Source()
        async with aclosing(interleaved([broken, well])) as turns:
            assert await anext(turns) == (0, "a")
            with pytest.raises(ValueError, match="broken"):
                await anext(turns)
            assert well.is_closed

    run(test)


def test_an_error_waits_for_a_reader_who_is_busy_with_something_else():
    """Nobody is cancelled at work for what happened in a source meanwhile."""

    async def test():
        broken, well = Source(ValueError("broken")), Source("a")
        async with aclosing(interleaved([well, broken])) as turns:
            assert await anext(turns) == (0, "a")
            await settled()
            with pytest.raises(ValueError, match="broken"):
                await anext(turns)

    run(test)


def test_all_may_break_at_once():
    async def test():
        sources = [Source(ValueError("broken")) for _ in range(3)]
        with pytest.raises(ValueError, match="broken"):
            async for _ in interleaved(sources):
                pass

    run(test)
