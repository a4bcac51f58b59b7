# SPDX-License-Identifier: Apache-2.0
"""The camera behind one image: what its CameraInfo says, brought to the image's size."""
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header

from modot_ros.ros.calibration import Calibration
from modot_ros.ros.convert import BadFrame

ASPECT_PX = 1.5                                         # rounding that a resized CameraInfo may be off by


@dataclass(frozen=True)
class Camera:
    """Pixels of an image of `width` x `height`; region of interest, binning and resizing are in it already.

    k           float64 [3, 3]; None when the camera is not calibrated or never told
    distorted   the calibration has lens distortion: straight lines are straight only in a rectified image
    """

    width: int
    height: int
    k: np.ndarray | None = None
    distorted: bool = False
    info: CameraInfo | None = None

    @classmethod
    def of(cls, info: CameraInfo | None, width: int, height: int) -> Camera:
        """The camera of an image of this size. K all zero means uncalibrated, as no CameraInfo at all does.

        A CameraInfo of another size serves when its region of interest or its aspect is the image's. Raises
        BadFrame for another shape and for focal lengths that are none.
        """
        if info is None or not any(info.k):
            return cls(width, height)
        fx, cx, fy, cy = info.k[0], info.k[2], info.k[4], info.k[5]
        if not all(map(math.isfinite, (fx, fy, cx, cy))) or fx <= 0 or fy <= 0:
            raise BadFrame("camera_info", f"CameraInfo has fx={fx}, fy={fy}, cx={cx}, cy={cy}: focal lengths "
                           "must be positive and all of them finite")
        left, top, seen_width, seen_height = seen_region(info)
        if 0 in (seen_width, seen_height):
            raise BadFrame("camera_info", f"CameraInfo is {info.width}x{info.height}: it has no size")
        sx, sy = width / seen_width, height / seen_height
        if abs(seen_height * sx - height) > ASPECT_PX and abs(seen_width * sy - width) > ASPECT_PX:
            raise BadFrame("camera_info", f"CameraInfo is of {seen_width}x{seen_height}, the image "
                           f"{width}x{height}: they must be of one size or one aspect")
        k = np.array([[fx * sx, info.k[1] * sx, (cx - left) * sx], [0, fy * sy, (cy - top) * sy], [0, 0, 1]])
        return cls(width, height, k, any(info.d), info)

    @property
    def focal_px(self) -> float | None:
        return None if self.k is None else float(self.k[0, 0])

    def matrix(self, focal_px: float) -> np.ndarray:
        """k; for an uncalibrated camera that of a pinhole with this focal length, seen from the middle."""
        if self.k is not None:
            return self.k
        return np.reshape(Calibration.pinhole(self.width, self.height, focal_px).k, (3, 3))

    def message(self, focal_px: float, header: Header) -> CameraInfo:
        """CameraInfo that goes with an output of the image's size; `focal_px` is for an uncalibrated camera.

        A region of interest or binning that explains the image's size stays as it came; other sizes are
        scaled, K and P and the region with them, D and R not.
        """
        if self.info is None:
            return Calibration.pinhole(self.width, self.height, focal_px).fill(CameraInfo(header=header))
        info, roi = self.info, self.info.roi
        message = CameraInfo(header=header, binning_x=info.binning_x, binning_y=info.binning_y, roi=roi)
        calibration = Calibration.of_message(info)
        seen_width, seen_height = seen_region(info)[2:]
        if (self.width, self.height) == (seen_width // max(1, info.binning_x),
                                         seen_height // max(1, info.binning_y)):
            return calibration.fill(message)
        sx, sy = self.k[0, 0] / info.k[0], self.k[1, 1] / info.k[4]
        message.binning_x = message.binning_y = 0
        full = (self.width, self.height)
        if roi.width:
            full = (round(info.width * sx), round(info.height * sy))
            message.roi = RegionOfInterest(
                x_offset=round(roi.x_offset * sx), y_offset=round(roi.y_offset * sy),
                width=self.width, height=self.height, do_rectify=roi.do_rectify)
        return calibration.scaled(*full).fill(message)


def seen_region(info: CameraInfo) -> tuple[int, int, int, int]:
    """Left, top, width and height in pixels of what the image shows of the full sensor, before binning."""
    roi = info.roi
    if roi.width and roi.height:
        return roi.x_offset, roi.y_offset, roi.width, roi.height
    return 0, 0, info.width, info.height
