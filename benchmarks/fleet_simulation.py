# SPDX-License-Identifier: Apache-2.0
"""A plan for a fleet, by simulation: cameras, a slot each for the newest frame, replicas that make batches, deadlines.

    python benchmarks/fleet_simulation.py [--system nano shared pool] [--cameras 1 2 4 8] [--rate-hz 10] [--seconds 6]
    python benchmarks/fleet_simulation.py --plan --batch-ms 35 56 95 195 [--batch-sizes 1 2 4 8] [--robots 1000] [--way-ms 20]

The first compares the simulation with the real code on this machine. `nano`: threads with the node's mailboxes and the engine
that `modot_multi` shares, with modot_nano. `shared`: the same around a network that only sleeps, 20 ms and 5 ms a picture: other
programs of the machine do not count. `pool`: the robots' client, the gateway and one replica of Ray Serve, with the sleeping
network, for beside robots and Ray two cores have no room for a real one; left out without Ray.
Times of batches, and the pool's overhead for one picture, are measured in the same run, before and after each
comparison. The second prints what robots with three cameras at 10 Hz need, given times of batches.
"""
from __future__ import annotations

import argparse
import json
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fleet_events import SETTLING_S, Fleet, Outcome, Simulation, batch_times_s, replicas_needed

SIZES = (1, 2, 4, 8)                                    # of batches that are timed; between them a straight line
GATEWAY_SHARE = 0.6                                     # of a core that a gateway may take in a plan
PICTURE = np.random.default_rng(0).integers(0, 256, (192, 256, 3), np.uint8)     # the working size of 4:3


class Counted:
    """An engine that notes how many pictures a batch had."""

    def __init__(self, engine: Any) -> None:
        self.engine, self.facts = engine, engine.facts
        self.sizes: list[int] = []

    def now(self) -> Counted:
        return self

    def maps(self, pictures: Sequence[np.ndarray], *wanted: bool) -> Any:
        self.sizes.append(len(pictures))
        return self.engine.maps(pictures, *wanted)


def drive(engines: Sequence[Any], rate_hz: float, seconds: float, begin: Callable[[], None]) -> Outcome:
    """A camera and a thread with the node's mailbox for each engine; `begin` is called when counting begins."""
    from modot_ros.prediction import Unanswered
    from modot_ros.ros.node.worker import Mailbox

    boxes: list[Mailbox[float]] = [Mailbox() for _ in engines]
    outcome, lock, counting = Outcome(seconds), threading.Lock(), threading.Event()

    def work(engine: Any, box: Mailbox[float]) -> None:
        while (taken_s := box.take()) is not None:
            age_s, reason = math.nan, ""
            try:
                engine.maps([PICTURE])
                age_s = time.monotonic() - taken_s
            except Unanswered as error:
                reason = error.reason
            with lock:
                if counting.is_set():
                    outcome.refused += reason == "pool_refused"
                    outcome.late += reason not in ("", "pool_refused")
                    if not reason:
                        outcome.ages_s.append(age_s)

    threads = [threading.Thread(target=work, args=pair, daemon=True) for pair in zip(engines, boxes)]
    for thread in threads:
        thread.start()
    start_s, period_s = time.monotonic(), 1 / (rate_hz * len(engines))
    for k in range(round((SETTLING_S + seconds) / period_s)):
        time.sleep(max(0.0, start_s + k * period_s - time.monotonic()))
        if not counting.is_set() and k * period_s >= SETTLING_S:
            begin()
            counting.set()
        outcome.replaced += boxes[k % len(boxes)].put(time.monotonic()) and counting.is_set()
    counting.clear()
    for box, thread in zip(boxes, threads):
        box.close()
        thread.join(10)
    return outcome


def timed_s(action: Callable[[], Any], tries: int) -> float:
    """Median of so many, after one that does not count."""
    found = []
    for _ in range(tries + 1):
        start_s = time.perf_counter()
        action()
        found.append(time.perf_counter() - start_s)
    return float(np.median(found[1:]))


class Shared:
    """The engine that modot_multi shares, around modot_nano on one thread or around an engine that sleeps."""

    wait_s, budget_s = 0.0, math.inf

    def __init__(self, make: Callable[[], Any]) -> None:
        from modot_ros.engine import SharedEngine

        self.inner = Counted(make())
        self.engine = SharedEngine(self.inner, SIZES[-1])

    def engines(self, cameras: int) -> list[Any]:
        return [self.engine] * cameras

    def times_s(self) -> tuple[dict[int, float], float]:
        """Of batches by their size, and of the way of a picture and its answer."""
        return {size: timed_s(lambda: self.inner.engine.maps([PICTURE] * size), 6) for size in SIZES}, 0.0

    def begin(self) -> None:
        self.inner.sizes.clear()

    def mean_batch(self) -> float:
        return float(np.mean(self.inner.sizes))

    def cpu_s(self) -> dict[str, float]:
        return {"process": time.process_time()}

    def close(self) -> None:
        pass


