# SPDX-License-Identifier: Apache-2.0
"""Instance labels that come from outside, checked."""
from __future__ import annotations

import numpy as np

MAX_LABEL = 65535                       # instance labels are published as 16UC1


def validate_labels(labels: np.ndarray, shape: tuple[int, int], max_instances: int = 1024) -> np.ndarray:
    """Checks labels that come from outside.

    labels   integer [H, W], 0 = background, 1..65535
    shape    (H, W) of the picture they belong to
    returns  int32 [H, W]
    raises   ValueError naming what is wrong and the limit
    """
    labels = np.asarray(labels)
    if labels.shape != tuple(shape):
        raise ValueError(f"labels have shape {labels.shape}, the picture asks for {tuple(shape)}")
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels have dtype {labels.dtype}: uint8, uint16 or int32 is needed")
    low, high = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if low < 0:
        raise ValueError(f"label {low} is negative: labels go from 0 (background) to {MAX_LABEL}")
    if high > MAX_LABEL:
        raise ValueError(f"label {high} is too large: labels go from 0 (background) to {MAX_LABEL}")
    if high > max_instances:            # only then can there be too many
        count = int(np.count_nonzero(np.bincount(labels.ravel())[1:]))
        if count > max_instances:
            raise ValueError(f"{count} instances in one picture: at most {max_instances} are taken")
    return labels.astype(np.int32)
