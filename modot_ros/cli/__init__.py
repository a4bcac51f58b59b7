# SPDX-License-Identifier: Apache-2.0
"""The `modot` command. Needs no ROS, but for `modot demo`."""
from modot_ros.cli.main import main

__all__ = ["main"]
