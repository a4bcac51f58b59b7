# SPDX-License-Identifier: Apache-2.0
"""Threads by cores and quota, set before torch is loaded, and never against the user."""
import os
import subprocess
import sys

import pytest

from modot_ros import machine


@pytest.mark.parametrize("there, quota, expected", [
    (1, None, 1), (2, None, 1), (4, None, 3), (64, None, 8), (8, "max 100000", 7), (8, "150000 100000", 1),
    (8, "400000 100000", 3), (2, "50000 100000", 1)])
def test_a_core_is_left_to_others(monkeypatch, tmp_path, there, quota, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(there)), raising=False)
    monkeypatch.setattr(machine, "CPU_QUOTA", tmp_path / "cpu.max")
    if quota:
        (tmp_path / "cpu.max").write_text(quota)
    assert machine.threads() == expected


def test_machines_without_affinity_have_all_their_cores(monkeypatch, tmp_path):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    monkeypatch.setattr(machine, "CPU_QUOTA", tmp_path / "none")
    assert machine.cores() == 6


@pytest.mark.parametrize("given", [{}, {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "ACTIVE"}])
@pytest.mark.parametrize("entry", ["modot_ros.predictor", "modot_ros.cli.main", "modot_ros.learn.training.loop"])
def test_every_entry_has_the_threads_of_the_machine_unless_the_user_says_otherwise(entry, given):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    program = (f"import os, {entry}, torch; "
               "print(os.environ['OMP_NUM_THREADS'], os.environ['OMP_WAIT_POLICY'], torch.get_num_threads())")
    found = subprocess.run([sys.executable, "-c", program], env={**environment, **given}, capture_output=True, text=True)
    expected = given.get("OMP_NUM_THREADS", str(machine.threads()))
    assert found.stdout.split() == [expected, given.get("OMP_WAIT_POLICY", "passive"), expected], found.stderr


@pytest.mark.parametrize("before, given, expected", [("", {}, machine.threads()), ("", {"OMP_NUM_THREADS": "2"}, 2),
                                                     ("torch.set_num_threads(1); ", {}, 1)])
def test_a_torch_that_is_loaded_before_has_those_threads_too(before, given, expected):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    program = f"import torch; {before}import modot_ros; print(torch.get_num_threads())"
    found = subprocess.run([sys.executable, "-c", program], env={**environment, **given}, capture_output=True, text=True)
    assert found.stdout.strip() == str(expected), found.stderr


def test_the_package_itself_does_not_load_torch():
    program = "import sys, modot_ros; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout.strip() == "False"


def test_memory_is_kept_where_the_c_library_can(monkeypatch):
    asked = []

    class Library:
        @staticmethod
        def mallopt(*setting):
            asked.append(setting)

    monkeypatch.setattr(machine.ctypes, "CDLL", lambda _: Library)
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)
    machine.keep_freed_memory()
    assert [setting[0] for setting in asked] == [machine.M_MMAP_THRESHOLD, machine.M_TRIM_THRESHOLD]
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1")
    machine.keep_freed_memory()
    assert len(asked) == 2

    def windows(_):
        raise TypeError("argument of type NoneType")
    monkeypatch.setattr(machine.ctypes, "CDLL", windows)
    machine.keep_freed_memory()


def test_every_module_loads_where_linux_calls_are_missing():
    """What Windows lacks, and macOS a part of. Other packages are loaded first, for only what this one asks of the system is
    tested; in a process of its own, for modules load once."""
    missing = "fcntl resource pwd grp termios tty pty posix"
    attributes = "sched_getaffinity sched_setaffinity nice killpg fork getloadavg uname geteuid setsid statvfs sysconf"
    program = f"""
import importlib, os, pkgutil, signal, sys
import cv2, numpy, scipy, torch, rclpy, sensor_msgs.msg, subprocess, tempfile, multiprocessing, asyncio, http.server
import modot_ros
names = [one.name for one in pkgutil.walk_packages(modot_ros.__path__, "modot_ros.")
         if not one.name.endswith("__main__") and not one.name.startswith(("modot_ros.msg", "modot_ros.srv"))]
sys.modules.update(dict.fromkeys({missing!r}.split()))
for name in {attributes!r}.split():
    if hasattr(os, name):
        delattr(os, name)
del signal.SIGKILL, signal.SIGHUP, signal.SIGALRM
failed = []
for name in names:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name in {missing!r}.split():
            failed.append((name, str(error)))
    except (AttributeError, OSError) as error:
        failed.append((name, repr(error)))
print(len(names), failed)
"""
    pytest.importorskip("rclpy", reason="rclpy is not importable: no ROS here")
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    count, _, failed = found.stdout.strip().partition(" ")
    assert found.returncode == 0 and int(count) > 150 and failed == "[]", found.stdout + found.stderr
