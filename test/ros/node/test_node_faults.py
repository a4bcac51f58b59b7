# SPDX-License-Identifier: Apache-2.0
"""Faults found in use: settings, calibrations, clocks and devices that are wrong, and what the node makes of them."""
import sys
from array import array
from types import SimpleNamespace

import numpy as np
import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import TransformStamped
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2

from modot_ros.msg import OrderGraph as OrderGraphMessage
from modot_ros.prediction import DepthOrder, OcclusionOrder, OrderGraph
from modot_ros.ros.node.outputs import among, certain_ids

FAILURE = TransitionCallbackReturn.FAILURE


def pixels(message, dtype):
    return np.frombuffer(message.data, dtype).reshape(message.height, message.width)


# Cameras

@pytest.mark.parametrize("model, d, clouds", [("plumb_bob", [0.1, 0.0, 0.0, 0.0, 0.0], True), ("thin_prism", [0.1], False)])
def test_clouds_of_a_raw_image_lie_on_undistorted_rays_or_are_refused(model, d, clouds, running, make_image, make_camera_info):
    rig = running(cloud_range_m=10.0)
    depth, points = rig.listen("~/depth/image"), rig.listen("~/points", PointCloud2)
    rig.send("camera_info", make_camera_info(stamp=1.0, d=d, distortion_model=model))
    rig.spin_for(0.1)
    rig.send("image", make_image(stamp=1.0))
    rig.until(lambda: depth)
    rig.spin_for(0.3)
    assert bool(points) == clouds
    status = rig.status()[0]
    assert (status.level != DiagnosticStatus.ERROR) == clouds and ("thin_prism" in status.message) != clouds


def test_clouds_stop_where_no_floor_gives_the_scale(running, make_image):
    rig = running(scale_source="camera_height", camera_height_m=1.0)
    depth, points = rig.listen("~/depth/image"), rig.listen("~/points", PointCloud2)
    rig.send("image", make_image(stamp=1.0))
    rig.until(lambda: depth)
    rig.spin_for(0.3)
    status, values = rig.status()
    assert not points and status.level == DiagnosticStatus.ERROR and "no floor seen" in status.message
    rig.node._on_second()
    assert rig.status()[1]["scale"] == ""


def packets_of_h264(count):
    av = pytest.importorskip("av", reason="PyAV is not installed")
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = 32, 24, "yuv420p", 10
    encoder.options = {"tune": "zerolatency"}
    picture = av.VideoFrame.from_ndarray(np.full((24, 32, 3), 90, np.uint8), format="rgb24")
    return [array("B", bytes(packet)) for _ in range(count) for packet in encoder.encode(picture)]


@pytest.mark.parametrize("installed", (True, False))
def test_packets_of_video_are_decoded_in_turn_or_named(installed, running, make_image, monkeypatch):
    coded = packets_of_h264(3)
    if not installed:
        monkeypatch.setitem(sys.modules, "av", None)
    rig = running(image_transport="compressed")
    depth = rig.listen("~/depth/image")
    for number, packet in enumerate(coded):
        message = CompressedImage(header=make_image(stamp=1.0 + number).header, format="h264", data=packet)
        rig.send("image/compressed", message)
        rig.until(lambda number=number: len(depth) > number if installed else rig.node.health._dropped["video"] > number)
    if installed:
        assert [(image.width, image.header.stamp.sec) for image in depth] == [(32, 1), (32, 2), (32, 3)]
    else:
        assert not depth and "h264" in rig.status()[0].message + str(rig.status()[1])


def test_live_packets_of_other_packages_are_decoded_as_those_in_compressed_images(running, make_image, monkeypatch):
    """FFMPEGPacket and CompressedVideo have these fields; their packages are not installed here."""
    header, packets = make_image(stamp=7.0).header, packets_of_h264(2)
    rig = running()
    depth = rig.listen("~/depth/image")
    rig.node._on_image(SimpleNamespace(header=header, encoding="libx264", data=packets[0], pts=0))
    rig.until(lambda: len(depth) == 1)
    later = make_image(stamp=8.0).header
    rig.node._on_image(SimpleNamespace(timestamp=later.stamp, frame_id="front", data=packets[1], format="h264"))
    rig.until(lambda: len(depth) == 2)
    assert [(one.header.stamp.sec, one.header.frame_id, one.width) for one in depth] == [(7, "camera", 32), (8, "front", 32)]


