# SPDX-License-Identifier: Apache-2.0
"""`python -m modot_ros.ros.demo`."""
import sys

from modot_ros.ros.demo.demo import main

if __name__ == "__main__":
    try:
        code = main()
    except KeyboardInterrupt:                           # a second time, while it ends
        code = 0
    sys.exit(code)
