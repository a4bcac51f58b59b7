# SPDX-License-Identifier: Apache-2.0
"""The robot's side of a pool: an engine that asks the pool's machines, and a local network for when none answers.

No frame waits for another one's answer and none is sent twice: what was not answered in time is dropped and counted, for
a newer one is there. After MOST_MISSED answers in a row that don't come the local network takes the frames, while a thread asks
the next addresses; every PROBE_S it looks whether an earlier address is back. So a frame takes its budget at most.
"""
from __future__ import annotations

import logging
import queue
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from modot_ros.engine.engine import Engine, Wanted
from modot_ros.engine.pool import wire
from modot_ros.engine.pool.pool_pb2 import Description, Picture, Question
from modot_ros.engine.pool.pool_pb2 import Maps as MapsMessage
from modot_ros.model import Maps
from modot_ros.prediction import Unanswered

MOST_MISSED = 3
PROBE_S = 1.0
HANDSHAKE_S = 2.0
REASONS = {"DEADLINE_EXCEEDED": "pool_late", "RESOURCE_EXHAUSTED": "pool_refused", "UNAVAILABLE": "pool_unreachable",
           "NOT_FOUND": "pool_other_network"}
LOG = logging.getLogger(__name__)


class WrongNetwork(ValueError):
    """A pool runs another network than the robot was told to use."""


class _Address:
    """One machine of the pool, an Engine once it has described itself."""

    def __init__(self, address: str, budget_s: float, report: Callable[[_Address, str], None]) -> None:
        import grpc

        self.address, self.budget_s, self._report = address, budget_s, report
        # a broken connection is tried again soon, not after gRPC's two minutes
        self._channel = grpc.insecure_channel(address, options=[
            ("grpc.max_reconnect_backoff_ms", 1000), ("grpc.initial_reconnect_backoff_ms", 100)])
        self._describe = self._channel.unary_unary(wire.DESCRIBE, Question.SerializeToString, Description.FromString)
        self._look = self._channel.unary_unary(wire.LOOK, Picture.SerializeToString, MapsMessage.FromString)
        self.network = ""
        self.facts: Any = None

    def check(self, name: str, network: str) -> str:
        """Why what runs there can't be used; empty when it can. Raises WrongNetwork for another network."""
        import grpc

        try:
            found = self._describe(Question(), timeout=HANDSHAKE_S)
            facts = wire.facts_of(found)
        except grpc.RpcError as error:
            return f"{self.address}: {error.code().name.lower().replace('_', ' ')} ({error.details()})"
        except ValueError as error:
            return f"{self.address}: {error}"
        if facts.name != name or network and found.network != network:
            raise WrongNetwork(f"{self.address} runs {facts.name} of weights {found.network[:12]}, not {name}"
                               + (f" of {network[:12]}" if network else "") + ": start the pool with the same weights file")
        self.network, self.facts = found.network, facts
        return ""

    def now(self) -> Engine:
        return self

    def maps(self, pictures: Sequence[np.ndarray], depth: bool = True, boundary: bool = True,
             classes: bool = False) -> list[Maps]:
        import grpc

        wanted = Wanted(depth, boundary, classes and self.facts.has_semantics)
        try:
            calls = [self._look.future(wire.picture(rgb, self.network, wanted, self.budget_s), timeout=self.budget_s)
                     for rgb in pictures]
            found = [wire.maps_of(call.result(), rgb.shape[1], rgb.shape[0], wanted)
                     for call, rgb in zip(calls, pictures)]
        except grpc.RpcError as error:
            reason = REASONS.get(error.code().name, "pool_error")
            self._report(self, reason)
            raise Unanswered(reason, f"{self.address}: {error.details()}") from error
        except ValueError as error:                     # maps that are none: a network that does not work is as good as none
            self._report(self, "pool_error")
            raise Unanswered("pool_error", f"{self.address}: {error}") from error
        self._report(self, "")
        return found

    def close(self) -> None:
        self._channel.close()