def nano() -> Any:
    import torch

    from modot_ros.engine import make_engine

    torch.set_num_threads(1)
    return make_engine("local", "modot_nano", device="cpu")


def sleeping() -> tuple[Any, str]:
    """An engine that only sleeps, and its hash. It goes to the replica by value, as it can't import this file."""
    from modot_ros.engine.engine import Facts
    from modot_ros.model import Maps

    class Sleeping:
        facts = Facts("stand_in", "metric", "axis", 0.8, (256, 192), False, "cpu", "fp32")

        def maps(self, pictures: Any, *wanted: bool) -> list[Any]:
            time.sleep(0.02 + 0.005 * len(pictures))
            # its depth tells a robot how many pictures the batch had
            return [Maps(np.full(rgb.shape[:2], len(pictures), np.float32), np.zeros(rgb.shape[:2], np.float32), None)
                    for rgb in pictures]
    return Sleeping(), "ab" * 32


class Pool:
    """A gateway and a replica on a Ray cluster of this machine, and the client of each robot."""

    wait_s, budget_s = 0.005, 1.0

    def __init__(self) -> None:
        from modot_ros.engine.pool import service

        self.service = service
        self.port = service.start({"port": 0, "cpus": 0.1, "batch": SIZES[-1], "batch_wait_ms": 1e3 * self.wait_s}, sleeping)
        self.shares: list[float] = []                   # of a batch, of each answer: they add up to the number of batches

    def engines(self, cameras: int) -> list[Any]:
        return [_Robot(self) for _ in range(cameras)]

    def times_s(self) -> tuple[dict[int, float], float]:
        here = sleeping()[0]
        times = {size: timed_s(lambda: here.maps([PICTURE] * size), 6) for size in SIZES}
        robot = _Robot(self)
        answer_s = timed_s(lambda: robot.maps([PICTURE]), 12)
        robot.client.close()
        return times, max(0.0, answer_s - times[1] - self.wait_s)

    def begin(self) -> None:
        self.shares.clear()

    def mean_batch(self) -> float:
        return len(self.shares) / sum(self.shares)

    def cpu_s(self) -> dict[str, float]:
        """Of the gateway, of the replica, and of this process with its robots, since they began."""
        found = {"robots": time.process_time()}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_text()
                ticks = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
            except OSError:                             # it has ended
                continue
            for name, title in (("gateway", "Replica:modot:Gateway"), ("replica", "Replica:modot:Network")):
                if title in command:
                    found[name] = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        return found

    def close(self) -> None:
        self.service.stop()


class _Robot:
    """The client of a pool, with no network of its own."""

    def __init__(self, pool: Pool) -> None:
        from modot_ros.engine.pool.client import PoolEngine

        self.pool = pool
        self.client = PoolEngine([f"127.0.0.1:{pool.port}"], "stand_in", "ab" * 32, lambda: sleeping()[0], pool.budget_s)

    def maps(self, pictures: Sequence[np.ndarray]) -> Any:
        found = self.client.maps(pictures)
        self.pool.shares.append(1 / float(found[0].depth[0, 0]))
        return found


SYSTEMS: dict[str, Callable[[], Any]] = {"nano": lambda: Shared(nano), "shared": lambda: Shared(lambda: sleeping()[0]),
                                         "pool": Pool}


def plan(fleet: Fleet, gateway_s: float, most_lost: float = 0.01) -> dict[str, float]:
    """What a fleet needs: replicas by simulation; gateways that are busy for GATEWAY_SHARE of their time; the network's load."""
    replicas, found = replicas_needed(fleet, most_lost)
    asked_hz = fleet.cameras * fleet.rate_hz
    return {"replicas": replicas, "rate_hz": found.rate_hz, "mean_batch": found.mean_batch, "median_ms": 1e3 * found.median_s,
            "p95_ms": 1e3 * float(np.quantile(found.ages_s, 0.95)), "lost_share": found.lost_share,
            "busy_share": found.busy_s / found.seconds / replicas, "gateways": math.ceil(asked_hz * gateway_s / GATEWAY_SHARE),
            "gbit_s_each_way": asked_hz * PICTURE.nbytes * 8e-9}


