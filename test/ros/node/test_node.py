# SPDX-License-Identifier: Apache-2.0
"""The node over DDS, in one process, with a predictor whose answers are known."""
import threading
from array import array

import cv2
import numpy as np
import pytest
import rclpy
import torch
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.lifecycle import TransitionCallbackReturn
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from visualization_msgs.msg import MarkerArray

from modot_ros.msg import OrderGraph
from modot_ros.ros.node.node import make_predictor
from modot_ros.ros.node.outputs import OUTPUTS
from modot_ros.ros.node.parameters import Parameters

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


def pixels(message, dtype):
    return np.frombuffer(message.data, dtype).reshape(message.height, message.width)


# What comes out


def test_every_output_has_the_stamp_frame_and_size_of_its_image(running, make_image):
    rig = running()
    heard = {output.topic: rig.listen(output.topic, output.type) for output in OUTPUTS
             if "metric" in output.depth_kinds and not (output.needs_uncertainty or output.needs_map
                                                        or output.needs_semantics or output.needs_depth_camera)}
    rig.send("image", make_image(stamp=12.5))
    rig.until(lambda: all(heard.values()))
    assert rig.predictor.asked == [{"depth", "boundary", "instances"}] and len(rig.predictor.related) == 1
    for topic, (message, *_) in heard.items():
        message = message.markers[0] if isinstance(message, MarkerArray) else message
        assert (message.header.stamp.sec, message.header.stamp.nanosec) == (12, 500_000_000), topic
        assert message.header.frame_id == ("camera_scan" if topic == "~/scan" else "camera"), topic
        if isinstance(message, (Image, CameraInfo)):
            assert (message.width, message.height) == (32, 24), topic
    first = {topic: messages[0] for topic, messages in heard.items()}
    assert first["~/depth/image"].encoding == "32FC1"
    assert set(np.unique(pixels(first["~/depth/image"], np.float32))) == {1, 4}
    assert first["~/depth/camera_info"].k[0] == 100
    assert first["~/boundary/probability"].encoding == "32FC1"
    assert set(np.unique(pixels(first["~/boundary/image"], np.uint8))) == {0, 255}
    assert first["~/instances/image"].encoding == "16UC1"
    assert pixels(first["~/instances/image"], np.uint16).max() == 1
    assert [(one.occluder, one.occludee) for one in first["~/order_graph"].occlusions] == [(1, 2)]
    assert first["~/overlay"].encoding == "rgb8"


def test_only_what_somebody_subscribes_to_is_computed(running, make_image):
    rig = running()
    rig.send("image", make_image(stamp=1.0))
    rig.until(lambda: rig.status()[1]["frames_idle"] == "1")
    assert rig.predictor.asked == []
    heard = rig.listen("~/boundary/image")
    rig.send("image", make_image(stamp=2.0))
    rig.until(lambda: heard)
    assert rig.predictor.asked == [{"boundary"}]
    heard = rig.listen("~/points_clearing", PointCloud2)
    rig.send("image", make_image(stamp=3.0))
    rig.until(lambda: heard)
    assert rig.predictor.asked[-1] == {"depth", "boundary"}


def test_depth_is_scaled_by_the_cameras_focal_length(running, make_image, make_camera_info):
    rig = running()
    heard = rig.listen("~/depth/image")
    rig.send("camera_info", make_camera_info(stamp=1.0, focal_px=150.0))
    rig.spin_for(0.1)
    rig.send("image", make_image(stamp=1.0))
    rig.until(lambda: heard)
    assert pixels(heard[0], np.float32).max() == 6


