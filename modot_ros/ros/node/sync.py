# SPDX-License-Identifier: Apache-2.0
"""Pairs an image with its CameraInfo and its labels by stamp.

Rules: an exact stamp wins. Without one, the newest CameraInfo serves (intrinsics hardly ever change). Labels come late
and more rarely than images, and depth must not wait for them: a frame goes on at once without labels, and once more,
for the instances alone, when the labels of its very stamp come. Those of another frame lie beside the objects, so they
serve only if the user allows an age; then every frame goes on once, with the labels that are nearest in time.

Two kinds of labels of one stamp are message_filters' work. Its synchronisers give complete sets only, so they can't do the rest:
no image would go on without labels, nor with a calibration that comes once (docs/how/node.md has the counts).
"""
from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from modot_ros.ros.compat import message_filters

MAX_WAITING = 20                                        # images kept for their labels; 0.7 s of a 30 Hz camera
MAX_REMEMBERED = 100                                    # stamps by which late labels are known to fit
FIRST_INFO_S = 1.0
MOST_IMAGES_PER_INFO = 3                                # more, and an image goes on without waiting for its own
STEP_BACK_NS = 1_000_000_000                            # a stamp that goes back by more has jumped: a bag's loop, a restart
AHEAD_NS = 1_000_000_000                                # labels cannot be farther ahead of the newest image

# What of the outputs a frame is for.
ALL, WITHOUT_INSTANCES, INSTANCES_ONLY = "all", "without instances", "instances only"


@dataclass(frozen=True)
class Frame:
    """One image with what belongs to it. `received_s` is when the image came, by the clock of the caller.

    labels   what came as labels, a tuple of messages; None = nothing
    purpose  ALL, WITHOUT_INSTANCES or INSTANCES_ONLY
    """

    image: Image | CompressedImage
    camera_info: CameraInfo | None
    labels: tuple[Any, ...] | None
    received_s: float
    purpose: str = ALL


def stamp_ns(message: Any) -> int:
    """Of any message with a header."""
    return message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec


def _keep(waiting: OrderedDict, stamp: int, item: object, limit: int = MAX_WAITING) -> int:
    """Add the item, replacing one of the same stamp; returns how many had to go."""
    gone = int(stamp in waiting)
    waiting[stamp] = item
    if len(waiting) > limit:
        waiting.popitem(last=False)
        gone += 1
    return gone


class Couple:
    """Brings two messages of one stamp together, whichever comes first: an exact synchroniser of message_filters.

    What finds no partner is forgotten for newer messages, and when stamps jump back: a synchroniser forgets the oldest
    stamps first, and one that is full of those before the jump would keep none that comes after it.
    """

    def __init__(self) -> None:
        self._pair: tuple[Any, Any] | None = None
        self._connect()

    def _connect(self) -> None:
        self._newest_ns = -1
        self._inputs = message_filters.SimpleFilter(), message_filters.SimpleFilter()
        message_filters.TimeSynchronizer(self._inputs, MAX_WAITING).registerCallback(self._complete)

    def _complete(self, *pair: Any) -> None:
        self._pair = pair

    def add(self, place: int, message: Any) -> tuple[Any, Any] | None:
        """place: 0 or 1, where it stands in the pair; returns the pair that it completes."""
        if stamp_ns(message) < self._newest_ns - STEP_BACK_NS:
            self._connect()
        self._newest_ns = max(stamp_ns(message), self._newest_ns)
        self._inputs[place].signalMessage(message)
        pair, self._pair = self._pair, None
        return pair


