# SPDX-License-Identifier: Apache-2.0
"""The lifecycle node from camera to depth, boundaries, order graph and clouds."""
from modot_ros.ros.node.node import ModotNode, main

__all__ = ["ModotNode", "main"]