def test_a_transport_whose_messages_are_missing_fails_the_configuration(rig, monkeypatch):
    monkeypatch.setitem(sys.modules, "ffmpeg_image_transport_msgs", None)
    one = rig(image_transport="ffmpeg")
    assert one.node.trigger_configure() == FAILURE
    assert "ffmpeg-image-transport-msgs" in one.status()[0].message


def transform(parent, child, quaternion):
    one = TransformStamped(child_frame_id=child)
    one.header.frame_id = parent
    one.transform.rotation.x, one.transform.rotation.y, one.transform.rotation.z, one.transform.rotation.w = quaternion
    return one


def test_frames_that_are_odd_are_told_once(running, make_image, monkeypatch):
    rig, said = running(), []
    monkeypatch.setattr(rig.node.get_logger().__class__, "warning", lambda _, text: said.append(text))
    rig.node._watch.static_transforms(SimpleNamespace(transforms=[
        transform("base_link", "camera_link", (0.0, 0.0, 0.0, 1.0)),
        transform("camera_link", "camera_optical", (-0.5, 0.5, -0.5, 0.5)), transform("base_link", "broken", (0.0,) * 4)]))
    for number, frame in enumerate(("camera_optical", "/camera_link", "/camera_link", "")):
        message = make_image(stamp=1.0 + number)
        message.header.frame_id = frame
        rig.node._on_image(message)
        rig.node._on_second()
    assert len([text for text in said if "slash" in text]) == 1
    assert [text for text in said if "points up" in text] == [next(text for text in said if "'camera_link'" in text
                                                                   and "points up" in text)]
    assert not [text for text in said if "camera_optical" in text and "points up" in text]


@pytest.mark.parametrize("rectified, expected_m", [("false", 4.0), ("true", 6.0)])
def test_a_rectified_image_has_p_for_its_matrix_and_no_warning(rectified, expected_m, running, make_image, make_camera_info):
    rig = running(rectified=rectified)
    heard = rig.listen("~/depth/image")
    info = make_camera_info(stamp=1.0, focal_px=100.0, d=[-0.3, 0.1, 0.0, 0.0, 0.0])
    info.p[0] = info.p[5] = 150.0
    rig.send("camera_info", info)
    rig.spin_for(0.1)
    rig.send("image", make_image(stamp=1.0))
    rig.until(lambda: heard)
    assert pixels(heard[0], np.float32).max() == expected_m
    assert "calibrat" not in rig.status()[0].message and "distortion" not in rig.status()[0].message


@pytest.mark.parametrize("rotate, quarters", [(90, 1), (180, 2), (270, 3)])
def test_a_turned_camera_gives_outputs_that_fit_its_image(rotate, quarters, running, make_image):
    rig = running(rotate=rotate)
    heard = rig.listen("~/depth/image")
    rig.send("image", make_image(stamp=1.0))
    rig.until(lambda: heard)
    upright = rig.predictor.predict(np.rot90(np.zeros((24, 32, 3), np.uint8), quarters), None).depth
    depth = pixels(heard[0], np.float32)
    assert depth.shape == (24, 32) and np.array_equal(depth, np.rot90(upright, -quarters))


def test_more_labels_than_wanted_leave_the_largest(running, make_image):
    rig = running(max_instances=2)
    heard = rig.listen("~/instances/image")
    labels = np.zeros((24, 32), np.int32)
    labels[:10, :10], labels[12:14, 20:22], labels[15:, 5:20] = 3, 4, 5
    rig.send("instances", make_image(32, 24, "32SC1", channels=4, data=array("B", labels.tobytes())))
    rig.spin_for(0.1)
    rig.send("image", make_image(stamp=1.0))
    rig.until(lambda: heard)
    assert set(np.unique(pixels(heard[0], np.uint16))) == {0, 3, 5}
    status = rig.status()[0]
    assert status.level == DiagnosticStatus.WARN and "max_instances is 2" in status.message


