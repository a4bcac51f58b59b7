# SPDX-License-Identifier: Apache-2.0
"""Monocular depth, occlusion boundaries and order graphs, as a library and as a ROS 2 node."""
import os
from pkgutil import extend_path

__version__ = "0.2.0"

# A checkout on sys.path comes before the install tree: with this it still finds the generated `modot_ros.msg` there.
__path__ = extend_path(__path__, __name__)

# OpenMP reads this when torch loads it. By default threads that wait for each other spin without end: as soon as another
# process wants a core, a forward pass on two threads takes twenty to forty times as long, and burns the core that it waits
# for. Without any spinning it takes twice as long on idle cores. So they spin for some microseconds, then sleep.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "20000")
