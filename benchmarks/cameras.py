# SPDX-License-Identifier: Apache-2.0
"""N cameras on one process (modot_multi) against N processes (modot_node): rate, latency, fairness, memory.

    python benchmarks/cameras.py [--cameras 1 2 4] [--rate-hz 10 30] [--seconds 10] [--outputs depth/image order_graph]

A process publishes the same 640x480 picture in N namespaces, the network runs in processes of its own, this one subscribes.
Both kinds take turns. Prints, per kind: summed rate, rate of the slowest and of the fastest camera, latency from stamp to
arrival (median, 95 %), CPU time per frame, resident memory of all processes. Ends in one line of JSON.
"""
from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rclpy
from node import FOCAL_PX, HEIGHT, WIDTH, cpu_s, resident_mb, synthetic_room
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.time import Time
from sensor_msgs.msg import CameraInfo, Image

from modot_ros.msg import OrderGraph
from modot_ros.ros.calibration import Calibration
from modot_ros.ros.messages.convert import image_message

TYPES = {"order_graph": OrderGraph}                     # of outputs that are no images
SETTLING_S, LIMIT_S = 3.0, 120.0


class Cameras(Node):
    """One picture (.npy of uint8 rgb [H, W, 3]) in every namespace, the cameras a fraction of a period apart."""

    def __init__(self, picture: str, names: list[str], rate_hz: float) -> None:
        super().__init__("cameras")
        self.image = image_message(np.load(picture), "rgb8", Image().header)
        self.info = Calibration.pinhole(WIDTH, HEIGHT, FOCAL_PX).fill(CameraInfo())
        self.publishers_of = [(self.create_publisher(Image, f"/{name}/image", 1),
                               self.create_publisher(CameraInfo, f"/{name}/camera_info", 1)) for name in names]
        self.turn = 0
        self.create_timer(1 / (rate_hz * len(names)), self.send)

    def send(self) -> None:
        images, infos = self.publishers_of[self.turn % len(self.publishers_of)]
        self.turn += 1
        self.image.header.stamp = self.info.header.stamp = self.get_clock().now().to_msg()
        infos.publish(self.info)
        images.publish(self.image)


class Subscriber(Node):
    """Takes outputs of every camera, and keeps how old each depth was."""

    def __init__(self, names: list[str], outputs: list[str]) -> None:
        super().__init__("subscriber")
        self.ages_s: dict[str, list[float]] = {name: [] for name in names}
        for name in names:
            for output in outputs:
                taken = self.taker(name) if output == "depth/image" else lambda _: None
                self.create_subscription(TYPES.get(output, Image), f"/{name}/modot_node/{output}", taken, 1)

    def taker(self, name: str):
        def take(message: Image) -> None:
            self.ages_s[name].append((self.get_clock().now() - Time.from_msg(message.header.stamp)).nanoseconds * 1e-9)
        return take

    def spin_for(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            rclpy.spin_once(self, timeout_sec=0.1)


def programs(kind: str, names: list[str]) -> list[list[str]]:
    """Command lines that serve these cameras."""
    if kind == "one process":
        return [[sys.executable, "-m", "modot_ros.ros.multi", "--ros-args", "-p", f"cameras:=[{', '.join(names)}]"]]
    return [[sys.executable, "-m", "modot_ros.ros.node", "--ros-args", "-r", f"__ns:=/{name}"] for name in names]


def measure(kind: str, names: list[str], rate_hz: float, seconds: float, outputs: list[str], picture: str) -> dict[str, float]:
    subscriber = Subscriber(names, outputs)
    started = [subprocess.Popen(command) for command in programs(kind, names)]
    camera = subprocess.Popen([sys.executable, __file__, "--picture", picture, "--names", *names, "--rate-hz", str(rate_hz)])
    try:
        end_s = time.monotonic() + LIMIT_S
        while not all(subscriber.ages_s.values()):
            rclpy.spin_once(subscriber, timeout_sec=0.1)
            if time.monotonic() > end_s or any(one.poll() is not None for one in (*started, camera)):
                sys.exit(f"{kind}, {len(names)} cameras: no output from all of them")
        subscriber.spin_for(SETTLING_S)
        for ages in subscriber.ages_s.values():
            ages.clear()
        before_s = sum(cpu_s(one.pid) for one in started)
        subscriber.spin_for(seconds)
        used_s = sum(cpu_s(one.pid) for one in started) - before_s
        rates_hz = [len(ages) / seconds for ages in subscriber.ages_s.values()]
        ages_ms = 1e3 * np.array(sum(subscriber.ages_s.values(), []))
        return {"rate_hz": sum(rates_hz), "slowest_hz": min(rates_hz), "fastest_hz": max(rates_hz),
                "latency_median_ms": float(np.median(ages_ms)), "latency_p95_ms": float(np.quantile(ages_ms, 0.95)),
                "cpu_ms_per_frame": 1e3 * used_s / max(1, len(ages_ms)),
                "resident_mb": sum(resident_mb(one.pid) for one in started)}
    finally:
        for process in (*started, camera):
            process.send_signal(signal.SIGINT)
        for process in (*started, camera):
            process.wait(timeout=30)
        subscriber.destroy_node()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cameras", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--rate-hz", type=float, nargs="+", default=[10.0, 30.0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--outputs", nargs="+", default=["depth/image", "boundary/image", "instances/image", "order_graph"])
    parser.add_argument("--picture", help=argparse.SUPPRESS)            # of the process that publishes
    parser.add_argument("--names", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    rclpy.init()
    if options.picture:
        try:
            rclpy.spin(Cameras(options.picture, options.names, options.rate_hz[0]))
        except (KeyboardInterrupt, ExternalShutdownException):
            pass
        return
    report = []
    with tempfile.TemporaryDirectory() as folder:
        picture = str(Path(folder) / "picture.npy")
        np.save(picture, synthetic_room())
        for count in options.cameras:
            names = [f"camera_{k + 1}" for k in range(count)]
            for rate_hz in options.rate_hz:
                for kind in ("one process", "N processes"):
                    row = measure(kind, names, rate_hz, options.seconds, options.outputs, picture)
                    report.append({"cameras": count, "camera_hz": rate_hz, "kind": kind, **row})
                    print(f"{count} x {rate_hz:g} Hz, {kind:12s} {row['rate_hz']:6.1f} Hz in all ({row['slowest_hz']:.1f} - "
                          f"{row['fastest_hz']:.1f} each), {row['latency_median_ms']:.0f} / {row['latency_p95_ms']:.0f} ms, "
                          f"{row['cpu_ms_per_frame']:.0f} ms of CPU a frame, {row['resident_mb']:.0f} MB", flush=True)
    print(json.dumps(report))


if __name__ == "__main__":
    main()
