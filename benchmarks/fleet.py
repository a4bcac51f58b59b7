# SPDX-License-Identifier: Apache-2.0
"""A fleet on one machine (`make fleet-demo`): a pool of two replicas, three robots' cameras, and a replica that is killed.

    python benchmarks/fleet.py [--robots 3] [--rate-hz 5] [--budget-s 1] [--seconds 30]

Each robot is a thread with a predictor of its own and `engine ray`; it looks at its newest picture, as the node does. After a
third of the time one of the two replicas gets SIGKILL. A row per second and robot: answers, frames without one by reason,
frames that the local network looked at, the oldest answer. Ends with 0 only when no answer was older than the budget (and
what the robot itself needs before and after) and the rate of the last third is at least half of that of the first.
Needs `pip install .[serve]`; without it the reason is printed and the exit code is 2.
"""
from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import time
from collections import Counter

import numpy as np

from modot_ros.learn.synthetic.shards import training_view
from modot_ros.prediction import Unanswered
from modot_ros.predictor import Predictor

OWN_WORK_S = 0.5                                        # of a robot on a busy machine, beside the answer


class Robot(threading.Thread):
    """A camera at a fixed rate; `answers`: (steady time, age of the maps when they came), `reasons`: of frames without."""

    def __init__(self, number: int, address: str, rate_hz: float, budget_s: float) -> None:
        super().__init__(name=f"robot {number}", daemon=True)
        self.predictor = Predictor(device="cpu", engine="ray", engine_addresses=[address], engine_budget_s=budget_s)
        self.rgb = training_view(number, 320, 240).rgb
        self.period_s, self.stop = 1 / rate_hz, threading.Event()
        self.answers: list[tuple[float, float]] = []
        self.reasons: Counter[str] = Counter()

    def run(self) -> None:
        while not self.stop.is_set():
            taken_s = time.monotonic()
            try:
                local = bool(self.predictor.engine.warning)
                self.predictor.predict(self.rgb, parts=("depth", "boundary"))
                if local:
                    self.reasons["local"] += 1
                else:
                    self.answers.append((time.monotonic(), time.monotonic() - taken_s))
            except Unanswered as error:
                self.reasons[error.reason] += 1
            self.stop.wait(max(0.0, self.period_s - (time.monotonic() - taken_s)))

    def rate_hz(self, begin_s: float, end_s: float) -> float:
        return sum(begin_s <= at_s < end_s for at_s, _ in self.answers) / (end_s - begin_s)

    def row(self, now_s: float) -> str:
        ages_s = [age_s for at_s, age_s in self.answers if at_s > now_s - 1]
        return (f"{self.name}  {len(ages_s):3d} answers, oldest {1e3 * max(ages_s, default=np.nan):6.0f} ms; since the start: "
                + (", ".join(f"{count} {reason}" for reason, count in self.reasons.items()) or "none lost"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--robots", type=int, default=3)
    parser.add_argument("--rate-hz", type=float, default=5.0)
    parser.add_argument("--budget-s", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    try:
        from ray import serve

        from modot_ros.engine.pool import service
    except ModuleNotFoundError as error:
        print(f"the pool needs the package {error.name}: pip install .[serve]", file=sys.stderr)
        return 2
    port = service.start({"replicas": 2, "port": 0, "cpus": 0.1})
    robots = [Robot(k + 1, f"127.0.0.1:{port}", options.rate_hz, options.budget_s) for k in range(options.robots)]
    for robot in robots:
        robot.start()
    start_s, killed = time.monotonic(), 0
    while (now_s := time.monotonic()) < start_s + options.seconds:
        time.sleep(1.0)
        if not killed and now_s > start_s + options.seconds / 3:
            killed = serve.get_deployment_handle("Network", "modot").pid.remote().result(timeout_s=10)
            os.kill(killed, signal.SIGKILL)
            print(f"{now_s - start_s:5.1f} s  replica {killed} was killed")
        for robot in robots:
            print(f"{now_s - start_s:5.1f} s  {robot.row(time.monotonic())}", flush=True)
    third_s, end_s = options.seconds / 3, time.monotonic()
    before, after = (sum(robot.rate_hz(begin_s, begin_s + third_s) for robot in robots)
                     for begin_s in (start_s, end_s - third_s))
    oldest_s = max((age_s for robot in robots for _, age_s in robot.answers), default=np.inf)
    for robot in robots:
        robot.stop.set()
    for robot in robots:
        robot.join(10)
    service.stop()
    valid = oldest_s <= options.budget_s + OWN_WORK_S and after >= before / 2 > 0
    print(f"answers per second before {before:.1f}, in the last third {after:.1f}; the oldest {1e3 * oldest_s:.0f} ms, budget "
          f"{1e3 * options.budget_s:.0f} ms: {'valid' if valid else 'not valid'}")
    return 0 if valid else 1


if __name__ == "__main__":
    sys.exit(main())
