# SPDX-License-Identifier: Apache-2.0
"""The pool's gRPC server: it checks requests, refuses those beyond its limit, and drops those whose time is up."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import numpy as np
from google.protobuf.message import DecodeError

from modot_ros.engine.engine import Wanted
from modot_ros.engine.pool import wire
from modot_ros.engine.pool.pool_pb2 import Description, Picture
from modot_ros.engine.pool.pool_pb2 import Maps as MapsMessage

MOST_BYTES = 3 * wire.MOST_PIXELS + 4096                # of a message
LONGEST_BUDGET_S = 10.0

# rgb uint8 [h, w, 3], which maps, budget in seconds -> maps; None when the time was up before the network was free
Look = Callable[[np.ndarray, Wanted, float], Awaitable[MapsMessage | None]]


class Gateway:
    """Serves `pool.proto` on one address.

    describe    what runs here
    look        the network
    most        pictures that may be inside at once; more are refused at once, for a queue would only make them old
    """

    def __init__(self, describe: Description, look: Look, most: int) -> None:
        self.describe, self.look, self.most = describe, look, most
        self.inside = 0
        self._server: Any = None

    async def start(self, host: str, port: int) -> int:
        """Begin to listen; the port, which is chosen when 0 was asked for. OSError when the address can't be had."""
        self._server = grpc.aio.server(options=[("grpc.max_receive_message_length", MOST_BYTES), ("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("modot_ros.pool.Pool", {
            "Describe": grpc.unary_unary_rpc_method_handler(self._describe),
            "Look": grpc.unary_unary_rpc_method_handler(self._look)}),))
        try:
            taken = self._server.add_insecure_port(f"{host}:{port}")
        except RuntimeError as error:
            raise OSError(f"{host}:{port} can't be listened on: {error}") from error
        await self._server.start()
        return taken

    async def stop(self) -> None:
        await self._server.stop(grace=0)

    async def _describe(self, question: bytes, context: grpc.aio.ServicerContext) -> bytes:
        return self.describe.SerializeToString()

    async def _look(self, message: bytes, context: grpc.aio.ServicerContext) -> bytes:
        if self.inside >= self.most:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, f"{self.inside} pictures wait, no more are taken")
        try:
            picture = Picture.FromString(message)
            rgb = wire.rgb_of(picture)
        except (DecodeError, ValueError) as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"no picture: {error}")
        if picture.network != self.describe.network:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"network {picture.network[:12]!r} was asked for, "
                                f"{self.describe.network[:12]} runs here")
        wanted = Wanted(picture.depth, picture.boundary, picture.classes)
        budget_s = min(picture.budget_ms / 1e3, LONGEST_BUDGET_S)
        self.inside += 1
        try:
            found = await asyncio.wait_for(self.look(rgb, wanted, budget_s), budget_s)
        except (TimeoutError, asyncio.TimeoutError):    # two classes before Python 3.11
            found = None
        except Exception as error:                      # a replica that died, a network that can't: the caller decides
            logging.getLogger(__name__).warning("a picture failed: %s", error)
            await context.abort(grpc.StatusCode.UNAVAILABLE, f"{type(error).__name__}: {error}"[:500])
        finally:
            self.inside -= 1
        if found is None:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, f"not done within {budget_s:g} s")
        return found.SerializeToString()