def test_points_are_where_the_pixels_are_and_end_at_the_range(running, make_image):
    rig = running(cloud_range_m=3.0, points_stride_px=1, frontier_min_gap_m=1.0)
    points, clearing = rig.listen("~/points", PointCloud2), rig.listen("~/points_clearing", PointCloud2)
    frontiers = rig.listen("~/frontiers", PointCloud2)
    rig.send("image", make_image())
    rig.until(lambda: points and clearing and frontiers)
    near = np.frombuffer(points[0].data, np.float32).reshape(-1, 4)
    assert set(near[:, 2]) == {1}                       # the wall at 4 m is out of range
    assert near[0, :2] == pytest.approx([(8 - 15.5) / 100, (6 - 11.5) / 100])
    assert near[0, 3:].copy().view(np.uint32) == 0x808080
    free = np.frombuffer(clearing[0].data, np.float32).reshape(-1, 3)
    assert len(free) == 16 * 12                         # every second ray
    lengths = np.linalg.norm(free, axis=1)
    assert lengths.max() == pytest.approx(3.0) and lengths.min() == pytest.approx(0.9, rel=0.02)    # before the box at 1 m
    assert [field.name for field in frontiers[0].fields][-1] == "gap"
    gaps = np.frombuffer(frontiers[0].data, np.float32).reshape(-1, 7)
    # right side of the box, 12 high, and two pixels beside each of its corners; the wall counts as 3 m
    assert len(gaps) == 12 + 2 * 2 and gaps[:, 6] == pytest.approx(2.0)


def test_millimetres_and_range_by_live_parameters(running, make_image):
    rig = running()
    heard = rig.listen("~/depth/image")
    results = rig.node.set_parameters([rclpy.Parameter("depth_encoding", value="16UC1"),
                                       rclpy.Parameter("max_depth_m", value=2.0)])
    assert all(result.successful for result in results)
    rig.send("image", make_image())
    rig.until(lambda: heard)
    assert heard[0].encoding == "16UC1" and set(np.unique(pixels(heard[0], np.uint16))) == {0, 1000}


def test_live_parameters_reach_the_predictor_and_the_graph(running, make_image):
    rig = running()
    heard = rig.listen("~/order_graph", OrderGraph)
    values = {"boundary_threshold": 0.75, "max_instances": 7, "order_min_confidence": 0.5}
    rig.node.set_parameters([rclpy.Parameter(name, value=value) for name, value in values.items()])
    rig.send("image", make_image())
    rig.until(lambda: heard)
    assert (rig.predictor.boundary_threshold, rig.predictor.max_instances) == (0.75, 7)
    assert len(heard[0].occlusions) == 1 and len(heard[0].depths) == 0


def test_a_relative_model_publishes_relative_depth_and_refuses_metres(running, make_image, fake_predictor):
    rig = running(fake_predictor("relative"))
    heard = rig.listen("~/depth_relative/image")
    rig.send("image", make_image())
    rig.until(lambda: heard)
    assert heard[0].encoding == "32FC1"
    for topic in ("depth/image", "points", "points_clearing", "frontiers"):
        assert rig.peer.count_publishers(f"/modot_node/{topic}") == 0
    assert "~/points" in rig.status()[1]["refused"] and "~/frontiers" in rig.status()[1]["refused"]


def test_compressed_images(running, make_image):
    rig = running(image_transport="compressed")
    heard = rig.listen("~/depth/image")
    data = cv2.imencode(".png", np.zeros((24, 32, 3), np.uint8))[1].tobytes()
    message = CompressedImage(header=make_image().header, format="png", data=array("B", data))
    rig.send("image/compressed", message)
    rig.until(lambda: heard)
    assert (heard[0].width, heard[0].header.frame_id) == (32, "camera")


def test_labels_of_your_own_are_those_of_the_graph(running, make_image):
    rig = running()
    heard = rig.listen("~/instances/image")
    labels = np.full((24, 32), 300, np.uint16)
    message = make_image(encoding="16UC1", channels=2, data=array("B", labels.tobytes()))
    rig.send("instances", message)
    rig.spin_for(0.1)
    rig.send("image", make_image())
    rig.until(lambda: heard)
    assert set(np.unique(pixels(heard[0], np.uint16))) == {300}


