# SPDX-License-Identifier: Apache-2.0
"""Pairs an image with its CameraInfo and its label image by stamp.

Rules: an exact stamp wins. Without one, the newest CameraInfo serves (intrinsics hardly ever change), labels
never do (another frame's labels lie beside the objects). So that a robot is never left without depth, waiting
ends: for the first CameraInfo after FIRST_INFO_S, for labels when none came for `labels_timeout_s`.
"""
from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from sensor_msgs.msg import CameraInfo, CompressedImage, Image

MAX_WAITING = 20                                        # images that wait for labels; 0.7 s of a 30 Hz camera
MAX_REMEMBERED = 100                                    # stamps by which late labels are known to fit
FIRST_INFO_S = 1.0


@dataclass(frozen=True)
class Frame:
    """One image with what belongs to it. `received_s` is when the image came, by the clock of the caller."""

    image: Image | CompressedImage
    camera_info: CameraInfo | None
    labels: Image | None
    received_s: float


def stamp_ns(message: Image | CompressedImage | CameraInfo) -> int:
    return message.header.stamp.sec * 1_000_000_000 + message.header.stamp.nanosec


class Pairing:
    """Feed it messages in the order they come; a call returns the frame that became complete, if one did.

    `now_s` is a steady clock's time in seconds. `unpaired` counts images given up because a newer one was
    complete first or too many waited, `misfits` label images whose stamp is no image's, `jumps` stamps that
    went backwards (looping bags, restarted cameras).
    """

    def __init__(self, labels_timeout_s: float = 1.0) -> None:
        self.labels_timeout_s = labels_timeout_s
        self.unpaired = 0
        self.misfits = 0
        self.jumps = 0
        self._newest_info: CameraInfo | None = None
        self._infos_in_step = False                     # the last image found the CameraInfo of its own stamp
        self._start_s: float | None = None
        self._labels_s: float | None = None             # when a label image came last that fits an image
        self._forget()

    def _forget(self) -> None:
        self._images: OrderedDict[int, tuple[Image | CompressedImage, float]] = OrderedDict()
        self._infos: OrderedDict[int, CameraInfo] = OrderedDict()
        self._labels: OrderedDict[int, Image] = OrderedDict()
        self._stamps: OrderedDict[int, None] = OrderedDict()
        self._newest_ns = -1

    def image(self, message: Image | CompressedImage, now_s: float) -> Frame | None:
        stamp = stamp_ns(message)
        if stamp < self._newest_ns:
            self.jumps += 1
            self.unpaired += len(self._images)
            self._forget()
        self._newest_ns = stamp
        self._start_s = now_s if self._start_s is None else self._start_s
        self.unpaired += self._keep(self._images, stamp, (message, now_s))
        self._keep(self._stamps, stamp, None, MAX_REMEMBERED)
        if stamp in self._labels:
            self._labels_s = now_s
        return self.poll(now_s)

    def camera_info(self, message: CameraInfo, now_s: float) -> Frame | None:
        self._newest_info = message
        self._keep(self._infos, stamp_ns(message), message)
        return self.poll(now_s)

    def labels(self, message: Image, now_s: float) -> Frame | None:
        stamp = stamp_ns(message)
        self._keep(self._labels, stamp, message)
        if stamp in self._stamps:
            self._labels_s = now_s
        elif stamp < self._newest_ns:                   # a later one may still be ahead of its image
            self.misfits += 1
        return self.poll(now_s)

    @staticmethod
    def _keep(waiting: OrderedDict, stamp: int, item: object, limit: int = MAX_WAITING) -> int:
        """Add the item, replacing one of the same stamp; returns how many had to go."""
        gone = int(stamp in waiting)
        waiting[stamp] = item
        if len(waiting) > limit:
            waiting.popitem(last=False)
            gone += 1
        return gone

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
            info = self._infos.get(stamp, self._newest_info)
            return Frame(message, info, self._labels.get(stamp), received_s)
        return None

    def _waits(self, stamp: int, now_s: float) -> bool:
        if self.labels_in_use and stamp not in self._labels:
            return True
        if self._newest_info is None:
            return now_s - self._start_s < FIRST_INFO_S
        # A camera that sends each CameraInfo just after its image: worth waiting, at most until the next.
        return self._infos_in_step and stamp not in self._infos and stamp == self._newest_ns
