# SPDX-License-Identifier: Apache-2.0
"""A gateway in a thread, before a network that only counts."""
import asyncio
import threading

import numpy as np
import pytest

grpc = pytest.importorskip("grpc", reason="grpcio is not installed: pip install .[pool]")

from modot_ros.engine.engine import Facts  # noqa: E402
from modot_ros.engine.pool import wire  # noqa: E402
from modot_ros.engine.pool.gateway import Gateway  # noqa: E402
from modot_ros.model import Maps  # noqa: E402

FACTS = Facts("stand_in", "metric", "axis", 0.8, (96, 64), False, "cpu", "fp32")
NETWORK = "ab" * 32


def maps_of(rgb, depth=True, boundary=True, classes=False):
    """Depth that is a hundredth of the red values, boundaries that are the green ones."""
    return Maps(rgb[..., 0] / np.float32(100) if depth else None, rgb[..., 1] / np.float32(255) if boundary else None, None)


class Pool:
    """`port`; `delay_s` of every picture; `seen`: shapes that came; `stop` and `start` as often as wanted."""

    def __init__(self, most=4):
        self.delay_s, self.seen, self.error, self.most = 0.0, [], None, most
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.network, self.port = NETWORK, 0
        self.start()

    def start(self):
        self.gateway = Gateway(wire.description(self.network, FACTS), self.look, self.most)
        self.port = self.run(self.gateway.start("127.0.0.1", self.port))

    def stop(self):
        self.run(self.gateway.stop())

    async def look(self, rgb, wanted, budget_s):
        self.seen.append(rgb.shape)
        await asyncio.sleep(self.delay_s)
        if self.error is not None:
            raise self.error
        return wire.maps_message(maps_of(rgb, *wanted))

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def close(self):
        self.stop()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"


@pytest.fixture
def pool():
    """Makes a Pool."""
    made = []

    def make(**options):
        made.append(Pool(**options))
        return made[-1]
    yield make
    for one in made:
        one.close()


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
