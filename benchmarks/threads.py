# SPDX-License-Identifier: Apache-2.0
"""What threads and how they wait cost: a picture through the predictor, quiet and beside other work.

    python benchmarks/threads.py [--loads 0 1 2] [--rounds 3]

Each setting runs in a process of its own, in turns; `--loads` processes spin beside it. Prints medians with their spread
and the ratio of the package's own setting to the best one, and ends in one line of JSON.
"""
from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys

from modot_ros.machine import cores

PROGRAM = """
import time, numpy as np
from modot_ros.predictor import Predictor
predictor, picture, times = Predictor(device="cpu"), np.zeros((480, 640, 3), np.uint8), []
for _ in range(13):
    start = time.perf_counter()
    predictor.predict(picture, parts=("depth", "boundary"))
    times.append(1e3 * (time.perf_counter() - start))
print(sorted(times[3:])[5])
"""
OWN = "as the package sets it"


def milliseconds(settings: dict[str, str]) -> float:
    """Median time of a picture in a fresh process with these environment variables."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    return float(subprocess.run([sys.executable, "-c", PROGRAM], env={**environment, **settings}, capture_output=True,
                                text=True, check=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loads", type=int, nargs="+", default=[0, 1, 2], help="spinning processes beside it")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    settings = {OWN: {}, **{f"{count} threads, {policy}": {"OMP_NUM_THREADS": str(count), "OMP_WAIT_POLICY": policy}
                            for count in sorted({1, max(1, cores() - 1), cores()}) for policy in ("passive", "active")}}
    report = {"cores": cores()}
    for load in options.loads:
        spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(load)]
        try:
            found = {name: [] for name in settings}
            for _ in range(options.rounds):
                for name, setting in settings.items():
                    found[name].append(milliseconds(setting))
        finally:
            for process in spinning:
                process.kill()
        medians = {name: statistics.median(values) for name, values in found.items()}
        for name, values in found.items():
            print(f"{load} beside   {name:24s} {medians[name]:8.1f} ms ({min(values):.1f} - {max(values):.1f})")
        report[f"beside_{load}"] = {"medians_ms": medians, "own_to_best": medians[OWN] / min(medians.values())}
    print(json.dumps(report))


if __name__ == "__main__":
    main()
