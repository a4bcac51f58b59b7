# SPDX-License-Identifier: Apache-2.0
import numpy as np

from modot_ros.ros.calibration import Calibration
from modot_ros.ros.sources.frame import Frame, bgr_frame


def picture(width=8, height=6) -> np.ndarray:
    return np.full((height, width, 3), (255, 0, 0), np.uint8)


def sizes(source) -> list[tuple[int, int]]:
    return [(frame.width, frame.height) for frame in source]


def test_wanted_size():
    assert sizes([bgr_frame(picture(8, 6), 0, 0, None)]) == [(8, 6)]
    assert sizes([bgr_frame(picture(8, 6), 4, 0, None)]) == [(4, 3)]
    assert sizes([bgr_frame(picture(8, 6), 0, 12, None)]) == [(16, 12)]
    calibration = Calibration.pinhole(8, 6, 10.0)
    frame = bgr_frame(picture(8, 6), 16, 3, None, calibration)
    assert frame.calibration == calibration.resized(16, 3)


def test_height_of_a_frame_is_its_rows():
    assert Frame(np.zeros((7, 12), np.uint8), "bgr8", 4, None).height == 7


def test_a_calibration_that_is_not_of_the_pictures_size_stays_as_it_is():
    """With a region of interest the CameraInfo states the sensor's size."""
    calibration = Calibration.pinhole(80, 60, 10.0)
    assert bgr_frame(picture(8, 6), 0, 0, None, calibration).calibration is calibration
