# SPDX-License-Identifier: Apache-2.0
"""The camera behind one image: what its calibration means for an image of this size. No ROS import.

The node, the bag player and the commands all make their cameras here. A calibration that can't be believed costs the metric
scale, never the frame: the camera then counts as uncalibrated, and `problem` says why.
"""
from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from modot_ros.ros.calibration import Calibration
from modot_ros.scene.geometry import (
    DISTORTION_MODELS,
    FIELD_OF_VIEW_DEG,
    FISHEYE,
    field_of_view_deg,
    pixels_of,
    rays,
    undistorted_rays,
)

ASPECT_PX = 1.5                                         # rounding that a resized calibration may be off by
LEAST_RATIO = 0.2                                       # of fy to fx, and of fx to fy, of pixels that there are
GRID_PX = 64                                            # columns, at least, of which the share of pixels with rays is told
LEAST_RAYS, MOST_RAYS = 0.2, 0.9                        # share below which a lens model can't be right, or is worth a word
SMALLEST_CROP = 0.5                                     # share of rows or columns that a crop keeps to be taken for one


@dataclass(frozen=True)
class Camera:
    """An image of `width` x `height` pixels; region of interest, binning, crop and resizing are in it already.

    calibration  what to publish beside images of this size; None = uncalibrated
    k            float64 [3, 3] of the image: K, or P of a rectified one; None when uncalibrated
    rectified    straight lines are straight: `k` is all of the camera
    problem      why a calibration that came is not used; empty when it is, or when none came
    note         what was assumed to use it; empty when nothing was
    """

    width: int
    height: int
    calibration: Calibration | None = None
    k: np.ndarray | None = None
    rectified: bool = True
    problem: str = ""
    note: str = ""

    @classmethod
    def of(cls, calibration: Calibration | None, width: int, height: int, rectified: bool | None = None) -> Camera:
        """The camera of an image of this size.

        calibration  None, or one with K all zero: uncalibrated, as in ROS
        rectified    whether the image was rectified, so that P is its matrix and D is done with; None: when D is zero

        A calibration of another size serves when its region of interest, its binning, its aspect or a crop about the
        middle explains the image's size. One that is not finite, has no focal length, a field of view outside
        FIELD_OF_VIEW_DEG or a size that nothing explains is a `problem`.
        """
        if calibration is None or not any(calibration.k):
            return cls(width, height)
        try:
            if not all(map(math.isfinite, calibration.d)):
                raise ValueError(f"CameraInfo has the distortion {list(calibration.d)}: all of it must be finite")
            fitted, (left, top), note = _fitted(calibration, width, height)
            rectified = not any(calibration.d) if rectified is None else rectified
            rows = np.reshape(fitted.p, (3, 4))[:, :3] if rectified else np.reshape(fitted.k, (3, 3))
            k = np.array([[rows[0, 0], rows[0, 1], rows[0, 2] - left], [0, rows[1, 1], rows[1, 2] - top], [0, 0, 1]])
            _check(k, width, height)
        except ValueError as error:
            return cls(width, height, problem=str(error))
        _, _, seen_width, seen_height = calibration.seen
        binned = tuple(side // max(1, factor) for side, factor in zip((seen_width, seen_height), calibration.binning))
        camera = cls(width, height, calibration if binned == (width, height) else fitted, k, rectified, note=note)
        # a fisheye's picture is a circle, and has no rays in its corners
        if camera.no_rays or calibration.distortion_model in FISHEYE or camera.share_with_rays >= MOST_RAYS:
            return camera
        missing = f"the lens model has no ray for {1 - camera.share_with_rays:.0%} of the pixels, which give no points"
        return replace(camera, note=f"{note}; {missing}" if note else missing)

    @property
    def focal_px(self) -> float | None:
        """Horizontal focal length of the image; None when uncalibrated."""
        return None if self.k is None else float(self.k[0, 0])

    @property
    def no_rays(self) -> str:
        """Why there are no rays, and so no clouds; empty when there are."""
        if self.rectified or self.calibration is None:
            return ""
        model, count = self.calibration.distortion_model, len(self.calibration.d)
        if model not in DISTORTION_MODELS or count not in DISTORTION_MODELS[model]:
            known = ", ".join(f"{name} ({' or '.join(map(str, counts))})" for name, counts in DISTORTION_MODELS.items())
            return f"lens model {model!r} with {count} coefficients is not supported: {known}; or rectify the image"
        if self.share_with_rays < LEAST_RAYS:
            return (f"lens model {model!r} with the coefficients {', '.join(f'{one:g}' for one in self.calibration.d)} has a ray "
                    f"for {self.share_with_rays:.0%} of the pixels: calibrate again, or rectify the image")
        return ""

    @cached_property
    def share_with_rays(self) -> float:
        """Of the pixels, those that the lens model has a ray for, in 0..1; told from a coarse grid."""
        if self.rectified or self.calibration is None:
            return 1.0
        grid = undistorted_rays(self.k, self.calibration.distortion_model, np.array(self.calibration.d),
                                (self.height, self.width), max(1, self.width // GRID_PX))
        return float(np.isfinite(grid[..., 0]).mean())

    def rays(self, focal_px: float) -> np.ndarray:
        """float32 [H, W, 3]: the ray of every pixel, z = 1, lens distortion removed; NaN where the lens model has none.

        focal_px  for an uncalibrated camera: that of a pinhole, seen from the middle
        Raises ValueError with the text of `no_rays`.
        """
        if self.no_rays:
            raise ValueError(self.no_rays)
        if self.rectified or self.calibration is None:
            return rays(self.matrix(focal_px), (self.height, self.width))
        return undistorted_rays(self.k, self.calibration.distortion_model, np.array(self.calibration.d),
                                (self.height, self.width))

    def pixels(self, points_m: np.ndarray, focal_px: float) -> np.ndarray:
        """Where points [N, 3] in the optical frame appear: float64 [N, 2], (u, v); NaN for those that are not in front.

        focal_px as in `rays`, and the same ValueError.
        """
        if self.no_rays:
            raise ValueError(self.no_rays)
        if self.rectified or self.calibration is None:
            return pixels_of(points_m, self.matrix(focal_px))
        return pixels_of(points_m, self.matrix(focal_px), self.calibration.distortion_model, self.calibration.d)

    def matrix(self, focal_px: float) -> np.ndarray:
        """k; for an uncalibrated camera that of a pinhole with this focal length, seen from the middle."""
        if self.k is not None:
            return self.k
        return np.reshape(Calibration.pinhole(self.width, self.height, focal_px).k, (3, 3))

    def published(self, focal_px: float) -> Calibration:
        """What goes with an output of the image's size; `focal_px` is for an uncalibrated camera.

        A region of interest or binning that explains the image's size stays as it came; other sizes are
        scaled, K and P and the region with them, D and R not.
        """
        return self.calibration or Calibration.pinhole(self.width, self.height, focal_px)

    @cached_property
    def horizontal_deg(self) -> float:
        """Horizontal field of view of a calibrated camera."""
        return field_of_view_deg(self.k[0, 0], self.width)


def _check(k: np.ndarray, width: int, height: int) -> None:
    """Raises ValueError for a matrix that no camera has."""
    fx, fy, cx, cy = (float(k[at]) for at in ((0, 0), (1, 1), (0, 2), (1, 2)))
    if not all(map(math.isfinite, (fx, fy, cx, cy))) or fx <= 0 or fy <= 0:
        raise ValueError(f"CameraInfo has fx={fx}, fy={fy}, cx={cx}, cy={cy}: focal lengths must be positive and all of "
                         "them finite")
    low, high = FIELD_OF_VIEW_DEG
    for name, focal_px, size, what in (("fx", fx, width, "columns"), ("fy", fy, height, "rows")):
        angle = field_of_view_deg(focal_px, size)
        # a strip of few rows has a small angle, whatever its camera
        if not (low <= angle <= high or name == "fy" and LEAST_RATIO <= fy / fx <= 1 / LEAST_RATIO):
            raise ValueError(f"CameraInfo has {name}={focal_px:g} px for {size} {what}, a field of view of {angle:.3g} degrees: "
                             f"{low:g} to {high:g} are believed")
    if not (-width <= cx <= 2 * width and -height <= cy <= 2 * height):
        raise ValueError(f"CameraInfo has cx={cx:g}, cy={cy:g} for {width}x{height} pixels: the optical axis must pass near them")


def _fitted(calibration: Calibration, width: int, height: int) -> tuple[Calibration, tuple[float, float], str]:
    """The calibration at the image's scale, where in it the image begins, and what was assumed. Raises ValueError."""
    left, top, seen_width, seen_height = calibration.seen
    bare = replace(calibration, binning=(0, 0))
    sx, sy = width / seen_width, height / seen_height
    binned = tuple(side // max(1, factor) for side, factor in zip((seen_width, seen_height), calibration.binning))
    if binned == (width, height) or abs(seen_height * sx - height) <= ASPECT_PX or abs(seen_width * sy - width) <= ASPECT_PX:
        return bare.scaled(sx, sy), (left * sx, top * sy), ""
    if max(calibration.roi):
        raise ValueError(f"CameraInfo's region is {seen_width}x{seen_height}, the image {width}x{height}: they must be of one "
                         "size or one aspect")
    # rows or columns are missing at the scale of the other side, which a crop or a sensor mode leaves out about the middle
    scale = max(sx, sy)
    left, top = (calibration.width * scale - width) / 2, (calibration.height * scale - height) / 2
    kept = min(width / (calibration.width * scale), height / (calibration.height * scale))
    if kept < SMALLEST_CROP or (width - height) * (calibration.width - calibration.height) < 0:
        raise ValueError(f"CameraInfo is of {calibration.width}x{calibration.height}, the image {width}x{height}: neither "
                         "resizing nor a crop about the middle explains that")
    note = (f"CameraInfo is of {calibration.width}x{calibration.height}, the image {width}x{height}: taken for a crop about "
            "the middle")
    return bare.scaled(scale, scale).cropped(left, top, width, height), (0.0, 0.0), note
