"""The threads of requests: few for those that are quick, and nobody waits for somebody who waits."""

import asyncio
import threading
import time

import pytest

from lyricsite import threads
from lyricsite.threads import Threads, Turnstile


def test_a_crowd_is_served_in_its_order_and_few_at_a_time(monkeypatch):
    monkeypatch.setattr(threads, "QUICK_SECONDS", 60)
    pool, begun, inside, most = Threads("test"), [], set(), []

    def serve(number: int) -> int:
        begun.append(number)
        inside.add(number)
        most.append(len(inside))
        time.sleep(0.001)
        inside.discard(number)
        return number

    async def crowd():
        return await asyncio.gather(*[pool.run(serve, number) for number in range(30)])

    assert asyncio.run(crowd()) == list(range(30))
    assert max(most) <= threads.QUICK_ONES
    assert all(abs(place - number) < threads.QUICK_ONES for place, number in enumerate(begun))
    assert len(pool._pool._threads) < 10  # one that is just done may not be seen as free yet


def test_nobody_waits_for_those_who_wait(monkeypatch):
    monkeypatch.setattr(threads, "QUICK_SECONDS", 0.01)
    pool, is_over = Threads("test"), threading.Event()

    async def crowd():
        waiting = [asyncio.ensure_future(pool.run(is_over.wait, 20)) for _ in range(5)]
        quick = await asyncio.wait_for(pool.run(lambda: "quick"), 20)
        is_over.set()
        return quick, await asyncio.gather(*waiting)

    assert asyncio.run(crowd()) == ("quick", [True] * 5)


def test_an_error_is_raised_where_it_is_waited_for_and_takes_no_place():
    pool = Threads("test")

    def fail():
        raise LookupError

    async def crowd():
        for _ in range(5):
            with pytest.raises(LookupError):
                await pool.run(fail)
        return await asyncio.wait_for(pool.run(lambda: "served"), 20)

    assert asyncio.run(crowd()) == "served"


def test_who_gives_up_in_the_queue_takes_no_place():
    async def queue():
        turnstile = Turnstile(1)
        leave = await turnstile.enter()
        early, late, next_one = [asyncio.ensure_future(turnstile.enter()) for _ in range(3)]
        await asyncio.sleep(0)
        early.cancel()
        leave()
        leave()  # twice is once
        late.cancel()  # in the moment in which its place comes
        (await asyncio.wait_for(next_one, 20))()
        await asyncio.wait_for(turnstile.enter(), 20)
        return early, late

    assert [one.cancelled() for one in asyncio.run(queue())] == [True, True]
