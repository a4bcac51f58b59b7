# SPDX-License-Identifier: Apache-2.0
"""The node as its users start it: a process of its own with the real predictor, heard over DDS."""
import signal
import subprocess
import sys
import time
from array import array
from pathlib import Path

import numpy as np
import pytest
import rclpy
import torch
from ament_index_python.packages import get_package_prefix
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Log
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, Image

from modot_ros.model import build_network, save_checkpoint
from modot_ros.msg import OrderGraph
from modot_ros.ros.node.node import main

WAIT_S = 60.0                                           # torch starts slowly on a busy machine


class Peer:
    """Somebody on the other side of the node's topics."""

    def __init__(self, context) -> None:
        self.node = rclpy.create_node("peer", context=context)
        self.executor = rclpy.executors.SingleThreadedExecutor(context=context)
        self.executor.add_node(self.node)
        self.change_state = self.node.create_client(ChangeState, "/modot_node/change_state")
        self.get_state = self.node.create_client(GetState, "/modot_node/get_state")
        self.log, self.diagnostics, self.processes = [], [], []
        self.node.create_subscription(Log, "/rosout", lambda message: self.log.append(message.msg),
                                      QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL))
        self.node.create_subscription(DiagnosticArray, "/diagnostics",
                                      lambda message: self.diagnostics.append(message.status[0]), 10)

    def start(self, **parameters) -> subprocess.Popen:
        settings = [word for name, value in parameters.items() for word in ("-p", f"{name}:={value}")]
        self.processes.append(subprocess.Popen(
            [sys.executable, "-m", "modot_ros.ros.node", "--ros-args", "-r", "image:=camera/image_raw",
             *settings], stderr=subprocess.PIPE, text=True))
        return self.processes[-1]

    def until(self, condition) -> None:
        end_s = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < end_s, f"waited {WAIT_S} s in vain; log: {self.log}"
            self.executor.spin_once(timeout_sec=0.05)

    def ask_for(self, transition: int) -> None:
        self.until(self.change_state.service_is_ready)
        self.change_state.call_async(ChangeState.Request(transition=Transition(id=transition)))

    def until_state(self, state: int) -> None:
        """Answers may get lost while the two still discover each other: ask until the right one comes."""
        asked_s, future = 0.0, None

        def reached() -> bool:
            nonlocal asked_s, future
            if future is not None and future.done() and future.result().current_state.id == state:
                return True
            if time.monotonic() - asked_s > 0.5:
                asked_s, future = time.monotonic(), self.get_state.call_async(GetState.Request())
            return False

        self.until(reached)

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        self.executor.shutdown()
        self.node.destroy_node()


@pytest.fixture
def peer():
    context = rclpy.Context()
    rclpy.init(context=context)
    peer = Peer(context)
    yield peer
    peer.close()
    rclpy.try_shutdown(context=context)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """An untrained network: what it sees is nonsense, but everything runs."""
    path = tmp_path_factory.mktemp("weights") / "untrained.safetensors"
    torch.manual_seed(0)
    save_checkpoint(path, build_network("modot_nano"), "modot_nano", canonical_focal=0.8,
                    working_size=(128, 96))
    return path


