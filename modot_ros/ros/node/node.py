# SPDX-License-Identifier: Apache-2.0
"""Node `modot_node`: a camera in; depth, occlusion boundaries, instances, order graph and clouds out.

Callbacks run in the executor's thread and only pair messages and put the newest frame into the mailbox. One
worker thread takes it from there, infers and publishes. Lifecycle: configure loads the model, activate
subscribes, deactivate stops the worker, cleanup frees the memory.
"""
from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.executors import ExternalShutdownException
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSPolicyKind, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, Image

from modot_ros.machine import free_gpu_memory, has_nvidia_gpu, keep_freed_memory
from modot_ros.ros.bond import form_bond
from modot_ros.ros.camera import Camera
from modot_ros.ros.messages.class_names import class_names_message
from modot_ros.ros.messages.convert import coded_image, picture_of_video
from modot_ros.ros.messages.video_packets import VideoPackets
from modot_ros.ros.node.health import Health
from modot_ros.ros.node.labelling import TYPES, detections_type
from modot_ros.ros.node.metres import Metres
from modot_ros.ros.node.outputs import OUTPUTS, Output
from modot_ros.ros.node.pacing import Pacing
from modot_ros.ros.node.parameters import Parameters, changed, declare
from modot_ros.ros.node.perception import Perception, lasting_frontiers
from modot_ros.ros.node.ranges import range_sensor
from modot_ros.ros.node.refining import Refining, RefiningThread
from modot_ros.ros.node.sync import ALL, INSTANCES_ONLY, WITHOUT_INSTANCES, Couple, Frame, Pairing, stamp_ns
from modot_ros.ros.node.topics import (
    camera_info_topic,
    image_topic,
    image_type,
    is_rectified_name,
    static_transforms_type,
    wrong_qos_overrides,
)
from modot_ros.ros.node.watch import Watch
from modot_ros.ros.node.worker import Worker
from modot_ros.ros.transforms import Transforms

SUBSCRIBE = {"depth": 1, "reliability": ReliabilityPolicy.BEST_EFFORT}
PUBLISH = {"depth": 1, "reliability": ReliabilityPolicy.RELIABLE}
PACKETS = 30                                            # of video that wait: a picture needs every one before it
LATCHED = {"depth": 1, "reliability": ReliabilityPolicy.RELIABLE, "durability": DurabilityPolicy.TRANSIENT_LOCAL}
OVERRIDABLE = QoSOverridingOptions(policy_kinds=(
    QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH, QoSPolicyKind.RELIABILITY, QoSPolicyKind.DURABILITY, QoSPolicyKind.DEADLINE,
    QoSPolicyKind.LIFESPAN))
STOP_S = 1.0                                            # how long a transition waits for the frame that is worked on
LOG_PERIOD_S = 5.0                                      # between two log lines about one kind of bad frame
WARM_UP_SHAPE = (480, 640, 3)


def make_predictor(parameters: Parameters, engine: Any = None) -> Any:
    """The real one, on its own engine or on `engine`. Imported here: torch takes seconds, and tests bring one of their own."""
    from modot_ros.predictor import Predictor
    return Predictor(parameters.model, parameters.weights or None, parameters.device, parameters.precision,
                     flip=parameters.flip, order_method=parameters.order_method, order_model=parameters.order_model,
                     order_weights=parameters.order_weights or None,
                     order_max_instances=parameters.order_max_instances, engine=engine or parameters.engine,
                     engine_addresses=parameters.addresses(), engine_budget_s=parameters.engine_budget_s)


