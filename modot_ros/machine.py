# SPDX-License-Identifier: Apache-2.0
"""How many threads a network gets on this machine, how they wait, how memory is kept, when a GPU is lost. Loads no torch.

OpenMP reads its settings when torch loads it, so `prepare_threads` runs when the package is imported. Each of the many
small layers of a network ends in a barrier: with as many threads as cores it waits for whichever thread was interrupted,
and a thread that spins there burns the core that the others need. On two virtual cores beside three busy processes, two
spinning threads took 346 ms a picture, two that sleep 119 ms, and one 35 ms; `benchmarks/threads.py` measures it anywhere.
"""
from __future__ import annotations

import ctypes
import gc
import math
import os
import sys
from pathlib import Path

MOST_THREADS = 8                                        # more gain nothing in layers this small
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")              # of a container: microseconds per period, or "max"
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3             # of mallopt(3)


def cores() -> int:
    """Cores that this process may use: by affinity and, in a container, by its CPU quota."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = CPU_QUOTA.read_text().split()
        return max(1, min(there, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):                       # no such file, or "max"
        return there


def threads() -> int:
    """Threads for a network: one core is left to the camera, the middleware and whatever else runs."""
    return max(1, min(cores() - 1, MOST_THREADS))


def prepare_threads() -> None:
    """Number of OpenMP's threads and how they wait, unless the user has set them.

    A torch that was loaded before this package no longer reads the environment: it is told the number, unless somebody has
    lowered it. How its threads wait stays as it is; with one there is nobody to wait for.
    """
    torch = sys.modules.get("torch")
    if "OMP_NUM_THREADS" not in os.environ and hasattr(torch, "set_num_threads") and torch.get_num_threads() > threads():
        torch.set_num_threads(threads())
    os.environ.setdefault("OMP_NUM_THREADS", str(threads()))
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def has_nvidia_gpu() -> bool:
    """Whether a driver of NVIDIA is loaded, whatever torch was built for."""
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidia0").exists()


def keep_freed_memory() -> None:
    """Have glibc keep freed blocks for the next frame, unless the user has set when it does not.

    Otherwise it gives every large array back to the system, and touching new pages takes a third of a frame's time. For
    programs, not for libraries: it concerns the whole process.
    """
    try:
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)   # other C libraries have none
    except (OSError, TypeError):                        # Windows
        return
    if mallopt is not None and not {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"} & set(os.environ):
        mallopt(M_MMAP_THRESHOLD, 32 << 20)
        mallopt(M_TRIM_THRESHOLD, 256 << 20)


def free_gpu_memory() -> None:
    """Give what no tensor uses back to the GPU."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def is_lost_device(error: Exception) -> bool:
    """Whether a GPU's context is gone, as after a fault of another kernel: all that follows fails as well."""
    words = ("CUDA error", "cuDNN error", "CUDNN_STATUS", "CUBLAS_STATUS")
    return type(error).__name__ in ("AcceleratorError", "RuntimeError") and any(word in str(error) for word in words)