def test_labels_at_5_hz_give_graphs_at_5_hz_and_hold_no_depth_up(running, make_image):
    """A segmentation node that takes every sixth image of a camera at 30 Hz, and 100 ms for it."""
    rig = running()
    depths, graphs = rig.listen("~/depth/image"), rig.listen("~/order_graph", OrderGraph)
    images, data = rig.listen("~/instances/image"), array("B", bytes([9]) * (24 * 32))
    rig.predictor.delay_s = 0.002
    for number in range(63):
        rig.send("image", make_image(stamp=10.0 + number / 30))
        if number % 6 == 3:
            rig.send("instances", make_image(stamp=10.0 + (number - 3) / 30, encoding="mono8", channels=1, data=data))
        rig.spin_for(1 / 30)
    rig.until(lambda: len(graphs) >= 10 and len(images) == len(graphs))

    def stamps(messages):
        return [round((message.header.stamp.sec - 10) * 30 + message.header.stamp.nanosec * 3e-8)
                for message in messages]

    labelled = [message for message in graphs if [one.id for one in message.instances] == [9]]
    assert stamps(labelled) == list(range(6, 60, 6)), "the exact images, but the one that told that labels come"
    assert [message.instances[0].age for message in labelled] == list(range(1, 10))
    assert len(graphs) - len(labelled) <= 5, "own partition until then"
    assert len(depths) >= 40 and stamps(depths) == sorted(set(stamps(depths)))
    assert len(rig.predictor.asked) <= len(depths) + 2, "a picture that waits for labels is not predicted again"
    rig.spin_for(1.0)
    values = rig.status()[1]
    assert (values["labels_late"], values["frames_labelled"]) == ("1", "9")


def test_with_an_age_allowed_every_frame_has_the_newest_labels(running, make_image):
    rig = running(instances_max_age_s=0.5)
    graphs, data = rig.listen("~/order_graph", OrderGraph), array("B", bytes([9]) * (24 * 32))
    rig.send("instances", make_image(stamp=9.9, encoding="mono8", channels=1, data=data))
    rig.spin_for(0.2)
    for number in range(3):
        rig.send("image", make_image(stamp=10.0 + number / 30))
        rig.until(lambda: len(graphs) == number + 1)
    assert [[one.id for one in message.instances] for message in graphs] == [[9]] * 3
    assert graphs[-1].header.stamp.nanosec == round(2e9 / 30)


def test_detections_name_the_labels_of_their_stamp(rig, make_image, make_camera_info, monkeypatch):
    """vision_msgs is not among the wheels: the node subscribes to something else, its callback gets stand-ins."""
    from types import SimpleNamespace as Fields
    monkeypatch.setattr("modot_ros.ros.node.node.detections_type", lambda instances_type: PointCloud2)
    rig = rig(instances_type="labels_and_detections")
    rig.start()
    rig.send("camera_info", make_camera_info(stamp=0.5))
    graphs = rig.listen("~/order_graph", OrderGraph)
    rig.until(lambda: rig.peer.count_subscribers("/detections") == 1)
    found = Fields(id="9", results=[Fields(hypothesis=Fields(class_id="cup", score=0.5))])
    data = array("B", bytes([9]) * (24 * 32))
    rig.send("instances", make_image(stamp=10.0, encoding="mono8", channels=1, data=data))
    rig.spin_for(0.2)
    rig.node._on_detections(Fields(header=make_image(stamp=10.0).header, detections=[found]))
    rig.send("image", make_image(stamp=10.0))
    rig.until(lambda: graphs)
    assert [(one.id, one.name, one.score) for one in graphs[0].instances] == [(9, "cup", 0.5)]


