# SPDX-License-Identifier: Apache-2.0
"""`CvBridge`, `message_filters` and `point_cloud2`: the distribution's where there is one, otherwise stand-ins.

ROS from wheels lacks cv_bridge, message_filters and sensor_msgs_py. This is the one place that looks; nothing else
knows which it got.
"""
from __future__ import annotations

import cv2
import numpy as np
from rclpy.logging import get_logger
from sensor_msgs.msg import CompressedImage, Image


def _bridge() -> tuple[type, type[Exception]]:
    """CvBridge and CvBridgeError of the distribution, when they are there and work; the stand-in's otherwise.

    A cv_bridge that was compiled for NumPy 1 raises on import, or at the first conversion, beside NumPy 2.
    """
    try:
        from cv_bridge import CvBridge, CvBridgeError
        CvBridge().imgmsg_to_cv2(Image(height=1, width=2, encoding="bgr8", step=6, data=bytes(6)), "rgb8")
        return CvBridge, CvBridgeError
    except Exception as error:
        if not (isinstance(error, ModuleNotFoundError) and error.name == "cv_bridge"):
            get_logger("modot_ros").warning(
                f"the installed cv_bridge does not work ({type(error).__name__}: {error}) and is not used: images are converted "
                "with OpenCV alone. Other nodes will need it repaired; beside NumPy 2 that is `pip install 'numpy<2'`")
        from modot_ros.ros.standins import cv_bridge
        return cv_bridge.CvBridge, cv_bridge.CvBridgeError


TrustingCvBridge, CvBridgeError = _bridge()

try:
    import message_filters
except ImportError:
    from modot_ros.ros.standins import message_filters

try:
    from sensor_msgs_py import point_cloud2
except ImportError:
    from modot_ros.ros.standins import point_cloud2

__all__ = ["CvBridge", "CvBridgeError", "message_filters", "point_cloud2"]


class CvBridge(TrustingCvBridge):
    """cv_bridge that does not trust what it is sent: a bad picture is always a CvBridgeError naming the value."""

    def imgmsg_to_cv2(self, img_msg: Image, desired_encoding: str = "passthrough") -> np.ndarray:
        dtype, channels = self.encoding_to_dtype_with_channels(img_msg.encoding)
        height, width, step, length = img_msg.height, img_msg.width, img_msg.step, len(img_msg.data)
        size = f"{width}x{height} {img_msg.encoding}"
        row_bytes = width * channels * np.dtype(dtype).itemsize
        if height == 0 or width == 0:
            raise CvBridgeError(f"image of {size} is empty")
        if step < row_bytes:
            raise CvBridgeError(f"step {step} is smaller than the {row_bytes} bytes of a row of {size}")
        if length < step * height:
            raise CvBridgeError(f"data of {length} bytes is truncated: {size} with step {step} needs {step * height}")
        try:
            return super().imgmsg_to_cv2(img_msg, desired_encoding)
        except CvBridgeError:
            raise
        except (TypeError, ValueError, RuntimeError, cv2.error) as error:
            raise CvBridgeError(f"image of {size}, step {step}, {length} bytes: {error}") from error

    def compressed_imgmsg_to_cv2(self, cmprs_img_msg: CompressedImage,
                                 desired_encoding: str = "passthrough") -> np.ndarray:
        try:
            image = super().compressed_imgmsg_to_cv2(cmprs_img_msg, desired_encoding)
        except CvBridgeError:
            raise
        except (TypeError, ValueError, RuntimeError, cv2.error) as error:
            raise CvBridgeError(f"{len(cmprs_img_msg.data)} bytes of format {cmprs_img_msg.format!r}: {error}") from error
        if image is None:
            raise CvBridgeError(f"{len(cmprs_img_msg.data)} bytes of format {cmprs_img_msg.format!r} can't be decoded")
        return image
