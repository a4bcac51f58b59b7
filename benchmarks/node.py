# SPDX-License-Identifier: Apache-2.0
"""The node as it runs on a robot: a camera process, modot_node in its own, and this one as the subscriber.

Measures time from process start to the first output, rate, latency from the image's stamp to an output's
arrival here, drops, processing time by the node's own diagnostics, and the node's CPU time and memory. Every
run starts all processes anew; median and spread (lowest to highest) are over the runs.
"""
from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.time import Time
from sensor_msgs.msg import CameraInfo, Image

from modot_ros.learn.synthetic import fly_through, random_scene, render
from modot_ros.msg import OrderGraph
from modot_ros.ros.calibration import Calibration
from modot_ros.ros.messages.convert import image_message

ROOT = Path(__file__).resolve().parent.parent
WIDTH, HEIGHT, FOCAL_PX = 640, 480, 525.0
TOPICS = {"depth/image": Image, "boundary/image": Image, "instances/image": Image, "order_graph": OrderGraph}
FIRST_OUTPUT_LIMIT_S = 60.0


class Camera(Node):
    """One picture (.npy of uint8 rgb [H, W, 3]), sent again and again with new stamps."""

    def __init__(self, picture: str, rate_hz: float) -> None:
        super().__init__("camera")
        self.image = image_message(np.load(picture), "rgb8", Image().header)
        self.info = Calibration.pinhole(WIDTH, HEIGHT, FOCAL_PX).fill(CameraInfo())
        self.images = self.create_publisher(Image, "image", 1)
        self.infos = self.create_publisher(CameraInfo, "camera_info", 1)
        self.create_timer(1 / rate_hz, self.send)

    def send(self) -> None:
        self.image.header.stamp = self.info.header.stamp = self.get_clock().now().to_msg()
        self.infos.publish(self.info)
        self.images.publish(self.image)


class Subscriber(Node):
    """Takes every output of the node and keeps when depth came and how old it was."""

    def __init__(self) -> None:
        super().__init__("subscriber")
        self.arrivals: list[tuple[float, float]] = []   # steady time, latency, seconds
        self.values: dict[str, str] = {}
        for topic, message_type in TOPICS.items():
            callback = self.take if topic == "depth/image" else lambda _: None
            self.create_subscription(message_type, f"modot_node/{topic}", callback, 1)
        self.create_subscription(DiagnosticArray, "/diagnostics", self.read, 10)

    def take(self, message: Image) -> None:
        age_ns = (self.get_clock().now() - Time.from_msg(message.header.stamp)).nanoseconds
        self.arrivals.append((time.monotonic(), age_ns * 1e-9))

    def read(self, message: DiagnosticArray) -> None:
        self.values = {pair.key: pair.value for status in message.status for pair in status.values}