def test_the_parameters_reach_the_predictor():
    predictor = make_predictor(Parameters(device="cpu", flip=True, order_max_instances=5))
    assert (predictor.flip, predictor.order_max_instances, predictor.order_method) == (True, 5, "geometric")
    with pytest.raises(ValueError, match="order_model is '' and order_method 'fused'"):
        make_predictor(Parameters(device="cpu", order_method="fused"))
    with pytest.raises(ValueError, match="device 'cuda:99' is not here"):
        make_predictor(Parameters(device="cuda:99"))
    with pytest.raises((FileNotFoundError, ValueError), match="no_such.pth"):
        make_predictor(Parameters(device="cpu", order_method="learned", order_model="instaordernet_o",
                                  order_weights="/no_such.pth"))


def test_a_message_package_that_is_missing_fails_the_configuration(rig):
    rig = rig(instances_type="yolo_ros")
    assert rig.node.trigger_configure() == FAILURE
    assert "'yolo_ros'" in rig.status()[0].message and "yolo_msgs" in rig.status()[0].message


def test_without_calibration_depth_comes_with_a_warning(rig, make_image):
    rig = rig()
    rig.start()
    heard, infos = rig.listen("~/depth/image"), rig.listen("~/depth/camera_info", CameraInfo)
    rig.send("image", make_image())
    rig.until(lambda: heard and infos)
    assert infos[0].k[0] == 100                         # the model's own
    status, _ = rig.status()
    assert status.level == DiagnosticStatus.WARN and "no calibrated camera_info" in status.message


# Bad input: skipped, counted, and the next good frame comes through


@pytest.mark.parametrize("field, value, reason, words", [
    ("encoding", "32FC3", "encoding", "'32FC3'"), ("data", array("B", b"abc"), "truncated", "3 bytes"),
    ("width", 0, "size", "0x24"), ("step", 95, "step", "95"),
    ("height", 2**32 - 1, "truncated", "4294967295")])
def test_a_bad_image_is_skipped_and_counted(field, value, reason, words, running, make_image):
    rig = running()
    heard = rig.listen("~/depth/image")
    message = make_image(stamp=1.0)
    setattr(message, field, value)
    rig.send("image", message)
    rig.until(lambda: rig.node.health.drops())
    assert rig.node.health.drops() == {reason: 1}
    status, values = rig.status()
    assert status.level == DiagnosticStatus.ERROR and words in values["last_error"]
    rig.send("image", make_image(stamp=2.0))
    rig.until(lambda: heard)
    assert rig.status()[0].level == DiagnosticStatus.WARN


@pytest.mark.parametrize("shape, values, reason, words", [
    ((24, 30), np.ones(720), "labels", "30x24"),
    ((24, 32), np.full(768, -1), "rejected", "label -1"),
    ((24, 32), np.full(768, 70000), "rejected", "70000")])
def test_bad_labels_are_skipped_and_counted(shape, values, reason, words, running, make_image):
    rig = running()
    heard = rig.listen("~/order_graph", OrderGraph)
    height, width = shape
    data = array("B", values.astype(np.int32).tobytes())
    message = make_image(width, height, "32SC1", channels=4, data=data)
    rig.send("instances", message)
    rig.spin_for(0.1)
    rig.send("image", make_image(stamp=1.0))
    rig.until(lambda: rig.node.health.drops())
    assert rig.node.health.drops() == {reason: 1} and words in rig.status()[1]["last_error"]
    rig.node.set_parameters([rclpy.Parameter("instances_timeout_s", value=0.0)])
    rig.send("image", make_image(stamp=2.0))
    rig.until(lambda: heard)


def test_big_endian_images_and_a_new_resolution_in_mid_stream(running, make_image):
    rig = running()
    heard = rig.listen("~/depth/image")
    rig.send("image", make_image(stamp=1.0, encoding="rgb16", channels=6, is_bigendian=1))
    rig.until(lambda: len(heard) == 1)
    rig.send("image", make_image(64, 48, stamp=2.0))
    rig.until(lambda: len(heard) == 2)
    assert [(message.width, message.height) for message in heard] == [(32, 24), (64, 48)]
    assert rig.node.health.drops() == {}