@pytest.mark.parametrize("given, expected", [("", "cam"), ("camera_optical_frame", "camera_optical_frame")])
def test_the_frame_of_the_outputs_can_be_given_and_has_no_slash(given, expected, running, make_image):
    rig = running(frame_id=given)
    heard = rig.listen("~/depth/image")
    image = make_image(stamp=1.0)
    image.header.frame_id = "/cam"
    rig.send("image", image)
    rig.until(lambda: heard)
    assert heard[0].header.frame_id == expected


@pytest.mark.parametrize("changes, words", [
    ({"focal_px": float("nan")}, "fx=nan"), ({"focal_px": -1.0}, "fx=-1.0"), ({"width": 24, "height": 32}, "24x32")])
def test_a_bad_camera_info_costs_the_scale_and_is_an_error_as_long_as_it_lasts(changes, words, running, make_image,
                                                                              make_camera_info):
    rig = running()
    heard = rig.listen("~/depth/image")
    rig.send("camera_info", make_camera_info(stamp=1.0, **changes))
    rig.spin_for(0.1)
    rig.send("image", make_image(stamp=1.0))
    rig.until(lambda: heard)
    status = rig.status()[0]
    assert status.level == DiagnosticStatus.ERROR and words in status.message and not rig.node.health.drops()
    rig.send("camera_info", make_camera_info(stamp=2.0))
    rig.spin_for(0.1)
    rig.send("image", make_image(stamp=2.0))
    rig.until(lambda: len(heard) == 2)
    assert rig.status()[0].level != DiagnosticStatus.ERROR


# What a transition cannot do is an error with a reason

def test_a_quality_of_service_that_does_not_exist_fails_the_configuration_by_name(rig):
    rig = rig(**{"qos_overrides./image.subscription.reliability": "nonsense"})
    assert rig.node.trigger_configure() == TransitionCallbackReturn.FAILURE
    status = rig.status()[0]
    assert status.level == DiagnosticStatus.ERROR
    assert "qos_overrides./image.subscription.reliability is 'nonsense': choose one of " in status.message
    assert "best_effort" in status.message


def test_what_raises_on_activation_is_reported(rig, monkeypatch):
    rig = rig()
    assert rig.node.trigger_configure() == TransitionCallbackReturn.SUCCESS

    def broken():
        raise RuntimeError("no such topic")
    monkeypatch.setattr(rig.node, "_subscribe", broken)
    assert rig.node.trigger_activate() == TransitionCallbackReturn.FAILURE
    assert "no such topic" in rig.status()[0].message and rig.node.state_label == "inactive"


@pytest.mark.parametrize("transition, before", [("deactivate", 2), ("cleanup", 1), ("shutdown", 2)])
def test_what_raises_in_any_transition_is_reported(rig, monkeypatch, transition, before):
    rig = rig()
    for step in ("configure", "activate")[:before]:
        getattr(rig.node, f"trigger_{step}")()

    def broken(*_):
        raise RuntimeError("no way out")
    monkeypatch.setattr(rig.node, "_stop" if before == 2 else "_release", broken)
    said = []
    monkeypatch.setattr(rig.node, "_fail", lambda verb, error: said.append(f"{verb}: {error}") or FAILURE)
    getattr(rig.node, f"trigger_{transition}")()
    monkeypatch.undo()
    assert len(said) == 1 and "no way out" in said[0]


def test_a_camera_info_without_a_size_costs_the_scale_only(running, make_image):
    rig = running()
    heard = rig.listen("~/depth/image")
    rig.send("camera_info", CameraInfo())
    rig.spin_for(0.2)
    rig.send("image", make_image(stamp=1.0))
    rig.until(lambda: heard)
    assert not rig.node.health.drops()


def test_after_a_shutdown_the_node_is_finalized(rig):
    rig = rig()
    rig.node.trigger_shutdown()
    assert rig.node.state_label == "finalized"


