# SPDX-License-Identifier: Apache-2.0
"""The depth of a depth camera, its holes filled with predicted depth at the sensor's scale.

Predicted depth is wrong by a factor that changes slowly over a surface and jumps where one surface ends. So the factor is
measured where both depths are there, in a grid over columns, rows and ln of depth (a bilateral grid, Chen, Paris and
Durand, SIGGRAPH 2007), spread from cells that have many pixels to those that have none, widely where nothing is near, and read
in the holes. At a hole's rim both depths then meet, and a hole behind an object takes the factor of what is behind.
"""
from __future__ import annotations

import cv2
import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

CELLS = 32                              # of the grid along the picture's longer side
LAYER = 0.15                            # of ln depth
SPREADS = (8.0, 4.0, 2.0, 1.0, 0.5)     # standard deviations in cells, coarse to fine
FAINT = 0.02                            # of a full cell: what a finer spread must have to count more than a coarser one
LARGEST_LOCAL = 0.5                     # difference of a local factor from the median, in ln
LEAST_PIXELS = 200                      # in which both depths are there
GRID_PX = 640                           # the grid is made of pixels of a picture of about this width


def local_factor(sensor_m: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """ln of the factor between two depths in the cells of a grid, float64 [rows, columns, layers], and for every pixel the layer
    that it lies in, float32 [H, W]; None when both are there in fewer than LEAST_PIXELS.

    sensor_m, predicted  float32 [H, W]; not finite or <= 0: unknown
    """
    height, width = predicted.shape
    step = max(1, round(width / GRID_PX))
    known = np.isfinite(predicted) & (predicted > 0)
    log_depth = np.log(np.where(known, predicted, np.float32(1)))
    at = np.s_[step // 2::step, step // 2::step]
    both = known[at] & np.isfinite(sensor_m[at]) & (sensor_m[at] > 0)
    if both.sum() < LEAST_PIXELS:
        return None
    logs = np.log(sensor_m[at][both].astype(np.float64)) - log_depth[at][both]
    middle = float(np.median(logs))
    logs = np.clip(logs, middle - LARGEST_LOCAL, middle + LARGEST_LOCAL)
    lowest = float(log_depth[known].min())
    layers = (log_depth - np.float32(lowest)) / np.float32(LAYER)
    cell_px = max(height, width) / CELLS
    v, u = np.nonzero(both)
    shape = (int(height / cell_px) + 1, int(width / cell_px) + 1, int(layers[known].max()) + 1)
    index = np.ravel_multi_index((((v * step + step // 2) / cell_px).astype(np.intp),
                                  ((u * step + step // 2) / cell_px).astype(np.intp), layers[at][both].astype(np.intp)), shape)
    full = (cell_px / step) ** 2
    count = np.bincount(index, minlength=np.prod(shape)).reshape(shape) / full
    total = np.bincount(index, logs, np.prod(shape)).reshape(shape) / full
    grid = np.full(shape, middle)
    for spread in SPREADS:
        weight, value = (gaussian_filter(one, spread, mode="constant", truncate=3) for one in (count, total))
        grid = (value + FAINT * grid) / (weight + FAINT)
    return grid, layers


def fused_depth(sensor_m: np.ndarray, predicted: np.ndarray) -> np.ndarray | None:
    """Sensor's depth where it is there, else the predicted one times the local factor; None when they can't be compared.

    sensor_m   float32 [H, W] metres; not finite or <= 0: a hole
    predicted  float32 [H, W] of the same picture, in any scale; NaN = no estimate, which stays one; +inf stays
    raises     ValueError for two sizes
    """
    if sensor_m.shape != predicted.shape:
        raise ValueError(f"sensor's depth is {sensor_m.shape}, the predicted one {predicted.shape}: they must be of one size")
    found = local_factor(sensor_m, predicted)
    if found is None:
        return None
    grid, layers = found
    measured = np.isfinite(sensor_m) & (sensor_m > 0)
    result = np.where(measured, sensor_m, predicted).astype(np.float32)
    v, u = np.nonzero(~measured & np.isfinite(predicted))
    cell_px = max(predicted.shape) / CELLS
    at = np.stack([v / cell_px - 0.5, u / cell_px - 0.5, layers[v, u] - 0.5])
    result[v, u] *= np.exp(map_coordinates(grid, at, order=1, mode="nearest")).astype(np.float32)
    return result


def depth_of_points(points: np.ndarray, pixels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Points of another camera as a depth image of this one, float32 [H, W], NaN where none falls; the nearest wins.

    points  float [N, 3] in this camera's optical frame; pixels: float [N, 2], (u, v) of them
    """
    height, width = shape
    inside = (np.isfinite(pixels).all(1) & (points[:, 2] > 0) & (pixels > -0.5).all(1)
              & (pixels[:, 0] < width - 0.5) & (pixels[:, 1] < height - 0.5))
    u, v = np.rint(pixels[inside]).astype(np.intp).T
    depth = np.full(shape, np.inf, np.float32)
    np.minimum.at(depth, (v, u), points[inside, 2].astype(np.float32))
    depth[np.isinf(depth)] = np.nan
    return depth


def resized_sensor(depth_m: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A sensor's depth at another size (H, W) of the same view, by the nearest pixel: between surfaces there is nothing."""
    return depth_m if depth_m.shape == shape else cv2.resize(depth_m, shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
