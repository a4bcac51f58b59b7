# SPDX-License-Identifier: Apache-2.0
"""How a program of this package starts and ends: an interrupt is a clean end at any time."""
from __future__ import annotations

import os
import signal
import sys
from importlib import import_module


def run(module: str) -> int:
    """The exit code of `main` of a module in modot_ros.ros, as "node.node".

    While modules load there is nothing to clean up, and some of them swallow the exception of an interrupt: it ends the
    process at once.
    """
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    main = import_module(f"modot_ros.ros.{module}").main
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return main()
    except KeyboardInterrupt:                           # a second time, while it ends: threads that were not stopped wait on
        sys.stdout.flush()
        os._exit(0)
