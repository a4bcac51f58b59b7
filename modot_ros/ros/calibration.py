# SPDX-License-Identifier: Apache-2.0
"""A camera's calibration as sensor_msgs/CameraInfo has it, read from the YAML that camera_calibration writes.

No ROS import: `fill` writes into whatever message it is handed.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import yaml

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Calibration:
    """In pixels, their centres at integers; matrices row-major. K all zero means uncalibrated, as in ROS."""

    width: int
    height: int
    k: tuple[float, ...]                                # 3x3
    d: tuple[float, ...] = ()
    distortion_model: str = "plumb_bob"
    r: tuple[float, ...] = IDENTITY                     # 3x3
    p: tuple[float, ...] | None = None                  # 3x4; None = K beside a zero column
    roi: tuple[int, int, int, int] = (0, 0, 0, 0)       # x_offset, y_offset, width, height that the image shows; 0 = all
    binning: tuple[int, int] = (0, 0)                   # sensor pixels per image pixel, x and y; 0 = 1
    do_rectify: bool = False

    def __post_init__(self) -> None:
        if self.p is None or not any(self.p) and any(self.k):       # drivers leave P and R out
            padded = tuple(v for row in range(3) for v in (*self.k[3 * row:3 * row + 3], 0.0))
            object.__setattr__(self, "p", padded)
        if any(self.k) and not any(self.r):
            object.__setattr__(self, "r", IDENTITY)
        for name, values, count in (("k", self.k, 9), ("r", self.r, 9), ("p", self.p, 12)):
            if len(values) != count:
                raise ValueError(f"calibration: {name} has {len(values)} numbers, expected {count}")
        if self.width < 1 or self.height < 1:
            raise ValueError(f"calibration: image size is {self.width}x{self.height}, must be positive")

    @classmethod
    def pinhole(cls, width: int, height: int, fx: float, fy: float | None = None, cx: float | None = None,
                cy: float | None = None) -> Calibration:
        """Without distortion; the principal point is the middle unless given.

        Raises ValueError for a focal length that is not positive.
        """
        fy = fx if fy is None else fy
        if not (fx > 0 and fy > 0):
            raise ValueError(f"focal length is {fx}, {fy} px: must be positive")
        cx = (width - 1) / 2 if cx is None else cx
        cy = (height - 1) / 2 if cy is None else cy
        return cls(width, height, (float(fx), 0.0, float(cx), 0.0, float(fy), float(cy), 0.0, 0.0, 1.0))

    @classmethod
    def unknown(cls, width: int, height: int) -> Calibration:
        """An uncalibrated camera: every matrix is zero."""
        return cls(width, height, (0.0,) * 9, (), "", (0.0,) * 9, (0.0,) * 12)

    @classmethod
    def read(cls, url: str) -> Calibration:
        """From a camera_calibration YAML: a path or a file:// URL.

        Raises FileNotFoundError for a missing file and ValueError for one that is no calibration.
        """
        path = Path(url.removeprefix("file://")).expanduser()
        if not path.is_file():
            raise FileNotFoundError(f"camera_info_url: no file {path}")
        try:
            record = yaml.safe_load(path.read_text())
            matrices = {key: tuple(float(v) for v in record[name]["data"]) for key, name in (
                ("k", "camera_matrix"), ("d", "distortion_coefficients"), ("r", "rectification_matrix"),
                ("p", "projection_matrix")) if name in record}
            return cls(int(record["image_width"]), int(record["image_height"]),
                       distortion_model=str(record.get("distortion_model", "plumb_bob")), **matrices)
        except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"camera_info_url: {path} is no camera calibration "
                             f"({type(error).__name__}: {error})") from error

    @classmethod
    def of_message(cls, message) -> Calibration:
        """From a sensor_msgs/CameraInfo, rclpy's or rosbags'."""
        # ROS 1 and some bag readers write the matrices' names in capitals
        fields = {name: getattr(message, name if hasattr(message, name) else name.upper()) for name in "kdrp"}
        roi = message.roi
        return cls(int(message.width), int(message.height), distortion_model=str(message.distortion_model),
                   roi=(int(roi.x_offset), int(roi.y_offset), int(roi.width), int(roi.height)),
                   binning=(int(message.binning_x), int(message.binning_y)), do_rectify=bool(roi.do_rectify),
                   **{name: tuple(float(v) for v in values) for name, values in fields.items()})

    def scaled(self, sx: float, sy: float) -> Calibration:
        """For the same picture resized: fx, cx and P's first row by sx, fy, cy and P's second row by sy; the region too."""
        rows = (sx,) * 3 + (sy,) * 3 + (1.0,) * 3
        rows_p = (sx,) * 4 + (sy,) * 4 + (1.0,) * 4
        roi = tuple(round(value * scale) for value, scale in zip(self.roi, (sx, sy, sx, sy)))
        return replace(self, width=round(self.width * sx), height=round(self.height * sy), roi=roi,
                       k=tuple(v * s for v, s in zip(self.k, rows)), p=tuple(v * s for v, s in zip(self.p, rows_p)))

    def resized(self, width: int, height: int) -> Calibration:
        """For the same picture at this size."""
        return self.scaled(width / self.width, height / self.height)

    def cropped(self, left: float, top: float, width: int, height: int) -> Calibration:
        """For a window of the picture: the principal points of K and P move."""
        k, p = list(self.k), list(self.p)
        k[2], k[5], p[2], p[6] = k[2] - left, k[5] - top, p[2] - left, p[6] - top
        return replace(self, width=width, height=height, k=tuple(k), p=tuple(p))

    @property
    def seen(self) -> tuple[int, int, int, int]:
        """Left, top, width and height in pixels of what the image shows of the full sensor, before binning."""
        return self.roi if self.roi[2] and self.roi[3] else (0, 0, self.width, self.height)

    def fill(self, message):
        """Write the numbers into a sensor_msgs/CameraInfo and return it."""
        message.width, message.height = self.width, self.height
        message.distortion_model = self.distortion_model
        message.d = list(self.d)
        message.k, message.r, message.p = list(self.k), list(self.r), list(self.p)
        message.binning_x, message.binning_y = self.binning
        roi = message.roi
        roi.x_offset, roi.y_offset, roi.width, roi.height = self.roi
        roi.do_rectify = self.do_rectify
        return message
