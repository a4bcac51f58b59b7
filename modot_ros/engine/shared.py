# SPDX-License-Identifier: Apache-2.0
"""One engine for several cameras: what they ask for while it is busy goes through it as the next batch."""
from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from modot_ros.engine.engine import Engine, Facts, Wanted
from modot_ros.model import Maps

MOST_TOGETHER = 8                                       # pictures of one batch


@dataclass
class _Request:
    pictures: Sequence[np.ndarray]
    wanted: Wanted
    maps: list[Maps] = field(default_factory=list)
    error: Exception | None = None
    done: bool = False


class SharedEngine:
    """An Engine around another, for threads that each wait for their maps.

    There is no thread of its own: whoever finds the engine free takes the oldest requests, his or not, as one batch. So
    a camera waits for one batch that runs and at most for those before it in the line, and as each has one request at a
    time, none starves.
    most    pictures of a batch; a request with more goes through alone
    """

    def __init__(self, engine: Engine, most: int = MOST_TOGETHER) -> None:
        if most < 1:
            raise ValueError(f"most is {most}: a batch has 1 or more pictures")
        self.engine, self.most = engine, most
        self.batches = self.pictures = 0                # that went through
        self._changed = threading.Condition()           # guards what follows; told when a batch is done
        self._busy = False
        self._line: deque[_Request] = deque()           # oldest first

    @property
    def facts(self) -> Facts:
        return self.engine.facts

    def now(self) -> Engine:
        return self

    def maps(self, pictures: Sequence[np.ndarray], depth: bool = True, boundary: bool = True,
             classes: bool = False) -> list[Maps]:
        """As the engine's; errors are those of these pictures, not of others in the batch."""
        request = _Request(pictures, Wanted(depth, boundary, classes))
        with self._changed:
            self._line.append(request)
        while not request.done:
            with self._changed:
                # not a lock held during a batch: those whose maps are there must not wait for the next batch
                self._changed.wait_for(lambda: request.done or not self._busy)
                if request.done:
                    break
                self._busy, taken = True, self._taken()
            try:
                self._run(taken)
            finally:
                with self._changed:
                    self._busy = False
                    self._changed.notify_all()
        if request.error is not None:
            raise request.error
        return request.maps

    def _taken(self) -> list[_Request]:
        """The oldest requests, as many as fit into a batch, at least one."""
        taken, count = [], 0
        while self._line and (not taken or count + len(self._line[0].pictures) <= self.most):
            taken.append(self._line.popleft())
            count += len(taken[-1].pictures)
        return taken

    def _run(self, requests: list[_Request]) -> None:
        wanted = map(any, zip(*(one.wanted for one in requests)))
        pictures = [picture for one in requests for picture in one.pictures]
        try:
            found = iter(self.engine.maps(pictures, *wanted))
            for one in requests:
                one.maps = [one.wanted.of(next(found)) for _ in one.pictures]
        except Exception as error:
            if len(requests) > 1:                       # whose picture is it?
                for one in requests:
                    self._run([one])
                return
            requests[0].error = error
        self.batches, self.pictures = self.batches + 1, self.pictures + len(pictures)
        for one in requests:
            one.done = True
