# SPDX-License-Identifier: Apache-2.0
"""A picture and the boundaries on it, which must be of one size."""
from __future__ import annotations

from pathlib import Path

import numpy as np


def of_size(path: Path, drawn: np.ndarray, rgb: np.ndarray) -> np.ndarray:
    """`drawn` [..., H, W], which was read from `path`. Raises ValueError naming the file when the picture [H, W, 3] is of another
    size."""
    (height, width), (rows, columns) = rgb.shape[:2], drawn.shape[-2:]
    if (height, width) != (rows, columns):
        raise ValueError(f"{path} is {columns}x{rows}, expected {width}x{height} as the picture is")
    return drawn
