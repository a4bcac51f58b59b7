# SPDX-License-Identifier: Apache-2.0
"""Discrete events of a fleet: cameras, a slot each for the newest frame, replicas that make batches, deadlines.

What `fleet_simulation.py` compares with the real code, and plans with. Alone it does nothing.
"""
from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import numpy as np

SETTLING_S = 1.0                                        # at the begin, not counted


@dataclass(frozen=True)
class Fleet:
    """What is simulated.

    batch_s     time of a batch of 1, 2, ... pictures; its length is the largest batch
    wait_s      how long an idle replica waits for more pictures than the first; a busy one takes all that waits when it is free
    windows     instead a batch takes what comes within wait_s after its first picture, even while the replica is busy: what Ray
                Serve's own batches do
    way_s       of a picture there and its answer back, together, without the network
    own_s       of the robot's own after an answer, before it takes its next frame
    budget_s    after which a request is given up
    capacity    pictures that may be inside; more are refused
    """

    cameras: int
    rate_hz: float
    batch_s: Sequence[float]
    replicas: int = 1
    wait_s: float = 0.0
    windows: bool = False
    way_s: float = 0.0
    own_s: float = 0.0
    budget_s: float = math.inf
    capacity: float = math.inf


@dataclass
class Outcome:
    """Of a time `seconds`: ages of answers, counted from the frame; what became of the other frames; sizes of batches."""

    seconds: float
    ages_s: list[float] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    replaced: int = 0                                   # by a newer frame of the same camera
    refused: int = 0
    late: int = 0
    busy_s: float = 0.0                                 # of all replicas

    @property
    def rate_hz(self) -> float:
        return len(self.ages_s) / self.seconds

    @property
    def mean_batch(self) -> float:
        return float(np.mean(self.batches)) if self.batches else math.nan

    @property
    def median_s(self) -> float:
        return float(np.median(self.ages_s)) if self.ages_s else math.nan

    @property
    def lost_share(self) -> float:
        """Of the frames that were answered or lost."""
        lost = self.replaced + self.refused + self.late
        return lost / max(1, lost + len(self.ages_s))


@dataclass(eq=False)
class _Camera:
    slot: float | None = None                           # when the newest frame was taken, if it waits
    busy: bool = False


@dataclass(eq=False)
class _Request:
    camera: _Camera
    taken_s: float
    done: bool = False
    inside: bool = False


@dataclass(eq=False)
class _Replica:
    waiting: deque[_Request] = field(default_factory=deque)         # not yet in a batch
    closed: deque[list[_Request]] = field(default_factory=deque)    # batches that wait
    busy: bool = False
    load: int = 0                                       # pictures given to it and not yet back


