# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys

import pytest

pytest.importorskip("rclpy")

# A program that is interrupted while it ends, before it has stopped a thread of its own.
INTERRUPTED = """
import sys, threading, types
from modot_ros.ros import program
def main():
    threading.Thread(target=threading.Event().wait).start()
    print("ending")
    raise KeyboardInterrupt
module = types.ModuleType("modot_ros.ros.interrupted")
module.main = main
sys.modules[module.__name__] = module
sys.exit(program.run("interrupted"))
"""


def test_a_second_interrupt_ends_a_program_whose_threads_still_wait():
    ended = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ending\n", "")
