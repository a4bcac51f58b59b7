# SPDX-License-Identifier: Apache-2.0
"""Non-maximum suppression of an edge map, as edge benchmarks do it before they count.

Orientation from smoothed second derivatives and bilinear comparison across it: Dollar and Zitnick, "Fast Edge Detection
Using Structured Forests" (PAMI 2015), with its oddity that an exactly level line is not thinned: its mixed derivative
is 0 and leaves no sign. `scene.boundaries.thin` is what a robot gets; this is what papers are scored with, and what DNMMSI
(BMVC 2025) reads of its own last output.
"""
from __future__ import annotations

import numpy as np
from scipy.signal import convolve2d

ORIENTATION_RADIUS = 4                                  # of the triangle filter before the derivatives, pixels
MULTIPLIER = 1.01                                       # how much higher a neighbour may be
BORDER = 5                                              # pixels over which the map fades to the picture's edge
PREVIOUS_THRESHOLD = 0.7                                # of the ridges that DNMMSI reads


def triangle_filter(image: np.ndarray, radius: int) -> np.ndarray:
    """Image [H, W] convolved with the triangle 1, 2 .. radius + 1 .. 2, 1 of sum 1 both ways, mirrored at the border.

    With SciPy, whose order of summation is that of the code that DNMMSI was trained with: where a derivative is all but 0,
    as on level lines, the last bit decides which pixels stay.
    """
    rise = np.arange(1, radius + 1, dtype=np.float64)
    line = (np.concatenate([rise, [radius + 1], rise[::-1]]) / (radius + 1) ** 2).astype(image.dtype)[None]
    across = convolve2d(np.pad(image, radius, mode="symmetric"), line, mode="valid")
    return convolve2d(across, line.T, mode="valid")


def suppress(probability: np.ndarray, smooth: int = 0) -> np.ndarray:
    """The ridges of an edge map; everything else becomes 0.

    Args:
        probability: [H, W] in 0..1.
        smooth: radius of a triangle filter before everything else; the Python port of the benchmark uses 1, DOOBNet's
            MATLAB scripts 0.

    Returns: float32 [H, W]. Raises ValueError unless [H, W] with both sides at least 2.
    """
    if probability.ndim != 2 or min(probability.shape) < 2:
        raise ValueError(f"edge map is {list(probability.shape)}: must be [H, W] with at least 2 pixels a side")
    edge = np.asarray(probability, np.float64)
    if smooth:
        edge = triangle_filter(edge, smooth)
    edge = edge.astype(np.float32)
    dv, du = np.gradient(triangle_filter(edge, ORIENTATION_RADIUS))
    uu = np.gradient(du, axis=1)
    vv, uv = np.gradient(dv)
    angle = np.mod(np.arctan(vv * np.sign(-uv) / (uu + 1e-5)), np.pi)

    height, width = edge.shape
    v, u = np.nonzero(edge)
    cosine, sine = np.cos(angle[v, u]), np.sin(angle[v, u])
    here = edge[v, u] * np.float32(MULTIPLIER)
    stays = np.ones(len(v), bool)
    for side in (-1, 1):
        stays &= here >= _bilinear(edge, u + side * cosine, v + side * sine)
    ridge = np.zeros_like(edge)
    ridge[v[stays], u[stays]] = edge[v[stays], u[stays]]
    border = min(BORDER, height // 2, width // 2)           # half of a small picture
    for k in range(border):
        for line in (ridge[k], ridge[height - 1 - k], ridge[:, k], ridge[:, width - 1 - k]):
            line *= np.float32(k / border)
    return ridge


def previous_output(probability: np.ndarray, binary: bool = False) -> np.ndarray:
    """What DNMMSI reads of its last output: the strong ridges, rounded to 8 bits.

    Args:
        probability: [H, W] in 0..1.
        binary: 1 for every ridge, as version 2 of the network has it.

    Returns: float32 [H, W], 0 or a multiple of 1/255 of at least PREVIOUS_THRESHOLD. Raises ValueError as `suppress`.
    """
    level = np.rint(255 * suppress(probability, smooth=1)).astype(np.uint8)
    kept = level / 255.0 >= PREVIOUS_THRESHOLD
    return np.where(kept, 1.0 if binary else level / 255.0, 0.0).astype(np.float32)


def _bilinear(image: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Values between pixels, positions held inside the picture."""
    height, width = image.shape
    u, v = np.clip(u, 0, width - 1.001).astype(np.float32), np.clip(v, 0, height - 1.001).astype(np.float32)
    u0, v0 = u.astype(np.intp), v.astype(np.intp)
    a, b = u - u0, v - v0
    return ((1 - b) * ((1 - a) * image[v0, u0] + a * image[v0, u0 + 1])
            + b * ((1 - a) * image[v0 + 1, u0] + a * image[v0 + 1, u0 + 1]))
