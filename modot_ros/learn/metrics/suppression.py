# SPDX-License-Identifier: Apache-2.0
"""Non-maximum suppression of an edge map, as edge benchmarks do it before they count.

Orientation from smoothed second derivatives and bilinear comparison across it: Dollar and Zitnick, "Fast Edge Detection
Using Structured Forests" (PAMI 2015), with its oddity that an exactly level line is not thinned: its mixed derivative
is 0 and leaves no sign. `scene.boundaries.thin` is what a robot gets; this is what papers are scored with.
"""
from __future__ import annotations

import cv2
import numpy as np

ORIENTATION_RADIUS = 4                                  # of the triangle filter before the derivatives, pixels
MULTIPLIER = 1.01                                       # how much higher a neighbour may be
BORDER = 5                                              # pixels over which the map fades to the picture's edge


def triangle_filter(image: np.ndarray, radius: int) -> np.ndarray:
    """Image [H, W] convolved with the triangle 1, 2 .. radius + 1 .. 2, 1 of sum 1 both ways, mirrored at the border."""
    rise = np.arange(1, radius + 1, dtype=np.float64)
    line = np.concatenate([rise, [radius + 1], rise[::-1]]) / (radius + 1) ** 2
    return cv2.sepFilter2D(image, -1, line, line, borderType=cv2.BORDER_REFLECT)


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


def _bilinear(image: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Values between pixels, positions held inside the picture."""
    height, width = image.shape
    u, v = np.clip(u, 0, width - 1.001).astype(np.float32), np.clip(v, 0, height - 1.001).astype(np.float32)
    u0, v0 = u.astype(np.intp), v.astype(np.intp)
    a, b = u - u0, v - v0
    return ((1 - b) * ((1 - a) * image[v0, u0] + a * image[v0, u0 + 1])
            + b * ((1 - a) * image[v0 + 1, u0] + a * image[v0 + 1, u0 + 1]))
