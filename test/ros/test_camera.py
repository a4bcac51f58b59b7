# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header

from modot_ros.ros.camera import Camera
from modot_ros.ros.convert import BadFrame


def test_a_camera_of_the_images_size_is_taken_as_it_is(make_camera_info):
    info = make_camera_info(32, 24, focal_px=50.0)
    camera = Camera.of(info, 32, 24)
    assert camera.focal_px == 50
    assert camera.k.tolist() == [[50, 0, 15.5], [0, 50, 11.5], [0, 0, 1]]
    header = Header(frame_id="other")
    message = camera.message(1.0, header)
    assert message.header is header
    assert (message.width, message.height) == (32, 24)
    assert message.k.tolist() == info.k.tolist() and message.p.tolist() == info.p.tolist()


@pytest.mark.parametrize("info", ("none", "zeros"))
def test_an_uncalibrated_camera_has_no_focal_length(info, make_camera_info):
    camera = Camera.of(None if info == "none" else make_camera_info(k=np.zeros(9)), 32, 24)
    assert camera.focal_px is None and camera.k is None
    assert camera.matrix(80.0).tolist() == [[80, 0, 15.5], [0, 80, 11.5], [0, 0, 1]]
    message = camera.message(80.0, Header())
    assert (message.width, message.height, message.k[0], message.p[0]) == (32, 24, 80, 80)


@pytest.mark.parametrize("focal_px", (float("nan"), float("inf"), -100.0, 0.0))
def test_a_focal_length_that_is_none_is_refused_by_name(focal_px, make_camera_info):
    with pytest.raises(BadFrame, match=f"fx={focal_px}") as caught:
        Camera.of(make_camera_info(focal_px=focal_px), 32, 24)
    assert caught.value.reason == "camera_info"


def test_a_camera_info_of_another_aspect_is_refused_with_both_sizes(make_camera_info):
    with pytest.raises(BadFrame, match="32x32.*640x480"):
        Camera.of(make_camera_info(32, 32), 640, 480)


def test_a_camera_info_of_another_size_is_scaled(make_camera_info):
    info = make_camera_info(64, 48, focal_px=100.0, d=[0.1, 0.0, 0.0, 0.0, 0.0])
    info.p[3] = -10.0
    info.roi = RegionOfInterest()
    camera = Camera.of(info, 32, 24)
    assert camera.k.tolist() == [[50, 0, 15.75], [0, 50, 11.75], [0, 0, 1]]
    message = camera.message(1.0, Header())
    assert (message.width, message.height) == (32, 24)
    assert message.k.tolist() == camera.k.ravel().tolist()
    assert message.p[3] == -5 and message.p[0] == 50
    assert list(message.d) == list(info.d) and message.r.tolist() == info.r.tolist()
    assert camera.distorted


def test_rounding_of_a_resized_camera_is_forgiven(make_camera_info):
    assert Camera.of(make_camera_info(1920, 1080), 853, 480).focal_px == pytest.approx(100 * 853 / 1920)


def test_a_region_of_interest_moves_the_middle_and_stays_in_the_message(make_camera_info):
    roi = RegionOfInterest(x_offset=10, y_offset=4, width=32, height=24)
    info = make_camera_info(64, 48, roi=roi)
    camera = Camera.of(info, 32, 24)
    assert camera.k.tolist() == [[100, 0, 31.5 - 10], [0, 100, 23.5 - 4], [0, 0, 1]]
    message = camera.message(1.0, Header())
    assert (message.width, message.height, message.roi) == (64, 48, roi)
    assert message.k.tolist() == info.k.tolist()


def test_binning_halves_the_focal_length_and_stays_in_the_message(make_camera_info):
    info = make_camera_info(64, 48, binning_x=2, binning_y=2)
    camera = Camera.of(info, 32, 24)
    assert camera.focal_px == 50
    message = camera.message(1.0, Header())
    assert (message.width, message.binning_x, message.k[0]) == (64, 2, 100)


def test_a_region_of_interest_is_scaled_with_its_picture(make_camera_info):
    info = make_camera_info(64, 48, roi=RegionOfInterest(x_offset=16, y_offset=8, width=32, height=24))
    message = Camera.of(info, 16, 12).message(1.0, Header())
    assert (message.width, message.height, message.k[0]) == (32, 24, 50)
    roi = message.roi
    assert (roi.x_offset, roi.y_offset, roi.width, roi.height) == (8, 4, 16, 12)
