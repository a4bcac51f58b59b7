# SPDX-License-Identifier: Apache-2.0
"""Obstacles and scan of depth that is drawn by hand, as messages."""
import numpy as np
import pytest
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from modot_ros.prediction import Prediction
from modot_ros.ros.camera import Camera
from modot_ros.ros.node.outputs import Result, laser_scan, obstacle_cloud, scan_frame
from modot_ros.ros.node.parameters import Parameters
from modot_ros.scene.ground import GroundMemory

SHAPE, FOCAL_PX = (120, 160), 100.0


def result(depth, memory=None, sec=1, frame_id="camera_optical_frame", **parameters):
    header = Header(frame_id=frame_id)
    header.stamp.sec = sec
    height, width = depth.shape
    prediction = Prediction("metric", FOCAL_PX, depth=depth.astype(np.float32), boundary_mask=np.zeros(depth.shape, bool))
    return Result(header, np.zeros((height, width, 3), np.uint8), Camera(width, height), prediction,
                  Parameters(**parameters), memory or GroundMemory())


def floor(height_m=0.5, wall_m=4.0, shape=SHAPE):
    rows = (np.arange(shape[0]) - (shape[0] - 1) / 2) / FOCAL_PX
    with np.errstate(divide="ignore"):
        return np.repeat(np.minimum(np.where(rows > 0, height_m / rows, np.inf), wall_m)[:, None], shape[1], 1)


def xyz_of(message: PointCloud2) -> np.ndarray:
    assert [field.name for field in message.fields[:3]] == ["x", "y", "z"]
    return np.frombuffer(message.data, np.float32).reshape(-1, message.point_step // 4)[:, :3]


def test_obstacles_are_what_stands_on_the_floor():
    depth = floor()
    depth[65:85, 40:60] = 1.5                           # its foot is 0.38 m below the camera, 0.12 m above the floor
    depth[:10] = 2.0                                    # hangs 1 m above the camera
    cloud = xyz_of(obstacle_cloud(result(depth, obstacle_max_height_m=1.4)))
    assert set(np.round(cloud[:, 2], 3)) == {1.5, 4.0}
    assert (0.5 - cloud[:, 1] > 0.1).all() and (0.5 - cloud[:, 1] < 1.4).all()
    near = xyz_of(obstacle_cloud(result(depth, cloud_range_m=2.5)))
    assert set(np.round(near[:, 2], 3)) == {1.5, 2.0}


def test_the_floor_is_remembered_when_a_wall_hides_it():
    memory, wall = GroundMemory(), np.full(SHAPE, 1.0)
    assert len(xyz_of(obstacle_cloud(result(wall, memory)))) == 60 * 80         # nothing is known: all are obstacles
    assert result(floor(), memory, sec=2).ground is not None
    heights = 0.5 - xyz_of(obstacle_cloud(result(wall, memory, sec=3)))[:, 1]
    assert len(heights) and (heights > 0.1).all()
    assert len(xyz_of(obstacle_cloud(result(wall, memory, sec=60)))) == 60 * 80


@pytest.mark.parametrize("rotate, quarters", [(0, 0), (90, -1), (180, -2), (270, -3)])
def test_the_floor_is_found_however_the_camera_is_turned(rotate, quarters):
    ground = result(np.rot90(floor(), quarters), rotate=rotate).ground
    assert ground.height_m == pytest.approx(0.5, rel=0.01)


def test_a_scan_message_says_what_the_scan_says():
    depth = floor()
    depth[:, 70:90] = np.minimum(depth[:, 70:90], 2)
    message = laser_scan(result(depth, cloud_range_m=3.0))
    ranges = np.array(message.ranges)
    assert message.header.frame_id == "camera_frame" and message.header.stamp.sec == 1
    assert message.range_max == 3 and len(ranges) == round((message.angle_max - message.angle_min)
                                                          / message.angle_increment) + 1
    assert np.nanmin(ranges) == pytest.approx(2, rel=0.01)
    assert np.isposinf(ranges).any() and not np.isnan(ranges).any()
    assert abs(message.angle_min + message.angle_increment * np.mean(np.flatnonzero(np.isfinite(ranges)))) < 0.02


@pytest.mark.parametrize("frame_id, parameters, expected", [
    ("camera_color_optical_frame", {}, "camera_color_frame"), ("cam", {}, "cam_scan"),
    ("cam", {"scan_frame_id": "level"}, "level")])
def test_the_frame_of_a_scan(frame_id, parameters, expected):
    assert laser_scan(result(floor(), frame_id=frame_id, **parameters)).header.frame_id == expected
    assert parameters or scan_frame(frame_id) == expected
