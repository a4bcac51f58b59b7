# SPDX-License-Identifier: Apache-2.0
"""Many inputs through a network in chunks that fit into memory."""
from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor


def is_out_of_memory(error: Exception) -> bool:
    """Whether this error of torch means that memory is short, on a GPU or on the CPU."""
    return isinstance(error, torch.cuda.OutOfMemoryError) or "can't allocate memory" in str(error)


def in_chunks(run: Callable[[np.ndarray], Tensor], items: np.ndarray, at_once: int) -> Tensor:
    """`run` over items [N, ...], `at_once` of them at a time, results joined along their first dimension.

    When memory is short, chunks become smaller. The error of a single item is not caught.
    """
    found, done = [], 0
    while done < len(items):
        try:
            found.append(run(items[done:done + at_once]))
            done += at_once
            continue
        except RuntimeError as error:
            if at_once == 1 or not is_out_of_memory(error):
                raise
        at_once = (at_once + 1) // 2                    # outside the handler, which keeps the failed run's tensors
        logging.getLogger(__name__).warning("memory is short: going on with %d at once", at_once)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    return torch.cat(found)