class ModotNode(LifecycleNode):
    """Raises ValueError, or rclpy's parameter exceptions, for parameters that cannot work.

    predictor_factory: from Parameters to something that has Predictor's `predict`, `relate`, `depth_kind`, `name`,
    `device`, `boundary_threshold` and `max_instances`.
    """

    def __init__(self, predictor_factory: Callable[[Parameters], Any] = make_predictor,
                 **options: Any) -> None:
        self._predictor_factory = predictor_factory
        self.predictor: Any = None
        self.health = Health()
        self._outputs: dict[Output, Any] = {}           # with their publishers
        self._names: Any = None                         # publisher of class names, latched
        self._subscribers: list[Any] = []
        self._pairing, self._couple = Pairing(), Couple()
        self._packets = VideoPackets()
        self._perception: Perception | None = None
        self._transforms, self._range_sensor = Transforms(self), None
        self._worker: Worker | None = None
        self._stopped: Worker | None = None             # which may still be at its last frame
        self._bond: Any = None
        self._pacing = {"frames": Pacing(), "labels": Pacing(), "overlay": Pacing()}
        self._logged_s: dict[str, float] = {}           # when a reason for skipping was last logged
        self._watch = Watch(self)
        self._camera_info: CameraInfo | None = None     # of the last activation: calibration hardly ever changes
        self._stamp_age_s: float | None = None
        self._image_frame: str | None = None
        self._finalized = self._has_latched = False
        self._refining_thread: RefiningThread | None = None
        self.exit_code = 0
        super().__init__("modot_node", **options)
        self.parameters = declare(self)
        self._refining = Refining(lambda: self.parameters, self._why_not_active)
        self.add_on_set_parameters_callback(self._check_parameters)
        self.add_post_set_parameters_callback(self._take_parameters)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", QoSProfile(**PUBLISH))
        self._refining_thread = RefiningThread(self, self._refining.answer)
        # steady: a paused simulation must not silence the diagnostics
        self.create_timer(1.0, self._on_second, clock=Clock(clock_type=ClockType.STEADY_TIME))

    # Parameters

    def _check_parameters(self, news: list[Parameter]) -> SetParametersResult:
        try:
            changed(self.parameters, news)
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _take_parameters(self, news: list[Parameter]) -> None:
        self.parameters = changed(self.parameters, news)
        self._pairing.labels_timeout_s = self.parameters.instances_timeout_s
        self._pairing.labels_max_age_s = self.parameters.instances_max_age_s

    # Lifecycle

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        start_s = time.monotonic()
        try:
            self._detections_type = detections_type(self.parameters.instances_type)
            self._range_sensor = range_sensor(self.parameters, self._transforms)
            for subscriber in self._subscribe():        # declares their qos_overrides, so that a bad one is found here
                self.destroy_subscription(subscriber)
            self.predictor = self._predictor_factory(self.parameters)
            self.predictor.predict(np.zeros(WARM_UP_SHAPE, np.uint8))
            self._prepare_outputs()
        except Exception as error:                      # rclpy would swallow it without a word
            wrong = wrong_qos_overrides({name: one.value for name, one in self.get_parameters_by_prefix("qos_overrides").items()})
            return self._fail("configure", ValueError(wrong) if wrong else error)
        self.health.failure = ""
        self.get_logger().info(f"{self.predictor.name} on {self.predictor.device}, "
                               f"{self.parameters.precision}, ready after {time.monotonic() - start_s:.1f} s")
        return super().on_configure(state)

    def _fail(self, transition: str, error: Exception) -> TransitionCallbackReturn:
        """A transition that raised: nothing of it stays, and log and diagnostics say why."""
        self.health.failure = f"cannot {transition}: {describe(error)}"
        self.get_logger().error(self.health.failure)
        self._stop()
        if transition == "configure":
            self._release()
        return TransitionCallbackReturn.FAILURE

    def _prepare_outputs(self) -> None:
        self.health.facts = {"model": self.predictor.name, "device": str(self.predictor.device),
                             "precision": self.parameters.precision, "depth_kind": self.predictor.depth_kind,
                             "image_topic": self._image_topic(), "camera_info_topic": self._camera_info_topic()}
        has_uncertainty, has_semantics = (getattr(self.predictor, name, False) for name in ("has_uncertainty", "has_semantics"))
        if self.parameters.device == "auto" and str(self.predictor.device) == "cpu" and has_nvidia_gpu():
            self.get_logger().warning("there is an NVIDIA GPU, but this torch can't use it and the network runs on the CPU: "
                                      "install a torch with CUDA (pytorch.org), or set device to cpu")
        refused = [output.topic for output in OUTPUTS if self.predictor.depth_kind not in output.depth_kinds
                   or output.needs_uncertainty and not has_uncertainty or output.needs_semantics and not has_semantics
                   or output.needs_depth_camera and self.parameters.range_type != "depth_image"
                   or output.needs_map and not self.parameters.frontier_frame_id]
        self.health.facts["refused"] = ", ".join(refused)
        if self.predictor.depth_kind == "relative":
            self.get_logger().warning(f"model {self.predictor.name} has relative depth, no metres: it "
                                      f"publishes ~/depth_relative/image and refuses {', '.join(refused)}")
        for output in OUTPUTS:
            if output.topic not in refused:
                self._outputs[output] = self.create_lifecycle_publisher(
                    output.type, output.topic, QoSProfile(**PUBLISH | {"depth": output.depth}),
                    qos_overriding_options=OVERRIDABLE)
        if has_semantics:
            names = class_names_message()
            self._names = self.create_publisher(type(names), "~/semantics/names", QoSProfile(**LATCHED))
            self._names.publish(names)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            result = self._activate(state)
        except Exception as error:
            return self._fail("activate", error)
        self.health.failure = ""
        return result

    def _activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        rectified = {"auto": True if is_rectified_name(self._image_topic()) else None, "true": True, "false": False}
        self._perception = Perception(self.predictor, rectified[self.parameters.rectified], self.parameters.rotate,
                                      Metres(self._range_sensor), self.get_parameter("use_sim_time").value,
                                      lasting_frontiers(self.parameters, self._transforms))
        self._couple, self._watch, self._stamp_age_s, self._has_latched = Couple(), Watch(self), None, False
        self._packets = VideoPackets()
        self._pairing = Pairing(self.parameters.instances_timeout_s, self.parameters.instances_max_age_s, self._camera_info)
        self._pacing = {"frames": Pacing(), "labels": Pacing(), "overlay": Pacing()}
        self.health.activated(time.monotonic())
        result = super().on_activate(state)
        self._worker = Worker(self._process, self._skip, self._lose, self._stopped)
        self._subscribers = self._subscribe()
        tf_type = static_transforms_type()
        if tf_type is not None:
            self._subscribers.append(self.create_subscription(tf_type, "/tf_static", self._watch.static_transforms,
                                                              QoSProfile(**{**LATCHED, "depth": 100})))
        if not self.parameters.autostart:               # somebody leads: Nav2's lifecycle manager expects a bond
            self._bond = form_bond(self)
            if self._bond is None:
                self.get_logger().info("bondpy is not installed: for Nav2's lifecycle manager install "
                                       "ros-$ROS_DISTRO-bondpy, or set its bond_timeout to 0.0")
        return result

    def _subscribe(self) -> list[Any]:
        """All subscriptions but that of `_receive_latched`."""
        info_topic = self._camera_info_topic()
        topics = [(CameraInfo, info_topic, self._on_camera_info), (self._image_type, self._image_topic(), self._on_image)]
        with_image, with_detections = TYPES[self.parameters.instances_type]
        if with_image:
            topics.append((Image, "instances", self._on_instances))
        if with_detections:
            topics.append((self._detections_type, "detections", self._on_detections))
        topics += self._range_sensor.topics() if self._range_sensor else []
        video = self.parameters.image_transport in ("ffmpeg", "foxglove")
        return [self.create_subscription(message_type, topic, callback, QoSProfile(
            **{**SUBSCRIBE, "depth": PACKETS if video and message_type is self._image_type else 1}),
            qos_overriding_options=OVERRIDABLE) for message_type, topic, callback in topics]

    def _receive_latched(self) -> None:
        """A calibration that was latched before this node came is received only by a subscription that asks for it, which
        receives no other: so there is a second one, where somebody latches."""
        topic = self._camera_info_topic()
        if self._camera_info is None and not self._has_latched and any(
                one.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
                for one in self.get_publishers_info_by_topic(topic)):
            self._subscribers.append(self.create_subscription(CameraInfo, topic, self._on_camera_info, QoSProfile(**LATCHED)))
            self._has_latched = True

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            self._stop()
            return super().on_deactivate(state)
        except Exception as error:
            return self._fail("deactivate", error)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            result = super().on_cleanup(state)
            self._release()
            return result
        except Exception as error:
            return self._fail("clean up", error)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            self._finalized = True
            self._stop()
            result = super().on_shutdown(state)
            self._release()
            return result
        except Exception as error:
            return self._fail("shut down", error)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop()
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def destroy_node(self) -> None:
        self._stop()
        if self._refining_thread is not None:           # None: parameters were refused
            self._refining_thread.stop(STOP_S)
        super().destroy_node()

    @property
    def state_label(self) -> str:
        """Name of the lifecycle state."""
        if self._finalized:
            return "finalized"
        return "unconfigured" if self.predictor is None else "inactive" if self._worker is None else "active"

    @property
    def _image_type(self) -> type:
        return image_type(self.parameters.image_transport)

    def _why_not_active(self) -> str:
        return "" if self._worker is not None else f"the node is {self.state_label}: activate it first"

    def _image_topic(self) -> str:
        return image_topic(self.resolve_topic_name("image"), self.parameters.image_transport)

    def _camera_info_topic(self) -> str:
        return camera_info_topic(self.resolve_topic_name("camera_info"), self.resolve_topic_name("image"),
                                 self.get_namespace())

    def _stop(self) -> None:
        """No more input and output; a slow network may still be at its last frame."""
        bond, self._bond = self._bond, None
        if bond is not None:
            bond.shutdown()
        for subscriber in self._subscribers:
            self.destroy_subscription(subscriber)
        self._subscribers = []
        if self._worker is not None:
            self._stopped = None if self._worker.stop(STOP_S) else self._worker
            self._worker = None
        self.health.activated(None)

    def _release(self) -> None:
        for publisher in self._outputs.values():
            self.destroy_lifecycle_publisher(publisher)
        self._outputs = {}
        if self._names is not None:
            self.destroy_publisher(self._names)
            self._names = None
        self._forget_predictor()

    def _forget_predictor(self) -> None:
        self.predictor = self._perception = None
        self._refining.forget()
        free_gpu_memory()

    # Input: executor's thread

    def _on_image(self, message: Any) -> None:
        now_s = time.monotonic()
        self.health.received(now_s)
        message = picture_of_video(coded_image(message), self._packets)     # here, because a picture needs every packet before it
        self._image_frame = message.header.frame_id
        self._stamp_age_s = self.get_clock().now().nanoseconds * 1e-9 - stamp_ns(message) * 1e-9
        self._refining.keep(message)
        self._forward(self._pairing.image(message, now_s))

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._camera_info = message
        self._forward(self._pairing.camera_info(message, time.monotonic()))

    def _on_instances(self, message: Image) -> None:
        together = (message,) if not TYPES[self.parameters.instances_type][1] else self._couple.add(0, message)
        if together is not None:
            self._forward(self._pairing.labels(together, time.monotonic()))

    def _on_detections(self, message: Any) -> None:
        together = (message,) if not TYPES[self.parameters.instances_type][0] else self._couple.add(1, message)
        if together is not None:
            self._forward(self._pairing.labels(together, time.monotonic()))

    def _forward(self, frame: Frame | None) -> None:
        if frame is None or self._worker is None:
            return
        kind = "labels" if frame.purpose == INSTANCES_ONLY else "frames"
        due = self._pacing[kind].due(self._ros_time_s(), self.parameters.max_rate_hz)
        replaced = due and self._worker.put(frame, kind)
        if kind == "labels":                            # its image has been counted before
            self._pairing.late += not due or replaced
        elif not due:
            self.health.dropped("rate", time.monotonic())
        elif replaced:
            self.health.dropped("overload", time.monotonic())

    def _ros_time_s(self) -> float:
        """Of the ROS clock; while a simulation's /clock is silent, of this machine, so that rates are kept all the same."""
        now_s = self.get_clock().now().nanoseconds * 1e-9
        return now_s or time.monotonic()

    def _on_second(self) -> None:
        now_s = time.monotonic()
        if self._worker is not None:
            self._forward(self._pairing.poll(now_s))
            self._receive_latched()
            self._perception.metres.report(self.health, self.parameters)
            self.health.warn("engine", getattr(getattr(self.predictor, "engine", None), "warning", ""))
            self._watch.pairing(self._pairing, self.parameters.instances_type, now_s)
            self._watch.time(self._stamp_age_s, self._pairing.unstamped)
            self._watch.frame(self._image_frame, self.parameters.frame_id)
            waiting = {} if self.health.has_received else {self._image_topic(): self._image_type}
            if self._camera_info is None:
                waiting[self._camera_info_topic()] = CameraInfo
            self._watch.silent_inputs(waiting, self.health.active_for_s(now_s))
        name = self.get_fully_qualified_name()
        status = self.health.status(f"{name}: perception", name, self.state_label, now_s)
        message = DiagnosticArray(status=[status])
        message.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(message)

    # Work: worker's thread

    def _skip(self, reason: str, error: Exception) -> None:
        if reason == "internal" and not self.context.ok():      # during a shutdown publishing fails, and rightly so
            return
        now_s, text = time.monotonic(), describe(error)
        self.health.dropped(reason, now_s, text)
        if now_s - self._logged_s.get(reason, -LOG_PERIOD_S) >= LOG_PERIOD_S:
            self._logged_s[reason] = now_s
            self.get_logger().warning(f"frame skipped ({reason}): {text}")

    def _lose(self, error: Exception) -> None:
        """The GPU is gone, and whoever started the node may try again: ends the process with an error."""
        self.health.failure, self.exit_code = f"the GPU is lost: {describe(error)}", 1
        self.get_logger().fatal(self.health.failure)
        self.context.try_shutdown()

    def _wanted(self, purpose: str) -> tuple[list[Output], list[Output]]:
        """Outputs that somebody subscribes to and that are due, and those of the same frame that follow with its labels."""
        heard = [output for output, publisher in self._outputs.items() if publisher.get_subscription_count()]
        wanted = [output for output in heard
                  if purpose == ALL or output.needs_instances == (purpose == INSTANCES_ONLY)]
        later = [output for output in heard if purpose == WITHOUT_INSTANCES and output not in wanted]
        return [output for output in wanted if output.topic != "~/overlay" or self._pacing["overlay"].due(
            self._ros_time_s(), self.parameters.overlay_rate_hz)], later

    def _parts(self, outputs: list[Output]) -> set[str]:
        """What of modot_ros.prediction.PARTS these are made of."""
        parts = set().union(*(output.parts for output in outputs))
        if not self.parameters.class_names and not any(output.needs_semantics for output in outputs):
            parts.discard("classes")
        return parts

    def _process(self, frame: Frame, worker: Worker) -> None:
        perception = self._perception
        wanted, later = self._wanted(frame.purpose)
        if not wanted:
            if frame.purpose != INSTANCES_ONLY:
                self.health.idle()
            return
        start_s = time.monotonic()
        result = perception.result(frame, self._parts(wanted), self.parameters, self._parts(later))
        if worker.stopped:
            return
        self._report_camera(result.camera)
        untrusted = perception.report(self.health, self.parameters, result.prediction.depth is not None)
        failure = None
        for output in wanted:
            try:
                message = None if output.needs_rays and (result.camera.no_rays or untrusted) else output.make(result)
                for one in message if isinstance(message, list) else [] if message is None else [message]:
                    self._outputs[output].publish(one)
            except Exception as error:                  # the other outputs are published all the same
                failure = error
        if failure is not None:
            raise failure
        if frame.purpose == INSTANCES_ONLY:
            self.health.labelled()
            return
        end_s = time.monotonic()
        network_s = result.prediction.stage_s.get("network", 0.0)
        self.health.processed(end_s, end_s - frame.received_s, end_s - start_s, network_s)

    def _report_camera(self, camera: Camera) -> None:
        self.health.fail("calibration", camera.problem and f"{camera.problem}. Depth is right up to a factor")
        self.health.warn("calibration", camera.note or ("" if camera.k is not None or camera.problem else "no calibrated "
                         "camera_info: depth is right up to a factor, the model's own focal length is used"))
        self.health.fail("rays", camera.no_rays and f"no clouds and frontiers: {camera.no_rays}")


def describe(error: Exception) -> str:
    """User errors say it all; others need their type."""
    return str(error) if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: {error}"


def main(args: list[str] | None = None) -> int:
    keep_freed_memory()
    node = None
    try:
        rclpy.init(args=args)
        node = ModotNode()
        if node.parameters.autostart and not (node.trigger_configure() == TransitionCallbackReturn.SUCCESS
                                              and node.trigger_activate() == TransitionCallbackReturn.SUCCESS):
            if node.parameters.exit_on_failure:
                return 1
        if not node.parameters.autostart:               # so that the transition need not wait for torch, which takes seconds
            threading.Thread(target=import_module, args=("modot_ros.predictor",), daemon=True).start()
        if rclpy.ok():
            rclpy.spin(node)
    except (ValueError, InvalidParameterTypeException, InvalidParameterValueException) as error:
        print(f"modot_node: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except Exception:
        if rclpy.ok():                                  # otherwise a signal came while the node was made
            raise
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    return 0 if node is None else node.exit_code
