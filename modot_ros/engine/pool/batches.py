# SPDX-License-Identifier: Apache-2.0
"""What a replica is asked while its network is busy is the next batch.

Ray Serve's own `batch` closes a batch a fixed time after its first request, even while the network is busy: requests that come
evenly spread then make batches of one, however many wait (benchmarks/fleet_simulation.py has both).
"""
from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")
Found = TypeVar("Found")


class Batches(Generic[Item, Found]):
    """To be awaited with an item, on one event loop.

    look    a thread calls it with the items of a batch, oldest first; what it returns is for each, what it raises for all
    most    items of a batch
    wait_s  how long an idle network waits for more items than the first
    """

    def __init__(self, look: Callable[[list[Item]], list[Found]], most: int, wait_s: float = 0.0) -> None:
        self.look, self.most, self.wait_s = look, most, wait_s
        self._line: deque[tuple[Item, asyncio.Future[Found]]] = deque()
        self._work: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Found:
        future: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._line.append((item, future))
        if self._work is None:
            self._work = asyncio.create_task(self._look())
        return await future

    async def _look(self) -> None:
        await asyncio.sleep(self.wait_s)
        while batch := self._taken():
            try:
                found = await asyncio.to_thread(self.look, [item for item, _ in batch])
                for (_, future), one in zip(batch, found, strict=True):
                    if not future.done():               # its asker may have gone meanwhile
                        future.set_result(one)
            except Exception as error:
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
        self._work = None

    def _taken(self) -> list[tuple[Item, asyncio.Future[Found]]]:
        """The oldest that somebody still waits for."""
        batch: list[tuple[Item, asyncio.Future[Found]]] = []
        while self._line and len(batch) < self.most:
            item, future = self._line.popleft()
            if not future.done():
                batch.append((item, future))
        return batch