class Pairing:
    """Feed it messages in the order they come; a call returns the frame that became complete, if one did.

    `now_s` is a steady clock's time in seconds. `unpaired` counts images given up because a newer one was complete
    first or too many waited, `late` labels whose image is gone or that newer ones have overtaken, `misfits` labels
    whose stamp is no image's, `jumps` stamps that went back by more than STEP_BACK_NS (looping bags, restarted cameras),
    `unstamped` images whose stamp is zero, which no labels can belong to.

    labels_timeout_s  after so long without labels that fit, frames go on as if there had never been any
    labels_max_age_s  how far labels may be from an image in time, either way; 0 = only exact stamps
    camera_info       that of an earlier time, which serves until one comes
    """

    def __init__(self, labels_timeout_s: float = 1.0, labels_max_age_s: float = 0.0,
                 camera_info: CameraInfo | None = None) -> None:
        self.labels_timeout_s = labels_timeout_s
        self.labels_max_age_s = labels_max_age_s
        self.unpaired = 0
        self.late = 0
        self.misfits = 0
        self.jumps = 0
        self.unstamped = 0
        self._newest_info = camera_info
        self._infos_in_step = False                     # the last image found the CameraInfo of its own stamp
        self._images_since_info, self._images_per_info = 0, 1
        self._start_s: float | None = None
        self._labels_s: float | None = None             # when labels came last that fit an image
        self._forget()

    def _forget(self) -> None:
        self._images: OrderedDict[int, tuple[Image | CompressedImage, float]] = OrderedDict()   # waiting for their info
        self._gone_on: OrderedDict[int, Frame] = OrderedDict()      # without labels, which may still come
        self._infos: OrderedDict[int, CameraInfo] = OrderedDict()
        self._labels: OrderedDict[int, tuple[Any, ...]] = OrderedDict()
        self._stamps: OrderedDict[int, None] = OrderedDict()
        self._newest_ns = -1
        self._newest_labels_ns = -1

    def image(self, message: Image | CompressedImage, now_s: float) -> Frame | None:
        stamp = stamp_ns(message)
        if stamp < self._newest_ns - STEP_BACK_NS:
            self.jumps += 1
            self.unpaired += len(self._images)
            self._forget()
            self._infos_in_step = False                 # that of this stamp may have come before, and is the newest
        self._newest_ns = max(stamp, self._newest_ns)
        self._drop_labels_ahead()
        self._images_since_info += 1
        self.unstamped += stamp == 0
        self._start_s = now_s if self._start_s is None else self._start_s
        self.unpaired += _keep(self._images, stamp, (message, now_s))
        if stamp:
            _keep(self._stamps, stamp, None, MAX_REMEMBERED)
        if self._labels_for(stamp) is not None:
            self._labels_s = now_s
        return self.poll(now_s)

    def _drop_labels_ahead(self) -> None:
        """Labels of another clock that came before any image: they must not win over those to come."""
        ahead = [stamp for stamp in self._labels if stamp > self._newest_ns + AHEAD_NS]
        for stamp in ahead:
            del self._labels[stamp]
        self.misfits += len(ahead)
        if self._newest_labels_ns > self._newest_ns + AHEAD_NS:
            self._newest_labels_ns = -1

    def camera_info(self, message: CameraInfo, now_s: float) -> Frame | None:
        if self._newest_info is not None:
            self._images_per_info = self._images_since_info
        self._newest_info, self._images_since_info = message, 0
        _keep(self._infos, stamp_ns(message), message)
        return self.poll(now_s)

    def labels(self, messages: tuple[Any, ...], now_s: float) -> Frame | None:
        """messages: all of one stamp that together say which instances there are."""
        stamp, newest = stamp_ns(messages[0]), self._newest_ns
        if not stamp or 0 <= newest < stamp - AHEAD_NS:     # of another clock: they must not win over those to come
            self.misfits += 1
            return self.poll(now_s)
        max_age_ns = round(self.labels_max_age_s * 1e9)
        fits = abs(newest - stamp) <= max_age_ns if max_age_ns else stamp in self._stamps
        frame = self._gone_on.pop(stamp, None)
        if fits:
            self._labels_s = now_s
        elif stamp < newest:
            self.late += max_age_ns > 0
            self.misfits += max_age_ns == 0
            return self.poll(now_s)
        if stamp < self._newest_labels_ns or fits and not (max_age_ns or frame or stamp in self._images):
            self.late += 1
            return self.poll(now_s)
        self._newest_labels_ns = stamp
        if frame is not None and not max_age_ns:
            return Frame(frame.image, frame.camera_info, messages, frame.received_s, INSTANCES_ONLY)
        if fits or stamp > newest:                      # these may be ahead of their image
            _keep(self._labels, stamp, messages)
        return self.poll(now_s)

    @property
    def newest_info(self) -> CameraInfo | None:
        """The CameraInfo that came last."""
        return self._newest_info

    @property
    def labels_in_use(self) -> bool:
        """Fitting labels have come and did not stop."""
        return self._labels_s is not None

    def poll(self, now_s: float) -> Frame | None:
        """The newest image that waits for nothing any more; older ones are given up with it."""
        if self._labels_s is not None and now_s - self._labels_s > self.labels_timeout_s:
            self._labels_s = None
        for stamp in reversed(self._images):
            if self._waits(stamp, now_s):
                continue
            message, received_s = self._images[stamp]
            older = [other for other in self._images if other < stamp]
            self.unpaired += len(older)
            for other in (*older, stamp):
                del self._images[other]
            self._infos_in_step = stamp in self._infos
            info, labels = self._infos.get(stamp, self._newest_info), self._labels_for(stamp)
            purpose = ALL if labels is not None or not self.labels_in_use else WITHOUT_INSTANCES
            frame = Frame(message, info, labels, received_s, purpose)
            if purpose == WITHOUT_INSTANCES:
                _keep(self._gone_on, stamp, frame)
            return frame
        return None

    def _waits(self, stamp: int, now_s: float) -> bool:
        if self._newest_info is None:
            return now_s - self._start_s < FIRST_INFO_S
        # A camera that sends each CameraInfo just after its image: worth waiting, at most until the next.
        return (self._infos_in_step and self._images_per_info <= MOST_IMAGES_PER_INFO and stamp not in self._infos
                and stamp == self._newest_ns)

    def _labels_for(self, stamp: int) -> tuple[Any, ...] | None:
        """Those of the stamp, or the nearest in time that the user allows."""
        if stamp in self._labels or not self._labels:
            return self._labels.get(stamp)
        nearest = min(self._labels, key=lambda other: abs(other - stamp))
        return self._labels[nearest] if abs(nearest - stamp) <= self.labels_max_age_s * 1e9 else None
