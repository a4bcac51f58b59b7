# SPDX-License-Identifier: Apache-2.0
"""How a program of this package starts and ends: an interrupt is a clean end at any time."""
from __future__ import annotations

import atexit
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
        code = main()
        # While threads are waited for a second interrupt ends it at once; after them nothing waits, and the interpreter's own
        # end would make a signal's default of a handler in Python.
        signal.signal(signal.SIGINT, lambda *_: os._exit(code or 0))
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
        return code
    except KeyboardInterrupt:                           # a second time, while it ends: threads that were not stopped wait on
        sys.stdout.flush()
        os._exit(0)