def test_a_latched_calibration_is_received_and_survives_a_pause(rig, make_image, make_camera_info):
    rig = rig()
    latched = rig.peer.create_publisher(CameraInfo, "camera_info", QoSProfile(
        depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    latched.publish(make_camera_info(stamp=1.0, focal_px=150.0))
    rig.start()
    heard = rig.listen("~/depth/image")
    rig.until(lambda: rig.node._camera_info is not None)
    rig.send("image", make_image(stamp=2.0))
    rig.until(lambda: heard)
    assert pixels(heard[0], np.float32).max() == 6
    rig.peer.destroy_publisher(latched)
    assert rig.node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
    assert rig.node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    rig.spin_for(0.2)
    rig.send("image", make_image(stamp=3.0))
    rig.until(lambda: len(heard) == 2)
    assert pixels(heard[1], np.float32).max() == 6


def test_a_simulation_without_a_clock_is_a_warning_and_frames_go_on(running, make_image):
    rig = running(use_sim_time=True, max_rate_hz=100.0)
    heard = rig.listen("~/depth/image")
    for count in (1, 2, 3):
        rig.send("image", make_image(stamp=float(count)))
        rig.until(lambda count=count: len(heard) >= count)
        rig.spin_for(0.02)
    rig.spin_for(1.1)
    assert "/clock" in rig.status()[0].message


def test_stamps_of_another_clock_are_pointed_out(running, make_image):
    rig = running()
    rig.listen("~/depth/image")
    rig.send("image", make_image(stamp=5.0))
    rig.spin_for(1.2)
    status, values = rig.status()
    assert "another clock" in status.message and float(values["stamp_age_ms"]) > 1e6


def test_whole_numbers_serve_for_real_ones(running):
    rig = running(max_rate_hz=10)
    assert rig.node.parameters.max_rate_hz == 10.0
    result, = rig.node.set_parameters([rclpy.Parameter("max_rate_hz", value=5)])
    assert result.successful and rig.node.parameters.max_rate_hz == 5.0
    result, = rig.node.set_parameters([rclpy.Parameter("max_rate_hz", value="fast")])
    assert not result.successful and "'fast'" in result.reason


def test_what_is_missing_is_told_in_the_log_once(rig, monkeypatch):
    rig = rig()
    rig.start()
    said = []
    monkeypatch.setattr(rig.node.get_logger().__class__, "warning", lambda _, text: said.append(text))
    for _ in range(3):
        rig.node._watch.silent_inputs({"/image": Image, "/camera_info": CameraInfo}, 6.0)
    assert len(said) == 2 and "nothing on /image: nobody publishes there" in said[0] and "/camera_info" in said[1]


def test_a_lost_gpu_ends_the_process_with_an_error(running, make_image, monkeypatch):
    rig = running()
    rig.listen("~/depth/image")
    ended = []
    monkeypatch.setattr(type(rig.node.context), "try_shutdown", lambda context: ended.append(context))

    def lost(*_, **__):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")
    monkeypatch.setattr(rig.predictor, "predict", lost)
    rig.send("image", make_image(stamp=1.0))
    rig.until(lambda: ended)
    monkeypatch.undo()
    assert rig.node.exit_code == 1 and "illegal memory access" in rig.node.health.failure


def test_a_gpu_that_torch_cannot_use_is_a_warning(rig, monkeypatch):
    said = []
    monkeypatch.setattr("modot_ros.ros.node.node.has_nvidia_gpu", lambda: True)
    one = rig()
    monkeypatch.setattr(one.node.get_logger().__class__, "warning", lambda _, text: said.append(text))
    one.start()
    assert any("install a torch with CUDA" in text for text in said)


# Uncertainty

def test_a_model_that_predicts_no_uncertainty_publishes_none(running):
    rig = running()
    rig.spin_for(0.1)
    assert not rig.peer.count_publishers("/modot_node/depth/uncertainty")
    assert "~/depth/uncertainty" in rig.status()[1]["refused"]


def test_what_is_uncertain_is_published_and_left_out_of_clouds(rig, make_image, fake_predictor):
    predictor = fake_predictor()
    predictor.has_uncertainty = True
    rig = rig(predictor, max_uncertainty=0.3, points_stride_px=1)
    rig.start()
    uncertainty, points = rig.listen("~/depth/uncertainty"), rig.listen("~/points", PointCloud2)
    rig.send("image", make_image(stamp=1.0))
    rig.spin_for(1.2)                                   # without calibration the first image waits for one
    rig.send("image", make_image(stamp=2.0))
    rig.until(lambda: uncertainty and points)
    assert set(np.unique(pixels(uncertainty[0], np.float32))) == {np.float32(0.1), np.float32(0.5)}
    cloud = np.frombuffer(points[-1].data, np.float32).reshape(-1, 4)
    assert len(cloud) and cloud[:, 2].max() < 2         # the wall is uncertain


def test_orders_of_uncertain_instances_are_left_out():
    labels = np.array([[1, 1, 2, 2], [1, 1, 3, 3]])
    certain = np.array([[True, True, False, False], [True, False, True, False]])
    assert certain_ids(labels, certain) == {1, 3}
    graph = OrderGraph("geometric", (), (OcclusionOrder(1, 2, 0.9, False, 5.0, 0.1), OcclusionOrder(1, 3, 0.9, False, 5.0, 0.1)),
                       (DepthOrder(1, 2, False, False, 0.9), DepthOrder(1, 3, False, False, 0.9)))
    left = among(graph, {1, 3})
    assert [one.occludee for one in left.occlusions] == [3] and [one.far for one in left.depths] == [3]


# One output that fails

def test_an_output_that_fails_does_not_silence_the_others(running, make_image, monkeypatch):
    rig = running()
    depth, overlay = rig.listen("~/depth/image"), rig.listen("~/overlay")

    def broken(_):
        raise RuntimeError("no picture today")
    failing = next(publisher for output, publisher in rig.node._outputs.items() if output.topic == "~/depth/image")
    monkeypatch.setattr(failing, "publish", broken)
    rig.send("image", make_image(stamp=1.0))
    rig.until(lambda: overlay and rig.node.health.drops())
    assert not depth and "no picture today" in rig.status()[1]["last_error"]


# Large images

def test_outputs_of_a_large_image_have_its_size_and_the_graph_its_pixels(rig, make_image, make_camera_info):
    rig = rig(points_stride_px=2)
    rig.start()
    topics = {"~/depth/image": Image, "~/boundary/image": Image, "~/instances/image": Image, "~/depth/camera_info": CameraInfo,
              "~/order_graph": OrderGraphMessage, "~/points": PointCloud2, "~/overlay": Image}
    heard = {topic: rig.listen(topic, kind) for topic, kind in topics.items()}
    rig.send("camera_info", make_camera_info(1280, 960, focal_px=1000.0, stamp=1.0))
    rig.spin_for(0.1)
    labels = np.zeros((960, 1280), np.int32)
    labels[100:300, 200:600], labels[500:900, 700:1200] = 7, 9
    rig.send("instances", make_image(1280, 960, "32SC1", channels=4, data=array("B", labels.tobytes())))
    rig.until(lambda: rig.node._pairing._labels)
    rig.send("image", make_image(1280, 960, stamp=1.0))
    rig.until(lambda: all(heard.values()))
    for topic in ("~/depth/image", "~/boundary/image", "~/instances/image", "~/depth/camera_info"):
        assert (heard[topic][0].width, heard[topic][0].height) == (1280, 960), topic
    assert np.array_equal(pixels(heard["~/instances/image"][0], np.uint16), labels)
    assert heard["~/depth/camera_info"][0].k[0] == 1000.0
    assert rig.predictor.related[0].depth.shape == (480, 640)
    assert pixels(heard["~/depth/image"][0], np.float32).max() == pytest.approx(20.0)   # 4 m * 500 / 100: scaled with the size
    assert heard["~/overlay"][0].width == 640


@pytest.mark.parametrize("bad_picture", ["stop", "mark", "report"])
def test_black_pictures_are_told_and_stop_clouds_or_are_marked(bad_picture, running, make_image):
    rig = running(bad_picture=bad_picture, max_uncertainty=0.5)
    depth, points = rig.listen("~/depth/image"), rig.listen("~/points", PointCloud2)
    for i in range(7):
        rig.send("image", make_image(stamp=1.0 + 0.2 * i, data=array("B", bytes(32 * 24 * 3))))
        rig.until(lambda count=i + 1: len(depth) == count)
    rig.spin_for(0.2)
    status, _ = rig.status()
    assert "pictures are black" in status.message
    assert (status.level == DiagnosticStatus.ERROR) == (bad_picture == "stop")
    assert len(points) == (4 if bad_picture == "stop" else 7)
    assert [message.width > 0 for message in points[-2:]] == [bad_picture != "mark"] * 2
    rig.send("image", make_image(stamp=3.0))
    rig.until(lambda: points[-1].header.stamp.sec == 3)
    assert "black" not in rig.status()[0].message
