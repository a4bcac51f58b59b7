# SPDX-License-Identifier: Apache-2.0
"""Camera -> modot_node -> monitor as three processes over DDS, without launch files.

    python -m modot_ros.ros.demo [--input PATH_OR_DEVICE] [--output DIR] [--seconds N] [--cameras N] [--view]

With --cameras 2 or more, as many cameras in namespaces of their own (without an input all in one room) and one process,
modot_multi, for all of them.

Ends within a minute, with a live page (--view) at Ctrl-C, and with 0 only when valid output came.
demo.launch.py does the same for users of a distribution.
"""
from __future__ import annotations

import argparse
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from modot_ros.ros.transport import transport_environment

LONGEST_S = 60.0                                        # from start to end
STARTING_S = 25.0                                       # of which until the first output, at most
ENDING_S = 5.0                                          # for the report, and for each process to end
MOST_CAMERAS = 8
LOG_LINES = 20                                          # of each process, shown when something went wrong


def environment() -> dict[str, str]:
    """This process's, with the Fast DDS profile for images and discovery on this machine only, unless set."""
    env = os.environ | transport_environment()
    env.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    env["PYTHONUNBUFFERED"] = "1"
    return env


def commands(source: str | None, output: Path, seconds: float, cameras: int = 1, view: bool = False) -> dict[str, list[str]]:
    """The processes by name, in the order in which they start; `view` puts a live page of one camera before them."""
    def node(module: str, namespace: str = "", **parameters) -> list[str]:
        pairs = [text for name, value in parameters.items() for text in ("-p", f"{name}:={value}")]
        pairs += ["-r", f"__ns:=/{namespace}"] if namespace else []
        return [sys.executable, "-m", f"modot_ros.ros.{module}", *(["--ros-args", *pairs] if pairs else [])]

    def quoted(text: str) -> str:
        """As a YAML string: a path may hold colons or look like a number."""
        return "'" + text.replace("'", "''") + "'"

    def camera(namespace: str = "") -> list[str]:
        if source is None:
            return node("sources.sim_camera", namespace)
        return node("sources.image_source", namespace, source=quoted(source))

    if cameras > 1:
        names = [f"camera_{k + 1}" for k in range(cameras)]
        listed = f"[{', '.join(names)}]"
        return {**{name: camera(name) for name in names},
                "node": node("multi", cameras=listed),
                "monitor": node("demo.cameras", cameras=listed, output=quoted(str(output)), duration_s=float(seconds),
                                timeout_s=STARTING_S)}
    return {**({"viewer": node("watch.viewer")} if view else {}),
            "camera": camera(),
            "node": node("node"),
            "monitor": node("demo.monitor", output=quoted(str(output)), duration_s=float(seconds),
                            timeout_s=STARTING_S)}


class Processes:
    """Children in sessions of their own, so that Ctrl-C reaches them only through `stop`."""

    def __init__(self, env: dict[str, str], logs: Path) -> None:
        self.env, self.logs = env, logs
        self.children: dict[str, subprocess.Popen] = {}

    def start(self, name: str, command: list[str], shown: bool = False) -> None:
        """shown: prints on this terminal; otherwise into NAME.log."""
        with open(os.devnull if shown else self.logs / f"{name}.log", "wb") as log:
            streams = {} if shown else {"stdout": log, "stderr": subprocess.STDOUT}
            self.children[name] = subprocess.Popen(command, env=self.env, stdin=subprocess.DEVNULL,
                                                   start_new_session=True, **streams)

    def failed(self) -> list[str]:
        """Names of those that ended with an error."""
        return [name for name, child in self.children.items() if child.poll()]

    def stop(self, name: str) -> None:
        """Interrupt, then terminate, then kill the process and what it started; on Windows, which has no groups, end it alone."""
        child = self.children[name]
        if not hasattr(os, "killpg"):
            child.kill()
            child.wait(ENDING_S)
            return
        for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if child.poll() is None:
                os.killpg(child.pid, stop)
                try:
                    child.wait(ENDING_S if stop == signal.SIGINT else 2)
                except subprocess.TimeoutExpired:
                    continue

    def tail(self, name: str) -> str:
        log = self.logs / f"{name}.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:]) if log.is_file() else ""


def run(steps: dict[str, list[str]], output: Path, seconds: float, env: dict[str, str]) -> int:
    """Start `steps`, wait for the one called "monitor" and stop the others; its exit code, or 1.

    seconds   that the monitor will take after the first output; 0 = until it is interrupted
    """
    output.mkdir(parents=True, exist_ok=True)
    processes = Processes(env, output)
    lasting_s = min(LONGEST_S, STARTING_S + seconds + ENDING_S) if seconds else math.inf
    deadline_s = time.monotonic() + lasting_s
    code, failed = 1, []
    try:
        for name, command in steps.items():
            processes.start(name, command, shown=name in ("monitor", "viewer"))
        monitor = processes.children["monitor"]
        while monitor.poll() is None and not failed and time.monotonic() < deadline_s:
            time.sleep(0.1)
            failed = [name for name in processes.failed() if name != "monitor"]
    except KeyboardInterrupt:
        print("stopping", flush=True)
    finally:                                            # the monitor first: it still writes its report
        for name in reversed(processes.children):
            processes.stop(name)
    if "monitor" in processes.children:
        code = processes.children["monitor"].returncode
    for name in steps:
        if (failed or code != 0) and processes.tail(name):
            print(f"--- {output / name}.log ends with\n{processes.tail(name)}", file=sys.stderr)
    for name in failed:
        print(f"demo: {name} ended with code {processes.children[name].returncode}", file=sys.stderr)
    return 1 if failed or code != 0 else 0


def main(args: list[str] | None = None) -> int:
    longest_s = LONGEST_S - STARTING_S - ENDING_S
    parser = argparse.ArgumentParser(prog="modot_ros.ros.demo",
                                     description="A camera, modot_node and a monitor.")
    parser.add_argument("--input", help="picture, folder, video, rosbag2 or camera (0, /dev/video0); "
                                        "default: a flight through a synthetic room")
    parser.add_argument("--output", type=Path, default=Path("demo_out"),
                        help="folder for pictures, report and logs")
    parser.add_argument("--seconds", type=float, help=f"how long after the first output, at most {longest_s:g}; without it "
                        f"{longest_s:g}, and with --view until Ctrl-C")
    parser.add_argument("--cameras", type=int, default=1, help=f"so many cameras on one process, at most {MOST_CAMERAS}")
    parser.add_argument("--view", action="store_true", help="a live page in the browser as well")
    wanted = parser.parse_args(args)
    if not 1 <= wanted.cameras <= MOST_CAMERAS:
        parser.error(f"--cameras is {wanted.cameras}: must be 1 to {MOST_CAMERAS}")
    if wanted.view and wanted.cameras > 1:
        parser.error(f"--view shows one camera, --cameras is {wanted.cameras}: choose one of the two")
    seconds = (0.0 if wanted.view else longest_s) if wanted.seconds is None else wanted.seconds
    if wanted.seconds is not None and not 0 < seconds <= longest_s:
        parser.error(f"--seconds is {seconds:g}: must be above 0 and at most {longest_s:g}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)      # ends its children as Ctrl-C does
    output = wanted.output.resolve()
    code = run(commands(wanted.input, output, seconds, wanted.cameras, wanted.view), output, seconds, environment())
    said = "no valid output" if code else "valid output"
    print(f"demo: {said}; pictures, numbers and logs are in {output}")
    return code
