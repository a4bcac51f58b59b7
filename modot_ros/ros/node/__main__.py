# SPDX-License-Identifier: Apache-2.0
"""`python -m modot_ros.ros.node`."""
import sys

from modot_ros.ros.program import run

if __name__ == "__main__":
    sys.exit(run("node.node"))