def synthetic_room() -> np.ndarray:
    """uint8 rgb [HEIGHT, WIDTH, 3]: a rendered view, enlarged because it only has to keep the node busy."""
    scene = random_scene(3)
    view = render(scene, fly_through(scene, 3, 1, WIDTH // 2, HEIGHT // 2)[0], seed=3)
    return cv2.resize(view.rgb, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


def cpu_s(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def tree_cpu_s(pid: int) -> float:
    """`cpu_s` of a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return cpu_s(pid) + sum(tree_cpu_s(int(child)) for child in children)


def measure(arguments: argparse.Namespace, picture: str, beside: list[str] | None = None) -> dict[str, float]:
    """One run with that picture; beside: command of a process that subscribes the node's depth as well."""
    camera = subprocess.Popen([sys.executable, __file__, "--camera", picture,
                               "--rate-hz", str(arguments.rate_hz)])
    subscriber = Subscriber()
    while not subscriber.count_publishers("image"):
        if camera.poll() is not None:
            sys.exit("the camera process has ended")
        time.sleep(0.1)
    start_s = time.monotonic()
    values = {"device": arguments.device, "precision": arguments.precision, "weights": arguments.weights}
    settings = [word for name, value in values.items() if value for word in ("-p", f"{name}:={value}")]
    node = subprocess.Popen([sys.executable, "-m", "modot_ros.ros.node", "--ros-args", *settings])
    other = None
    try:
        while not subscriber.arrivals:
            rclpy.spin_once(subscriber, timeout_sec=0.1)
            if node.poll() is not None or time.monotonic() - start_s > FIRST_OUTPUT_LIMIT_S:
                sys.exit("modot_node gave no output")
        first_s = subscriber.arrivals[0][0] - start_s
        if beside:
            other = subprocess.Popen(beside)
            while subscriber.count_subscribers("modot_node/depth/image") < 2:
                rclpy.spin_once(subscriber, timeout_sec=0.1)
                if other.poll() is not None:
                    sys.exit(f"{' '.join(beside)} has ended")
        settled_s = time.monotonic() + 2.0
        while time.monotonic() < settled_s:
            rclpy.spin_once(subscriber, timeout_sec=0.1)
        subscriber.arrivals.clear()
        start_cpu_s, other_s = cpu_s(node.pid), tree_cpu_s(other.pid) if other else 0.0
        end_s = time.monotonic() + arguments.seconds
        while time.monotonic() < end_s:
            rclpy.spin_once(subscriber, timeout_sec=0.1)
        latencies_ms = 1e3 * np.array([latency_s for _, latency_s in subscriber.arrivals])
        frame_cpu_ms = 1e3 * (cpu_s(node.pid) - start_cpu_s) / len(latencies_ms)
        half = len(latencies_ms) // 2
        of_other = {"beside_cores": (tree_cpu_s(other.pid) - other_s) / arguments.seconds} if other else {}
        return {"first_output_s": first_s, "rate_hz": len(latencies_ms) / arguments.seconds,
                "latency_median_ms": float(np.median(latencies_ms)),
                "latency_p95_ms": float(np.quantile(latencies_ms, 0.95)),
                "latency_growth_ms": float(np.median(latencies_ms[half:]) - np.median(latencies_ms[:half])),
                "processing_median_ms": float(subscriber.values["processing_median_ms"]),
                "network_median_ms": float(subscriber.values["network_median_ms"]),
                "cpu_ms_per_frame": frame_cpu_ms, "dropped": float(subscriber.values["frames_dropped"]),
                "resident_mb": resident_mb(node.pid), **of_other}
    finally:
        for process in filter(None, (other, node, camera)):
            process.send_signal(signal.SIGINT)
            process.wait(timeout=20)
        subscriber.destroy_node()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate-hz", type=float, default=30.0, help="of the camera")
    parser.add_argument("--seconds", type=float, default=10.0, help="measured per run")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--weights", default="")
    parser.add_argument("--camera", metavar="PICTURE", help="be the camera that sends this picture")
    arguments = parser.parse_args()
    rclpy.init()
    if arguments.camera:
        try:
            rclpy.spin(Camera(arguments.camera, arguments.rate_hz))
        except (KeyboardInterrupt, ExternalShutdownException):
            return
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/room.npy", synthetic_room())
        runs = [measure(arguments, f"{folder}/room.npy") for _ in range(arguments.runs)]
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT,
                            capture_output=True, text=True).stdout.strip()
    load = os.getloadavg()[0]
    device = f"{arguments.device}, {platform.machine()}, {os.cpu_count()} cores, load {load:.1f}"
    print(f"{WIDTH}x{HEIGHT} rgb8 at {arguments.rate_hz:g} Hz; {device}; commit {commit}; "
          f"{len(runs)} runs of {arguments.seconds:g} s")
    result = {}
    for name in runs[0]:
        values = [run[name] for run in runs]
        result[name] = round(statistics.median(values), 2)
        print(f"  {name:22s} {statistics.median(values):9.2f}   ({min(values):.2f} to {max(values):.2f})")
    print(json.dumps({"benchmark": "node", "commit": commit, "device": device,
                      "camera_hz": arguments.rate_hz, **result}))
    rclpy.try_shutdown()


if __name__ == "__main__":
    main()
