# SPDX-License-Identifier: Apache-2.0
"""`modot demo`: camera, node and monitor as ROS 2 processes."""
from __future__ import annotations

import argparse

HELP = "Camera, node and monitor as ROS 2 processes (needs ROS 2; see `modot demo --help`)."
# Its options are read by modot_ros.ros.demo: this parser passes them on.
PARSER = {"prefix_chars": "\0", "add_help": False}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rest", nargs=argparse.REMAINDER)


def run(options: argparse.Namespace) -> int:
    try:
        from modot_ros.ros.demo import demo
    except ModuleNotFoundError as error:
        raise ValueError(f"the demo runs ROS 2 nodes and {error.name} can't be imported: use `make demo` in a checkout, "
                         "or source a ROS 2 distribution") from error
    return demo.main(options.rest)
