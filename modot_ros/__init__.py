# SPDX-License-Identifier: Apache-2.0
"""Monocular depth, occlusion boundaries and order graphs, as a library and as a ROS 2 node."""
import os
from pkgutil import extend_path

__version__ = "0.1.0"

# A checkout on sys.path comes before the install tree: with this it still finds the generated `modot_ros.msg` there.
__path__ = extend_path(__path__, __name__)

# OpenMP reads this when torch loads it. By default threads that wait for each other spin: as soon as another process wants
# a core, a forward pass on two threads takes twenty to forty times as long, and burns the core that it waits for.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