class Simulation:
    """Discrete events in a heap. `run` simulates `seconds` after SETTLING_S."""

    def __init__(self, fleet: Fleet, seed: int = 0, even: bool = False) -> None:
        """even: cameras a fraction of a period apart, in turns, instead of at random."""
        self.fleet, self.random = fleet, random.Random(seed)
        self.now_s, self.inside = 0.0, 0
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = count()
        self.replicas = [_Replica() for _ in range(fleet.replicas)]
        self.outcome = Outcome(0.0)
        period_s = 1 / fleet.rate_hz
        for k in range(fleet.cameras):
            self.after(period_s * (k / fleet.cameras if even else self.random.random()), self.frame, _Camera())

    def run(self, seconds: float, settling_s: float = SETTLING_S) -> Outcome:
        self._until(settling_s)
        self.outcome = Outcome(seconds)
        self._until(settling_s + seconds)
        return self.outcome

    def after(self, delay_s: float, action: Callable[..., None], *arguments: Any) -> None:
        heapq.heappush(self._events, (self.now_s + delay_s, next(self._order), action, arguments))

    def _until(self, end_s: float) -> None:
        while self._events and self._events[0][0] < end_s:
            self.now_s, _, action, arguments = heapq.heappop(self._events)
            action(*arguments)
        self.now_s = end_s

    def frame(self, camera: _Camera) -> None:
        self.after(1 / self.fleet.rate_hz, self.frame, camera)
        self.outcome.replaced += camera.slot is not None
        camera.slot = self.now_s
        if not camera.busy:
            self.send(camera)

    def send(self, camera: _Camera) -> None:
        if camera.slot is None:
            return
        request = _Request(camera, camera.slot)
        camera.slot, camera.busy = None, True
        self.after(self.fleet.way_s / 2, self.arrive, request)
        if self.fleet.budget_s < math.inf:
            self.after(self.fleet.budget_s, self.give_up, request)

    def arrive(self, request: _Request) -> None:
        if request.done:
            return
        if self.inside >= self.fleet.capacity:
            self.after(self.fleet.way_s / 2, self.refuse, request)
            return
        request.inside, self.inside = True, self.inside + 1
        # Serve's router: the one of two random replicas that has less to do
        replica = min(self.random.sample(self.replicas, min(2, len(self.replicas))), key=lambda one: one.load)
        replica.load += 1
        replica.waiting.append(request)
        if self.fleet.windows:
            if len(replica.waiting) >= len(self.fleet.batch_s):
                self.close(replica, request)
            elif len(replica.waiting) == 1:
                self.after(self.fleet.wait_s, self.close, replica, request)
        elif not replica.busy:
            replica.busy = True
            self.after(self.fleet.wait_s, self.look, replica)

    def close(self, replica: _Replica, member: _Request) -> None:
        """The window of `member` is over, or its batch is full."""
        if member in replica.waiting:
            replica.closed.append(list(replica.waiting))
            replica.waiting.clear()
            if not replica.busy:
                self.look(replica)

    def look(self, replica: _Replica) -> None:
        """The replica begins its next batch, if there is one. What was given up is left out."""
        replica.busy = False
        while not replica.busy and (replica.closed or not self.fleet.windows and replica.waiting):
            if self.fleet.windows:
                batch = replica.closed.popleft()
            else:
                batch = [replica.waiting.popleft() for _ in range(min(len(replica.waiting), len(self.fleet.batch_s)))]
            fresh = [request for request in batch if not request.done]
            replica.load -= len(batch) - len(fresh)
            if fresh:
                replica.busy = True
                time_s = self.fleet.batch_s[len(fresh) - 1]
                self.outcome.batches.append(len(fresh))
                self.outcome.busy_s += time_s
                self.after(time_s, self.finish, replica, fresh)

    def finish(self, replica: _Replica, batch: list[_Request]) -> None:
        replica.load -= len(batch)
        for request in batch:
            self.leave(request)
            self.after(self.fleet.way_s / 2, self.answer, request)
        self.look(replica)

    def leave(self, request: _Request) -> None:
        self.inside -= request.inside
        request.inside = False

    def answer(self, request: _Request) -> None:
        if not request.done:
            self.outcome.ages_s.append(self.now_s - request.taken_s)
            self.end(request, self.fleet.own_s)

    def refuse(self, request: _Request) -> None:
        if not request.done:
            self.outcome.refused += 1
            self.end(request)

    def give_up(self, request: _Request) -> None:
        if not request.done:
            self.outcome.late += 1
            self.leave(request)
            self.end(request)

    def end(self, request: _Request, own_s: float = 0.0) -> None:
        request.done = True
        self.after(own_s, self.free, request.camera)

    def free(self, camera: _Camera) -> None:
        camera.busy = False
        self.send(camera)


def batch_times_s(measured: dict[int, float], most: int) -> list[float]:
    """Times of batches of 1 ... most from those of some sizes, by straight lines; ValueError without the first and last."""
    if not {1, most} <= set(measured):
        raise ValueError(f"times of batches of {sorted(measured)}: 1 and {most} must be among them")
    sizes = sorted(measured)
    return [float(one) for one in np.interp(range(1, most + 1), sizes, [measured[size] for size in sizes])]


def replicas_needed(fleet: Fleet, most_lost: float, seconds: float = 3.0) -> tuple[int, Outcome]:
    """The fewest replicas with which at most this share of frames is lost, by halving; `capacity` is two batches each."""
    most = len(fleet.batch_s)

    def outcome(replicas: int) -> Outcome:
        return Simulation(replace(fleet, replicas=replicas, capacity=2 * most * replicas)).run(seconds)
    low = 0                                             # too few
    high = max(1, math.ceil(fleet.cameras * fleet.rate_hz * fleet.batch_s[-1] / most))
    while (found := outcome(high)).lost_share > most_lost:
        low, high = high, 2 * high
        if high > fleet.cameras and low > fleet.cameras:
            raise ValueError(f"no number of replicas keeps losses at {most_lost}: an answer takes too long for {fleet}")
    while high - low > 1:
        middle = (low + high) // 2
        tried = outcome(middle)
        if tried.lost_share > most_lost:
            low = middle
        else:
            high, found = middle, tried
    return high, found
