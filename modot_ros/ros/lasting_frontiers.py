# SPDX-License-Identifier: Apache-2.0
"""Frontiers of one camera in a frame of tf that does not move with it, and the messages that are made of them."""
from __future__ import annotations

from typing import Any

import numpy as np
from geometry_msgs.msg import Point32, PolygonInstanceStamped
from std_msgs.msg import Header

from modot_ros.ros.camera import Camera
from modot_ros.ros.transforms import Transforms, moved
from modot_ros.scene.navigation.frontier_map import MOST_ZONES, FrontierMap, in_view, zones

WAIT_S = 0.1                                            # for the transform at the image's stamp


class LastingFrontiers:
    """Feed it the frontiers of every frame. `problem`: why there are none of the last one; empty when there are.

    frame_id  as "map"; transforms: must listen
    """

    def __init__(self, frame_id: str, transforms: Transforms) -> None:
        self.frame_id, self.problem = frame_id, ""
        self._transforms, self._map = transforms, FrontierMap()
        self._place = np.zeros(3)

    def update(self, found: np.ndarray, depth_m: np.ndarray, camera: Camera, focal_px: float, header: Header, memory_s: float
               ) -> bool:
        """Take in a frame; False, with `problem`, when its place is not known.

        found  float32 [N, 7], as of scene.geometry.frontiers; depth_m: float32 [H, W] of the same picture
        """
        to_map = self._transforms.lookup(self.frame_id, header.frame_id, header.stamp, WAIT_S)
        if to_map is None:
            self.problem = f"no lasting frontiers: {self._transforms.problem}"
            return False
        self.problem = ""
        self._map.memory_s, self._place = memory_s, to_map[:3, 3]
        rows = np.hstack([moved(to_map, found[:, :3]), moved(to_map, found[:, 3:6]), found[:, 6:]])
        seen = moved(np.linalg.inv(to_map), self._map.edges)
        view = in_view(seen, camera.pixels(seen, focal_px), depth_m)
        self._map.update(rows, header.stamp.sec + header.stamp.nanosec * 1e-9, view)
        return True

    @property
    def frontiers(self) -> np.ndarray:
        """float32 [N, 7] in `frame_id`."""
        return self._map.frontiers

    def zones(self, stamp: Any, reach_m: float) -> list[PolygonInstanceStamped]:
        """One message per zone, ids 0 to MOST_ZONES - 1, the nearest first. Zones that there are not have no points, so that
        whoever keeps polygons by their id forgets the old ones."""
        outlines = zones(self._map.frontiers, self._place[:2], reach_m)
        messages = []
        for number in range(MOST_ZONES):
            message = PolygonInstanceStamped(header=Header(stamp=stamp, frame_id=self.frame_id))
            message.polygon.id = number
            if number < len(outlines):
                message.polygon.polygon.points = [Point32(x=float(x), y=float(y)) for x, y in outlines[number]]
            messages.append(message)
        return messages