def compare(system: Any, cameras: int, rate_hz: float, seconds: float) -> dict[str, Any]:
    """Measured and simulated, with times of before and after the measurement."""
    before = system.times_s()
    engines = system.engines(cameras)
    used_s = system.cpu_s()
    measured = drive(engines, rate_hz, seconds, system.begin)
    answers = max(1.0, measured.rate_hz * (seconds + SETTLING_S))
    cpu_ms = {name: 1e3 * (spent_s - used_s[name]) / answers for name, spent_s in system.cpu_s().items()}
    mean_batch = system.mean_batch()
    for engine in engines:
        if isinstance(engine, _Robot):
            engine.client.close()
    after = system.times_s()
    times = {size: (before[0][size] + after[0][size]) / 2 for size in SIZES}
    way_s = (before[1] + after[1]) / 2
    fleet = Fleet(cameras, rate_hz, batch_times_s(times, SIZES[-1]), 1, system.wait_s, False, way_s, 0.0,
                  system.budget_s, 2 * SIZES[-1] if system.budget_s < math.inf else math.inf)
    simulated = Simulation(fleet, even=True).run(max(seconds, 20.0))
    return {"cameras": cameras, "batch_ms": {size: 1e3 * time_s for size, time_s in times.items()}, "way_ms": 1e3 * way_s,
            "cpu_ms": cpu_ms, "measured": figures(measured, mean_batch), "simulated": figures(simulated, simulated.mean_batch)}


def figures(outcome: Outcome, mean_batch: float) -> dict[str, float]:
    return {"rate_hz": outcome.rate_hz, "mean_batch": mean_batch, "median_ms": 1e3 * outcome.median_s,
            "lost_share": outcome.lost_share}


def differences(row: dict[str, Any]) -> dict[str, float]:
    """How far the simulation is off: relative, but of a share the plain difference."""
    return {name: row["simulated"][name] - found if name == "lost_share" else row["simulated"][name] / found - 1
            for name, found in row["measured"].items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--system", nargs="+", choices=list(SYSTEMS), default=list(SYSTEMS))
    parser.add_argument("--cameras", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--rate-hz", type=float, default=10.0)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--plan", action="store_true", help="what a fleet needs, instead of the comparison")
    parser.add_argument("--robots", type=int, default=1000, help="with three cameras each")
    parser.add_argument("--batch-ms", type=float, nargs="+", help="times of batches of --batch-sizes")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--way-ms", type=float, default=20.0, help="to the pool and back, without the network")
    parser.add_argument("--gateway-ms", type=float, default=5.0, help="of a core, a picture")
    parser.add_argument("--budget-ms", type=float, default=300.0)
    options = parser.parse_args()
    if options.plan:
        if len(options.batch_ms or []) != len(options.batch_sizes):
            parser.error(f"--batch-ms needs {len(options.batch_sizes)} times, of batches of {options.batch_sizes}")
        times_s = batch_times_s({size: time_ms / 1e3 for size, time_ms in zip(options.batch_sizes, options.batch_ms)},
                                options.batch_sizes[-1])
        fleet = Fleet(3 * options.robots, options.rate_hz, times_s, way_s=options.way_ms / 1e3, budget_s=options.budget_ms / 1e3)
        print(json.dumps({name: round(value, 2) for name, value in plan(fleet, options.gateway_ms / 1e3).items()}))
        return
    report = []
    for name in options.system:
        try:
            system = SYSTEMS[name]()
        except ModuleNotFoundError as error:
            print(f"{name} is left out: the package {error.name} is not installed (pip install .[serve])", file=sys.stderr)
            continue
        for cameras in options.cameras:
            row = compare(system, cameras, options.rate_hz, options.seconds)
            report.append({"system": name, **row})
            print(f"{name}, {cameras} x {options.rate_hz:g} Hz; batches "
                  + ", ".join(f"{size}: {time_ms:.1f}" for size, time_ms in row["batch_ms"].items())
                  + f" ms, way {row['way_ms']:.1f} ms; CPU a picture "
                  + ", ".join(f"{part} {time_ms:.1f}" for part, time_ms in row["cpu_ms"].items()) + " ms", flush=True)
            for kind in ("measured", "simulated"):
                print(f"  {kind:10s}" + "  {rate_hz:6.1f} Hz, batch {mean_batch:.2f}, {median_ms:5.0f} ms, "
                      "{lost_share:.2f} lost".format(**row[kind]))
            print("  off by      " + ", ".join(f"{name} {off:+.2f}" for name, off in differences(row).items()), flush=True)
        system.close()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
