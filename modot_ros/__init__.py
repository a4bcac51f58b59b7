# SPDX-License-Identifier: Apache-2.0
"""Monocular depth, occlusion boundaries and order graphs, as a library and as a ROS 2 node."""
from pkgutil import extend_path

from modot_ros.machine import prepare_threads

__version__ = "0.2.0"

# A checkout on sys.path comes before the install tree: with this it still finds the generated `modot_ros.msg` there.
__path__ = extend_path(__path__, __name__)

prepare_threads()                                       # before torch is loaded
