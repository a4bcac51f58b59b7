# SPDX-License-Identifier: Apache-2.0
"""`modot serve`: a pool of networks for robots with `engine: ray`."""
from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from modot_ros.cli.arguments import model_arguments

HELP = "Run the network for many robots, as an application of Ray Serve (pip install .[serve])."
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    model_arguments(parser)
    parser.add_argument("--replicas", type=int, default=1, help="copies of the network")
    parser.add_argument("--most-replicas", type=int, default=0, help="at load, when above --replicas")
    parser.add_argument("--cpus", type=float, default=1.0, help="CPUs of each replica, fractions allowed")
    parser.add_argument("--gpus", type=float, default=0.0, help="GPUs of each replica, fractions allowed")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 = all, for a private network only")
    parser.add_argument("--port", type=int, default=9300)
    parser.add_argument("--batch", type=int, default=8, help="most pictures at once")
    parser.add_argument("--batch-wait-ms", type=float, default=5.0, help="how long an idle network waits for more of them")
    parser.add_argument("--ray", metavar="ADDRESS", help="of a Ray cluster; without it one on this machine is started")


def run(options: argparse.Namespace) -> int:
    try:
        from modot_ros.engine.pool import service
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"a pool needs the package {error.name}: pip install modot_ros[serve]") from error

    names = ("model", "device", "precision", "replicas", "most_replicas", "cpus", "gpus", "host", "port", "batch",
             "batch_wait_ms")
    values = {name: getattr(options, name) for name in names}
    values["weights"] = "" if options.weights is None else str(Path(options.weights).resolve())
    if options.host not in LOOPBACK:
        print(f"modot serve: {options.host} is open to whoever reaches it, there is no encryption and no password: keep it in a "
              "private network", file=sys.stderr)
    port = service.start(values, address=options.ray)
    print(f"{options.model} at {options.host}:{port}, {options.replicas} replicas; for robots: engine:=ray "
          f"engine_addresses:={options.host}:{port}", flush=True)
    try:
        threading.Event().wait()
    finally:
        service.stop()
    return 0
