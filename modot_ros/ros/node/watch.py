# SPDX-License-Identifier: Apache-2.0
"""What is missing or wrong with the input: looked at once a second, put into the diagnostics and, once, into the log."""
from __future__ import annotations

from typing import Any

from modot_ros.ros.node.sync import Pairing
from modot_ros.ros.node.topics import silence
from modot_ros.ros.transforms import matrix_of_message, points_up

SILENT_S = 5.0                                          # without images, calibration or /clock for so long, the log says why
OLD_S = 1.0                                             # images whose stamps differ more from the clock are remarked upon


class Watch:
    """From an activation of the node to the next."""

    def __init__(self, node: Any) -> None:
        self._node, self._health = node, node.health
        self._said: set[str] = set()
        self._parents: dict[str, tuple[str, Any]] = {}

    def pairing(self, pairing: Pairing, instances_type: str, now_s: float) -> None:
        """Images given up for newer ones, and labels that fit none."""
        if pairing.unpaired:
            self._health.dropped("unpaired", now_s, count=pairing.unpaired)
            pairing.unpaired = 0
        self._health.facts.update(
            clock_jumps=str(pairing.jumps), labels=instances_type if pairing.labels_in_use else "own partition",
            labels_late=str(pairing.late), labels_without_image=str(pairing.misfits))
        self._health.warn("labels", "" if pairing.labels_in_use or not pairing.misfits else
                          f"{pairing.misfits} labels have the stamp of no image")

    def time(self, stamp_age_s: float | None, unstamped: int) -> None:
        """Whether the clock runs and stamps are its own. stamp_age_s: of the last image; None before the first."""
        clock = self._node.get_clock()
        stopped = clock.ros_time_is_active and not clock.now().nanoseconds
        self._health.warn("clock", "use_sim_time is true and nothing has come on /clock" if stopped else "")
        age_s = None if stopped else stamp_age_s
        self._health.facts["stamp_age_ms"] = "" if age_s is None else f"{1e3 * age_s:.0f}"
        self._health.warn("stamps", "images have no stamp: labels cannot be paired with them" if unstamped else
                          "" if age_s is None or abs(age_s) < OLD_S else
                          f"images are stamped {abs(age_s):.1f} s {'ago' if age_s > 0 else 'ahead'}: late, or of another clock")

    def static_transforms(self, message: Any) -> None:
        """A tf2_msgs/TFMessage of /tf_static."""
        for one in message.transforms:
            try:
                self._parents[one.child_frame_id.lstrip("/")] = one.header.frame_id.lstrip("/"), matrix_of_message(one.transform)
            except ValueError:                          # no rotation: whoever uses it will complain
                continue

    def frame(self, frame_id: str | None, given: str) -> None:
        """Whether the outputs' frame is one to use. frame_id: of the last image; given: the parameter that overrides it."""
        if frame_id is None:
            return
        if not given and frame_id.startswith("/"):
            self._tell_once("frame", f"images have the frame {frame_id!r}: outputs have it without the slash, which tf2 refuses")
        if not given and not frame_id.lstrip("/"):
            self._tell_once("frame", "images have no frame: set frame_id, or clouds can't be placed")
        name = given or frame_id.lstrip("/")
        if points_up(name, self._parents):
            self._tell_once("axes", f"tf says that z of {name!r} points up, but an image's frame looks along z (REP 103): set "
                            "frame_id to the camera's optical frame")

    def silent_inputs(self, waiting: dict[str, type], active_s: float) -> None:
        """What has not come after SILENT_S, and what the diagnostics warn of. waiting: types of messages by topic."""
        if active_s < SILENT_S:
            return
        node = self._node
        own = node.get_fully_qualified_name() + "/"
        for topic, kind in waiting.items():
            others = [(name, types) for name, types in node.get_topic_names_and_types()
                      if not name.startswith(own) and node.count_publishers(name)]
            package = kind.__module__.partition(".")[0]
            self._tell_once(topic, silence(topic, f"{package}/msg/{kind.__name__}", node.get_publishers_info_by_topic(topic),
                                           others))
        for topic, text in self._health.warnings.items():
            self._tell_once(topic, text)

    def _tell_once(self, key: str, text: str) -> None:
        if key not in self._said:
            self._said.add(key)
            self._node.get_logger().warning(text)