def test_stamps_that_jump_back_are_survived(running, make_image):
    rig = running(max_rate_hz=1000.0)
    heard = rig.listen("~/depth/image")
    for count, stamp in enumerate((100.0, 3.0, 4.0), 1):
        rig.send("image", make_image(stamp=stamp))
        rig.until(lambda: len(heard) == count)
        rig.spin_for(0.01)                              # the next one is due
    rig.spin_for(1.1)
    assert rig.status()[1]["clock_jumps"] == "1"


def test_a_simulated_clock_that_jumps_back_does_not_stop_the_rate_limit(running, make_image):
    rig = running(max_rate_hz=1.0, use_sim_time=True)
    heard = rig.listen("~/depth/image")

    def at(seconds):
        rig.send("/clock", Clock(clock=rclpy.time.Time(seconds=seconds).to_msg()))
        rig.until(lambda: rig.node.get_clock().now().nanoseconds == seconds * 1e9)

    for count, seconds in enumerate((1000, 1003, 5, 8), 1):
        at(seconds)
        rig.send("image", make_image(stamp=float(seconds)))
        rig.until(lambda: len(heard) == count)
    rig.send("image", make_image(stamp=8.1))            # the clock stands still: not due
    rig.until(lambda: rig.node.health.drops())
    assert rig.node.health.drops() == {"rate": 1}


@pytest.mark.parametrize("error, words, reason", [
    (torch.OutOfMemoryError, "CUDA out of memory", "memory"), (MemoryError, "", "memory"),
    (ValueError, "focal_px is 3", "rejected"), (KeyError, "oops", "internal")])
def test_a_predictor_that_fails_once_costs_one_frame(error, words, reason, running, make_image):
    rig = running()
    heard = rig.listen("~/depth/image")
    rig.predictor.error = error(words)
    rig.send("image", make_image(stamp=1.0))
    rig.until(lambda: rig.node.health.drops())
    assert rig.node.health.drops() == {reason: 1}
    rig.predictor.error = None
    rig.send("image", make_image(stamp=2.0))
    rig.until(lambda: heard)


# Flow


def test_a_camera_that_is_too_fast_loses_its_old_frames(running, make_image):
    rig = running()
    heard = rig.listen("~/depth/image")
    free, predict = threading.Event(), rig.predictor.predict

    def held(*args, **options):
        said = predict(*args, **options)
        free.wait(10)
        return said
    rig.predictor.predict = held
    rig.send("image", make_image(stamp=1.0))
    rig.until(lambda: rig.predictor.asked)                  # the first is being looked at
    for number in range(1, 10):
        rig.send("image", make_image(stamp=1.0 + number))
        rig.until(lambda: rig.status()[1]["frames_received"] == str(number + 1))
    free.set()
    rig.until(lambda: len(heard) == 2)
    assert [message.header.stamp.sec for message in heard] == [1, 10]      # the first, then the newest
    assert rig.node.health.drops() == {"overload": 8}


def test_the_overlay_has_a_rate_of_its_own(running, make_image):
    rig = running(overlay_rate_hz=0.01)
    overlays, depths = rig.listen("~/overlay"), rig.listen("~/depth/image")
    for number in range(3):
        rig.send("image", make_image(stamp=1.0 + number))
        rig.until(lambda: len(depths) == number + 1)
    assert len(overlays) == 1


def test_diagnostics_come_every_second_whatever_the_state(rig):
    rig = rig()
    heard = []
    rig.peer.create_subscription(DiagnosticArray, "/diagnostics", heard.append, 10)
    rig.until(lambda: len(heard) == 2)
    status = heard[0].status[0]
    assert status.name == "/modot_node: perception"
    assert {pair.key: pair.value for pair in status.values}["state"] == "unconfigured"
    gap_s = heard[1].header.stamp.sec - heard[0].header.stamp.sec
    assert gap_s in (1, 2)


