# SPDX-License-Identifier: Apache-2.0
"""The scale of depth by each source, from frames to depth."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import Image, LaserScan, PointCloud2, Range

from modot_ros.msg import DepthScale
from modot_ros.prediction import Prediction
from modot_ros.ros.messages.convert import image_message
from modot_ros.ros.node.metres import Metres
from modot_ros.ros.node.outputs import fused_image, scale_message
from modot_ros.ros.node.parameters import Parameters
from modot_ros.ros.node.perception import Perception
from modot_ros.ros.node.ranges import RangeSensor
from modot_ros.ros.node.sync import ALL, Frame
from modot_ros.ros.transforms import Transforms

PARAMETERS = Parameters(steady_scale=False)


def stamped(message, stamp, frame_id="laser"):
    message.header.stamp.sec, message.header.stamp.nanosec = int(stamp), round(stamp % 1 * 1e9)
    message.header.frame_id = frame_id
    return message


@pytest.fixture
def predictor(fake_predictor):
    return fake_predictor()


def test_depth_gets_the_scale_of_the_floor(predictor, make_image, make_camera_info):
    """A floor 1 m below a level camera, of which the model says that it is 0.8 m."""
    rows = (np.arange(120) - 59.5) / 100
    depth = np.repeat(np.where(rows > 0, 0.8 / np.maximum(rows, 1e-3), 5).clip(max=5)[:, None], 160, 1).astype(np.float32)
    said = Prediction("metric", 100.0, depth=depth)
    predictor.predict = lambda rgb, focal_px, parts: said
    perception = Perception(predictor)
    parameters = replace(PARAMETERS, scale_source="camera_height", camera_height_m=1.0, scale_timeout_s=3.0)
    assert "no floor seen 1.0 m below the camera" in perception.metres.problem(parameters)
    assert perception.metres.problem(PARAMETERS) == ""

    def seen(stamp):
        frame = Frame(make_image(160, 120, stamp=stamp), make_camera_info(160, 120, stamp=stamp), None, stamp, ALL)
        return perception.result(frame, {"depth"}, parameters)

    np.testing.assert_allclose(seen(1.0).prediction.depth, depth * 1.25, rtol=2e-3)
    assert perception.metres.scale.factor == pytest.approx(1.25, rel=2e-3) and perception.metres.problem(parameters) == ""
    said = Prediction("metric", 100.0, depth=np.full_like(depth, 2))
    np.testing.assert_allclose(seen(2.0).prediction.depth, 2.5, rtol=2e-3)
    assert perception.metres.problem(parameters) == ""
    seen(5.0)
    assert perception.metres.problem(parameters) == "no floor seen for 4 s"


def scan_of_wall(stamp, metres=3.0, beams=60):
    """Of a wall across the line of sight, seen from the camera's own place."""
    angles = np.linspace(-0.5, 0.5, beams)
    return stamped(LaserScan(angle_min=-0.5, angle_max=0.5, angle_increment=1 / (beams - 1), range_max=9.0,
                             ranges=(metres / np.cos(angles)).tolist()), stamp)


def test_depth_gets_the_scale_of_a_laser_scanner(predictor, make_image, make_camera_info):
    """A wall at 3 m, predicted at 2.4 m; a third of the beams hit something that the camera does not see."""
    predictor.predict = lambda rgb, focal_px, parts: Prediction("metric", 100.0, depth=np.full((120, 160), 2.4, np.float32))
    sensor = RangeSensor("laser_scan", "0 0 0.05 0 0 0", Transforms(None))
    perception = Perception(predictor, metres=Metres(sensor))
    parameters = replace(PARAMETERS, scale_source="range", range_type="laser_scan", scale_timeout_s=1.0)
    for stamp in (1.0, 1.1, 1.2, 1.3, 1.4):
        scan = scan_of_wall(stamp)
        for beam in range(0, 60, 3):
            scan.ranges[beam] = 0.7
        sensor.receive(scan)
        frame = Frame(make_image(160, 120, stamp=stamp), make_camera_info(160, 120, stamp=stamp), None, stamp, ALL)
        result = perception.result(frame, {"depth"}, parameters)
    np.testing.assert_allclose(result.prediction.depth, 3.0, rtol=1e-3)
    message = scale_message(result)
    assert (message.source, message.factor) == ("range", pytest.approx(1.25, rel=1e-3)) and message.header.stamp.sec == 1
    assert message.confidence == pytest.approx(2 / 3, abs=0.1) and message.age_s == 0
    frame = Frame(make_image(160, 120, stamp=4.0), make_camera_info(160, 120, stamp=4.0), None, 4.0, ALL)
    np.testing.assert_allclose(perception.result(frame, {"depth"}, parameters).prediction.depth, 3.0, rtol=1e-3)
    assert perception.metres.problem(parameters) == ("no range gave the scale for 3 s: what comes on 'range' is 2.60 s away from "
                                                     "the image, range_max_age_s is 0.1")


