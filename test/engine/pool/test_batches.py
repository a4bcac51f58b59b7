# SPDX-License-Identifier: Apache-2.0
"""Batches of an event loop before a function that waits until it is let go."""
import asyncio
import threading

import pytest

from modot_ros.engine.pool.batches import Batches

WAIT_S = 10.0


class Gate:
    """Doubles its items; each batch waits for `go`. A batch with "bad" raises."""

    def __init__(self):
        self.batches, self.go, self.begun = [], threading.Semaphore(0), threading.Semaphore(0)

    def look(self, items):
        self.batches.append(items)
        self.begun.release()
        assert self.go.acquire(timeout=WAIT_S)
        if "bad" in items:
            raise ValueError("bad")
        return [2 * item for item in items]


async def asked(batches, items):
    tasks = [asyncio.create_task(batches(item)) for item in items]
    await asyncio.sleep(0)                              # they are in the line now
    return tasks


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, WAIT_S))


def test_what_comes_while_the_network_is_busy_is_the_next_batch():
    gate = Gate()

    async def scene():
        batches = Batches(gate.look, most=3)
        tasks = await asked(batches, [1])
        await asyncio.to_thread(gate.begun.acquire)
        for item in (2, 3, 4, 5):                       # one after the other
            tasks += await asked(batches, [item])
        gate.go.release(3)
        return await asyncio.gather(*tasks)
    assert run(scene()) == [2, 4, 6, 8, 10]
    assert gate.batches == [[1], [2, 3, 4], [5]]


def test_an_idle_network_waits_for_more_and_works_again_after_a_pause():
    gate = Gate()
    gate.go.release(2)

    async def scene():
        batches = Batches(gate.look, most=8, wait_s=0.05)
        tasks = await asked(batches, [1])
        tasks += await asked(batches, [2])
        return await asyncio.gather(*tasks), await batches(3)
    assert run(scene()) == ([2, 4], 6)
    assert gate.batches == [[1, 2], [3]]


def test_an_error_is_for_its_batch_alone():
    gate = Gate()

    async def scene():
        batches = Batches(gate.look, most=2)
        tasks = await asked(batches, ["a", "bad", "c"])
        gate.go.release(2)
        return await asyncio.gather(*tasks, return_exceptions=True)
    first, second, third = run(scene())
    assert isinstance(first, ValueError) and first is second and third == "cc"


def test_whoever_has_gone_is_left_out():
    gate = Gate()

    async def scene():
        batches = Batches(gate.look, most=2)
        tasks = await asked(batches, [1])
        await asyncio.to_thread(gate.begun.acquire)
        tasks += await asked(batches, [2, 3, 4])
        tasks[0].cancel()                               # in the batch that runs
        tasks[1].cancel()
        gate.go.release(2)
        return await asyncio.gather(*tasks, return_exceptions=True)
    *gone, third, fourth = run(scene())
    assert [type(one) for one in gone] == [asyncio.CancelledError] * 2 and (third, fourth) == (6, 8)
    assert gate.batches == [[1], [3, 4]]


def test_a_network_that_returns_too_few_is_an_error():
    with pytest.raises(ValueError, match="shorter"):
        run(Batches(lambda items: [], most=2)(1))
