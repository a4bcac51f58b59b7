# SPDX-License-Identifier: Apache-2.0
"""`python -m modot_ros.ros.node`."""
import sys

if __name__ == "__main__":
    try:
        from modot_ros.ros.node.node import main
        code = main()
    except KeyboardInterrupt:                           # while modules load, or a second time
        code = 0
    sys.exit(code)
