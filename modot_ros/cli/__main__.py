# SPDX-License-Identifier: Apache-2.0
"""`python -m modot_ros.cli`, as torchrun starts it."""
import sys

from modot_ros.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
