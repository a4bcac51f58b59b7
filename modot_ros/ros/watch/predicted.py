# SPDX-License-Identifier: Apache-2.0
"""Predictions of a video or of pictures as a recording: the topics that a modot_node would have published of them."""
from __future__ import annotations

from pathlib import Path

import numpy as np
from builtin_interfaces.msg import Time
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from modot_ros.prediction import Prediction
from modot_ros.ros.calibration import Calibration
from modot_ros.ros.messages.convert import image_message, order_graph_message
from modot_ros.ros.watch.recording import Recording, check_new
from modot_ros.scene.drawing.overlay import overlay

FRAME_ID = "camera_optical_frame"


class PredictedRecording:
    """A context. The file is begun with the first frame, so that an input without one leaves none.

    Raises FileExistsError for a folder that exists already; `add` raises what Recording raises.
    """

    def __init__(self, folder: Path) -> None:
        check_new(folder)
        self._folder = folder
        self._recording: Recording | None = None

    def __enter__(self) -> PredictedRecording:
        return self

    def __exit__(self, *_) -> None:
        if self._recording is not None:
            self._recording.close()

    def add(self, rgb: np.ndarray, prediction: Prediction, time_s: float) -> None:
        """A frame, uint8 [H, W, 3] RGB, `time_s` seconds after the first one, with a whole prediction of it; a model of relative
        depth gives depth_relative."""
        self._recording = self._recording or Recording(self._folder)
        stamp_ns = round(time_s * 1e9)
        header = Header(frame_id=FRAME_ID, stamp=Time(sec=stamp_ns // 10 ** 9, nanosec=stamp_ns % 10 ** 9))
        height, width = rgb.shape[:2]
        info = Calibration.pinhole(width, height, prediction.focal_px).fill(CameraInfo(header=header))
        depth = "depth" if prediction.depth_kind == "metric" else "depth_relative"
        messages = {"/image": image_message(rgb, "rgb8", header), "/camera_info": info,
                    f"/modot_node/{depth}/image": image_message(prediction.depth.astype(np.float32), "32FC1", header),
                    f"/modot_node/{depth}/camera_info": info,
                    "/modot_node/boundary/image": image_message(prediction.boundary_mask * np.uint8(255), "mono8", header),
                    "/modot_node/instances/image": image_message(prediction.labels.astype(np.uint16), "16UC1", header),
                    "/modot_node/order_graph": order_graph_message(prediction.graph, header),
                    "/modot_node/overlay": image_message(overlay(rgb, prediction), "rgb8", header)}
        for topic, message in messages.items():
            kind = f"{type(message).__module__.partition('.')[0]}/msg/{type(message).__name__}"
            self._recording.write(topic, kind, stamp_ns, serialize_message(message))