def test_a_camera_in_all_outputs_out_and_a_clean_end(peer, weights, make_camera_info):
    process = peer.start(weights=weights)
    heard = {"depth/image": [], "boundary/image": [], "instances/image": [], "order_graph": []}
    for topic, messages in heard.items():
        peer.node.create_subscription(OrderGraph if topic == "order_graph" else Image, f"/modot_node/{topic}",
                                      messages.append, 10)
    images = peer.node.create_publisher(Image, "/camera/image_raw", 1)
    infos = peer.node.create_publisher(CameraInfo, "/camera_info", 1)
    rgb = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    image = Image(height=480, width=640, encoding="rgb8", step=1920)
    image.header.frame_id, image.data = "optical", array("B", rgb.tobytes())
    info, sent = make_camera_info(640, 480, 512.0), set()

    def send():
        image.header.stamp = info.header.stamp = peer.node.get_clock().now().to_msg()
        sent.add((image.header.stamp.sec, image.header.stamp.nanosec))
        infos.publish(info)
        images.publish(image)

    peer.node.create_timer(0.1, send)
    peer.until(lambda: all(heard.values()))
    peer.until_state(State.PRIMARY_STATE_ACTIVE)        # autostart
    for topic, (message, *_) in heard.items():
        stamp = message.header.stamp
        assert (stamp.sec, stamp.nanosec) in sent and message.header.frame_id == "optical", topic
    depth = np.frombuffer(heard["depth/image"][0].data, np.float32)
    assert depth.shape == (640 * 480,) and (depth[~np.isnan(depth)] > 0).all()
    ids = {one.id for one in heard["order_graph"][0].instances}
    assert all({one.occluder, one.occludee} <= ids for one in heard["order_graph"][0].occlusions)
    peer.until(lambda: peer.diagnostics)
    values = {pair.key: pair.value for pair in peer.diagnostics[-1].values}
    assert (values["model"], values["image_topic"]) == ("modot_nano", "/camera/image_raw")
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=WAIT_S) == 0
    assert "Traceback" not in process.stderr.read()


def test_without_autostart_a_manager_leads_it_through_its_states(peer, weights):
    peer.start(weights=weights, autostart="false")
    peer.until_state(State.PRIMARY_STATE_UNCONFIGURED)
    for transition, state in ((Transition.TRANSITION_CONFIGURE, State.PRIMARY_STATE_INACTIVE),
                              (Transition.TRANSITION_ACTIVATE, State.PRIMARY_STATE_ACTIVE),
                              (Transition.TRANSITION_DEACTIVATE, State.PRIMARY_STATE_INACTIVE),
                              (Transition.TRANSITION_CLEANUP, State.PRIMARY_STATE_UNCONFIGURED)):
        peer.ask_for(transition)
        peer.until_state(state)


def test_what_cannot_be_configured_is_said_and_the_node_stays(peer):
    words = "/no/such.safetensors"
    process = peer.start(weights=words)
    peer.until(lambda: any(status.level == DiagnosticStatus.ERROR for status in peer.diagnostics))
    assert "cannot configure" in peer.diagnostics[-1].message and words in peer.diagnostics[-1].message
    peer.until(lambda: any("cannot configure" in line and words in line for line in peer.log))
    peer.until_state(State.PRIMARY_STATE_UNCONFIGURED)
    assert process.poll() is None


def test_a_bad_parameter_ends_the_start_with_the_reason(peer):
    process = peer.start(max_rate_hz="fast")
    _, stderr = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    assert "max_rate_hz" in stderr and "fast" in stderr and "Traceback" not in stderr


@pytest.mark.parametrize("name, value, words", [
    ("depth_encoding", "8UC1", "32FC1, 16UC1"), ("max_rate_hz", "5000.0", "1000.0")])
def test_a_bad_value_ends_main_with_the_choices(name, value, words, capfd, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")          # otherwise main sets it, for good
    assert main(["--ros-args", "-p", f"{name}:={value}"]) == 1
    stderr = capfd.readouterr().err
    assert name in stderr and value in stderr and words in stderr


def test_a_node_that_cannot_be_configured_ends_when_that_is_wanted():
    command = [sys.executable, "-m", "modot_ros.ros.node", "--ros-args", "-p", "weights:=/nowhere.safetensors"]
    ended = subprocess.run([*command, "-p", "exit_on_failure:=true"], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1 and "/nowhere.safetensors" in ended.stderr


EXECUTABLE = (str(Path(get_package_prefix("modot_ros")) / "lib" / "modot_ros" / "modot_node"),)
MODULE = (sys.executable, "-m", "modot_ros.ros.node")


@pytest.mark.parametrize("command, after_s", [(EXECUTABLE, 0.5), (EXECUTABLE, 2.0), (MODULE, 0.3), (MODULE, 1.0)])
def test_an_interrupt_while_it_starts_is_a_clean_end(command, after_s):
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    time.sleep(after_s)
    try:
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()                                  # a node that stayed would answer in the tests that follow
    assert "Traceback" not in errors
