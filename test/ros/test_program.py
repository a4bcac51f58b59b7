# SPDX-License-Identifier: Apache-2.0
import signal
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


# One whose interpreter takes its time to end, as with a middleware and a network in it; its end is told through a descriptor.
SLOW_END = """
import os, sys, time, types
from modot_ros.ros import program
class Slow:
    def __del__(self, write=os.write, sleep=time.sleep):
        write(1, b"ending\\n")
        sleep(2)
module = types.ModuleType("modot_ros.ros.slow")
module.main = lambda: 0
module.held = Slow()
sys.modules[module.__name__] = module
sys.exit(program.run("slow"))
"""


def test_a_second_interrupt_while_the_interpreter_ends_is_no_failure():
    ending = subprocess.Popen([sys.executable, "-c", SLOW_END], stdout=subprocess.PIPE, text=True)
    assert ending.stdout.readline() == "ending\n"
    ending.send_signal(signal.SIGINT)
    assert ending.wait(timeout=60) == 0