# Lifecycle


def test_deactivate_stops_the_worker_and_activate_starts_it_again(running, make_image):
    rig = running()
    heard = rig.listen("~/depth/image")
    rig.send("image", make_image(stamp=1.0))
    rig.until(lambda: len(heard) == 1)
    assert rig.node.trigger_deactivate() == SUCCESS
    assert rig.node.state_label == "inactive"
    assert "modot worker" not in [thread.name for thread in threading.enumerate()]
    rig.until(lambda: rig.peer.count_subscribers("/image") == 0)
    assert rig.node.trigger_activate() == SUCCESS
    rig.until(lambda: rig.peer.count_subscribers("/image") == 1)
    rig.spin_for(0.3)
    rig.send("image", make_image(stamp=2.0))
    rig.until(lambda: len(heard) == 2)


def test_cleanup_lets_the_model_go_and_configure_brings_it_back(running):
    rig = running()
    assert rig.node.trigger_deactivate() == rig.node.trigger_cleanup() == SUCCESS
    assert rig.node.predictor is rig.node._perception is None and rig.node.state_label == "unconfigured"
    rig.until(lambda: rig.peer.count_publishers("/modot_node/depth/image") == 0)
    rig.start()
    assert rig.node.state_label == "active"


def test_shutdown_from_active_stops_everything(running):
    rig = running()
    assert rig.node.trigger_shutdown() == SUCCESS
    assert rig.node.predictor is None
    assert "modot worker" not in [thread.name for thread in threading.enumerate()]


def test_a_model_that_cannot_be_loaded_is_a_failure_that_says_why(rig):
    rig = rig()
    reason = "/no/such.safetensors: no such weights file"

    def fail(_):
        raise FileNotFoundError(reason)

    rig.node._predictor_factory = fail
    assert rig.node.trigger_configure() == FAILURE
    status, values = rig.status()
    assert status.level == DiagnosticStatus.ERROR and reason in status.message
    assert values["state"] == "unconfigured"
    rig.node._predictor_factory = lambda _: rig.predictor
    rig.start()
    assert rig.node.health.failure == ""


def test_quality_of_service_is_best_effort_in_and_reliable_out_and_can_be_overridden(rig):
    rig = rig(**{"qos_overrides./image.subscription.reliability": "reliable"})
    rig.start()
    rig.until(lambda: rig.peer.count_subscribers("/image")
              and rig.peer.count_publishers("/modot_node/depth/image"))

    def of(infos):
        return {(info.qos_profile.reliability.name, info.qos_profile.durability.name) for info in infos
                if info.node_name == "modot_node"}

    assert of(rig.peer.get_subscriptions_info_by_topic("/image")) == {("RELIABLE", "VOLATILE")}
    assert of(rig.peer.get_subscriptions_info_by_topic("/camera_info")) == {("BEST_EFFORT", "VOLATILE")}
    assert of(rig.peer.get_publishers_info_by_topic("/modot_node/depth/image")) == {("RELIABLE", "VOLATILE")}


def test_markers_are_made_while_somebody_looks(running, make_image):
    rig = running(frontier_min_gap_m=1.0, order_min_confidence=0.5)
    curtains, order = rig.listen("~/frontiers/markers", MarkerArray), rig.listen("~/order_graph/markers", MarkerArray)
    rig.send("image", make_image())
    rig.until(lambda: curtains and order)
    assert rig.predictor.asked[-1] == {"depth", "boundary", "instances"}
    clear, curtain = curtains[0].markers
    assert {round(point.z, 3) for point in curtain.points} == {1.0, 4.0} and len(curtain.points) % 6 == 0
    assert clear.header.frame_id == curtain.header.frame_id == "camera"
    spaces = {marker.ns for marker in order[0].markers[1:]}
    assert spaces == {"instances", "obstacles", "names", "occlusions"}