class PoolEngine:
    """An Engine on other machines.

    addresses   host:port of each machine, the preferred one first
    name        of the network, which the pool must run
    network     `wire.network_hash` of its weights; empty: whatever weights the pool has are right
    fallback    makes the engine for when no address answers; made at once, so that it is ready
    budget_s    how long an answer may take
    Raises ValueError without addresses and WrongNetwork, a ValueError, when one runs another network.
    """

    def __init__(self, addresses: Sequence[str], name: str, network: str, fallback: Callable[[], Engine], budget_s: float
                 ) -> None:
        try:
            import grpc  # noqa: F401
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError("engine ray needs grpcio and protobuf: pip install modot_ros[pool]") from error
        bad = [one for one in addresses if not one.rpartition(":")[0] or not one.rpartition(":")[2].isdecimal()]
        if bad or not addresses:
            raise ValueError(f"engine_addresses is {', '.join(addresses)!r}: name host:port of each machine")
        self.name, self.network = name, network
        self.counts: Counter[str] = Counter()           # answers, and reasons why none came
        self._lock = threading.Lock()
        self._missed = 0                                # in a row
        self._fallback = fallback()
        self._addresses = [_Address(one, budget_s, self._count) for one in addresses]
        self._current: Engine = self._fallback
        self.warning = ""                               # stands while the preferred address doesn't answer
        self._started = False
        self._choose(range(len(self._addresses)))
        self._started = True
        self._orders: queue.SimpleQueue[Sequence[int] | None] = queue.SimpleQueue()     # places to be asked; None: the end
        threading.Thread(target=_probe, args=(weakref.ref(self), self._orders), name="modot pool probe", daemon=True).start()
        weakref.finalize(self, self._orders.put, None)

    @property
    def facts(self) -> Any:
        return self._current.facts

    def now(self) -> Engine:
        """The address or the local network that the next picture goes to."""
        return self._current

    def maps(self, pictures: Sequence[np.ndarray], depth: bool = True, boundary: bool = True,
             classes: bool = False) -> list[Maps]:
        """Raises Unanswered when no answer came in time."""
        return self._current.maps(pictures, depth, boundary, classes)

    def close(self) -> None:
        self._orders.put(None)
        for one in self._addresses:
            one.close()

    def _count(self, address: _Address, reason: str) -> None:
        """An answer came (no reason) or not. A refusal is an answer: the pool is there, and busy."""
        with self._lock:
            self.counts[reason or "answered"] += 1
            if reason in ("", "pool_refused"):
                self._missed = 0
                return
            self._missed += 1
            if self._missed < MOST_MISSED or self._current is not address:
                return
            self._missed = 0
            following = range(self._addresses.index(address) + 1, len(self._addresses))
            lost = f"{address.address} answers no more" if following else "no machine of the pool answers"
            self._use(self._fallback, f"{lost}, {self._fallback.facts.name} runs here")
        if following:
            self._orders.put(following)

    def _choose(self, places: Sequence[int]) -> None:
        """The first of these addresses that answers, else the local network."""
        problems = []
        for k in places:
            try:
                problem = self._addresses[k].check(self.name, self.network)
            except WrongNetwork as error:
                if self._started:                       # a robot on its way goes on with what is left
                    problem = str(error)
                else:
                    raise
            if not problem:
                self._use(self._addresses[k], "" if k == 0 else f"the pool's first address does not answer, "
                          f"{self._addresses[k].address} does")
                return
            problems.append(problem)
        name = self._fallback.facts.name
        self._use(self._fallback, f"no machine of the pool answers, {name} runs here: {'; '.join(problems) or 'too late'}")

    def _use(self, engine: Engine, warning: str) -> None:
        if engine is not self._current or warning != self.warning:
            (LOG.warning if warning else LOG.info)(warning or f"the pool answers at {self._addresses[0].address}")
        self._current, self.warning = engine, warning

    def look_for_better(self) -> None:
        """Go back to an earlier address than the current one, if it answers."""
        place = next((k for k, one in enumerate(self._addresses) if one is self._current), len(self._addresses))
        for k in range(place):
            try:
                if not self._addresses[k].check(self.name, self.network):
                    self._missed = 0
                    self._use(self._addresses[k], "" if k == 0 else self.warning)
                    return
            except WrongNetwork as error:
                self.warning = str(error)


def _probe(engine: weakref.ref[PoolEngine], orders: queue.SimpleQueue[Sequence[int] | None]) -> None:
    while True:
        try:
            places = orders.get(timeout=PROBE_S)
        except queue.Empty:
            places = ()
        if places is None:
            return
        there = engine()
        if there is None:
            return
        if places:
            there._choose(places)
        else:
            there.look_for_better()
        del there
