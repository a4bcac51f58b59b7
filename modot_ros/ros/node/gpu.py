# SPDX-License-Identifier: Apache-2.0
"""What the node does about a GPU: gives memory back, and knows when the device is lost. Does not load torch."""
from __future__ import annotations

import gc
import sys


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
