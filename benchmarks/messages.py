# SPDX-License-Identifier: Apache-2.0
"""What it costs to turn an order graph into a message and to publish it.

    python benchmarks/messages.py [--runs 200]

Two graphs of 50 instances: one with 200 relations, and one with all 1225 depth orders and 100 occlusions. Somebody
subscribes, in this process but without being served, so that serialising and sending are in the time. Prints median and
spread (lowest to highest) in milliseconds of this thread's processor time and of wall time, then one line of JSON.
"""
from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from itertools import combinations, islice
from pathlib import Path

import rclpy
from rclpy.qos import QoSProfile
from std_msgs.msg import Header

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from modot_ros.msg import OrderGraph as OrderGraphMessage  # noqa: E402
from modot_ros.prediction import DepthOrder, Instance, OcclusionOrder, OrderGraph  # noqa: E402
from modot_ros.ros.messages.convert import order_graph_message  # noqa: E402

INSTANCES = 50


def graph_of(occlusions: int, depths: int) -> OrderGraph:
    instances = tuple(Instance(i, 1000, (i, i, 40, 25), 2.0, 1.9, 2.1, "chair", 0.9) for i in range(1, INSTANCES + 1))
    pairs = list(combinations(range(1, INSTANCES + 1), 2))
    return OrderGraph("geometric", instances,
                      tuple(OcclusionOrder(a, b, 0.9, False, 35.0, 0.4) for a, b in islice(pairs, occlusions)),
                      tuple(DepthOrder(a, b, False, True, 0.8) for a, b in islice(pairs, depths)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    runs = parser.parse_args().runs
    rclpy.init()
    node = rclpy.create_node("messages")
    publisher = node.create_publisher(OrderGraphMessage, "order_graph", QoSProfile(depth=1))
    node.create_subscription(OrderGraphMessage, "order_graph", lambda _: None, QoSProfile(depth=1))
    while not publisher.get_subscription_count():
        time.sleep(0.05)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout
    device = f"{platform.machine()}, one core, load {os.getloadavg()[0]:.1f}"
    result = {"benchmark": "messages", "device": device, "commit": commit.strip(), "runs": runs}
    print(f"{INSTANCES} instances; {device}; commit {commit.strip()}; {runs} runs; ms: median (lowest to highest)")
    for name, graph in (("200 relations", graph_of(100, 100)), ("1325 relations", graph_of(100, 1225))):
        spent: dict[str, list[float]] = {"build cpu": [], "publish cpu": [], "both wall": []}
        for _ in range(runs):
            start = time.thread_time(), time.perf_counter()
            message = order_graph_message(graph, Header())
            built_s = time.thread_time()
            publisher.publish(message)
            spent["build cpu"].append(1e3 * (built_s - start[0]))
            spent["publish cpu"].append(1e3 * (time.thread_time() - built_s))
            spent["both wall"].append(1e3 * (time.perf_counter() - start[1]))
        for clock, values in spent.items():
            print(f"{name:16s}{clock:12s}{statistics.median(values):7.2f}   ({min(values):.2f} to {max(values):.2f})")
        result[name] = {clock: round(statistics.median(values), 3) for clock, values in spent.items()}
    print(json.dumps(result))
    rclpy.shutdown()


if __name__ == "__main__":
    main()