def test_depth_gets_the_scale_of_a_single_range_and_of_a_plane(predictor, make_image, make_camera_info):
    predictor.predict = lambda rgb, focal_px, parts: Prediction("metric", 100.0, depth=np.full((120, 160), 2.0, np.float32))
    sensor = RangeSensor("single", "0 0 0 0 0 0", Transforms(None))
    sensor.receive(stamped(Range(range=3.0, min_range=0.1, max_range=4.0, field_of_view=0.3), 1.0))
    perception = Perception(predictor, metres=Metres(sensor))
    frame = Frame(make_image(160, 120, stamp=1.0), make_camera_info(160, 120, stamp=1.0), None, 1.0, ALL)
    parameters = replace(PARAMETERS, scale_source="range", range_type="single")
    assert perception.result(frame, {"depth"}, parameters).prediction.depth.mean() == pytest.approx(3, rel=0.02)
    rows = (np.arange(120) - 59.5) / 100
    floor = np.repeat(np.where(rows > 0, 0.8 / np.maximum(rows, 1e-3), 5).clip(max=5)[:, None], 160, 1).astype(np.float32)
    predictor.predict = lambda rgb, focal_px, parts: Prediction("metric", 100.0, depth=floor)
    parameters = replace(PARAMETERS, scale_source="plane", camera_height_m=1.0)
    np.testing.assert_allclose(perception.result(frame, {"depth"}, parameters).prediction.depth, floor * 1.25, rtol=5e-3)


def test_a_depth_cameras_holes_are_filled(predictor, make_image, make_camera_info):
    predictor.predict = lambda rgb, focal_px, parts: Prediction("metric", 100.0, depth=np.full((120, 160), 2.4, np.float32))
    sensor = RangeSensor("depth_image", "", Transforms(None))
    perception = Perception(predictor, metres=Metres(sensor))
    parameters = replace(PARAMETERS, range_type="depth_image")
    frame = Frame(make_image(160, 120, stamp=1.0), make_camera_info(160, 120, stamp=1.0), None, 1.0, ALL)
    result = perception.result(frame, {"depth"}, parameters)
    assert fused_image(result) is None and sensor.problem
    depth_mm = np.full((120, 160), 3000, np.uint16)
    depth_mm[40:80, 50:90] = 0
    sensor.receive(stamped(image_message(depth_mm, "16UC1", Image().header), 1.02, "camera"))
    message = fused_image(result)
    np.testing.assert_allclose(np.frombuffer(message.data, np.float32), 3, rtol=1e-3)
    assert message.encoding == "32FC1" and message.header == frame.image.header and not sensor.problem
    depth_mm[:] = 0
    sensor.receive(stamped(image_message(depth_mm, "16UC1", Image().header), 1.0, "camera"))
    assert fused_image(result) is None and "fewer than" in sensor.problem


def test_the_node_publishes_scale_and_clouds_while_ranges_come(running, make_image, make_camera_info):
    """The fake predictor's box at 1 m is at 1.25 m for the scanner beside it."""
    rig = running(scale_source="range", range_type="laser_scan", range_mount="0 0 0 0 0 0", scale_timeout_s=0.5,
                  steady_scale=False)
    scale, points = rig.listen("~/scale", DepthScale), rig.listen("~/points", PointCloud2)
    rig.send("camera_info", make_camera_info(128, 96, stamp=1.0))
    rig.send("range", scan_of_wall(1.0, 1.25, 400))
    rig.spin_for(0.2)
    rig.send("image", make_image(128, 96, stamp=1.0))
    rig.until(lambda: scale and points)
    assert scale[0].source == "range" and scale[0].factor == pytest.approx(1.25, rel=0.01)
    rig.send("camera_info", make_camera_info(128, 96, stamp=3.0))
    rig.send("image", make_image(128, 96, stamp=3.0))
    rig.until(lambda: len(scale) == 2)
    rig.spin_for(0.2)
    status, _ = rig.status()
    assert scale[1].age_s == pytest.approx(2.0) and len(points) == 1
    assert status.level == DiagnosticStatus.ERROR and "no range gave the scale for 2 s" in status.message
    rig.node._on_second()
    assert rig.status()[1]["scale"] == "1.250"


def test_what_cannot_work_is_refused():
    with pytest.raises(ValueError, match="range_type 'none'"):
        Parameters(scale_source="range")
    with pytest.raises(ValueError, match="scale_source is 'plane' and camera_height_m 0.0"):
        Parameters(scale_source="plane")
    with pytest.raises(ValueError, match="mount is '1 2'"):
        Parameters(range_type="single", range_mount="1 2")
