# SPDX-License-Identifier: Apache-2.0
"""What the metres of depth rest on: `scale_source`. Measures one factor per frame, filters it, and knows when it is stale."""
from __future__ import annotations

from typing import Any

import numpy as np

from modot_ros.ros.camera import Camera
from modot_ros.ros.node.health import Health
from modot_ros.ros.node.parameters import Parameters
from modot_ros.ros.node.ranges import RangeSensor
from modot_ros.ros.node.sync import stamp_ns
from modot_ros.scene.navigation.depth_fusion import LEAST_PIXELS, fused_depth
from modot_ros.scene.navigation.ground import HEIGHT_RATIO, fit_ground, mounted_up, sparse_points
from modot_ros.scene.navigation.range_scale import RangeFit, factors, fit_cone, fit_points
from modot_ros.scene.navigation.scale import Scale, ScaleFilter, scale_of_floor, scale_of_plane


class Metres:
    """Feed it the frames of one camera. `scale`: the last one; None before the first measurement and without a source."""

    def __init__(self, sensor: RangeSensor | None = None) -> None:
        self.sensor = sensor
        self.scale: Scale | None = None
        self._filter = ScaleFilter()
        self._source = "model"

    def factor(self, depth: np.ndarray, camera: Camera, focal_px: float, image: Any, parameters: Parameters) -> float:
        """What depth of this frame must be multiplied by; 1 before the first measurement.

        depth  float32 [H, W] of the camera's size, as it comes; image: the message, for stamp and frame
        """
        if parameters.scale_source != self._source:
            self._filter, self._source, self.scale = ScaleFilter(), parameters.scale_source, None
        if parameters.scale_source == "model":
            return 1.0
        fit = None if camera.no_rays else self._measure(depth, camera, focal_px, image, parameters)
        time_s = stamp_ns(image) * 1e-9
        self.scale = (self._filter.update(None, time_s) if fit is None else self._filter.update(fit.factor, time_s, fit.share))
        return 1.0 if self.scale is None else self.scale.factor

    def _measure(self, depth: np.ndarray, camera: Camera, focal_px: float, image: Any, parameters: Parameters
                 ) -> RangeFit | None:
        directions = camera.rays(focal_px)
        if parameters.scale_source == "range":
            found = None if self.sensor is None else self.sensor.ranges(image, parameters.range_max_age_s, camera, focal_px)
            if found is None:
                return None
            logs = factors(depth, directions, found.points_m, camera.pixels(found.points_m, focal_px))
            fit = fit_cone(logs) if found.cone else fit_points(logs)
            if fit is None and self.sensor is not None:
                self.sensor.problem = ("the cone of the sensor on 'range' is out of the picture, or sees more than one surface"
                                       if found.cone else f"{len(logs)} ranges of {len(found.points_m)} are in the picture, "
                                       "away from edges, and too few of them agree on one factor")
            return fit
        xyz, height_m = sparse_points(depth, directions), parameters.camera_height_m
        up = mounted_up(parameters.camera_pitch_deg, parameters.rotate)
        ground = fit_ground(xyz, up, parameters.camera_tilt_deg, (height_m / HEIGHT_RATIO, height_m * HEIGHT_RATIO))
        if ground is None:
            return None
        by_plane = parameters.scale_source == "plane"
        factor = scale_of_plane(ground, height_m) if by_plane else scale_of_floor(xyz, ground, up, height_m)
        return None if factor is None else RangeFit(factor, 1.0, 1)

    def problem(self, parameters: Parameters) -> str:
        """Why metres can't be trusted; empty when they can."""
        if parameters.scale_source == "model":
            return ""
        by_range = parameters.scale_source == "range"
        why = "" if self.sensor is None or not by_range or not self.sensor.problem else f": {self.sensor.problem}"
        if self.scale is None:
            return f"no range gave the scale{why}" if by_range else (
                f"no floor seen {parameters.camera_height_m} m below the camera, within a factor of {HEIGHT_RATIO}, and within "
                f"{parameters.camera_tilt_deg:g} degrees of level (camera_tilt_deg, about camera_pitch_deg)")
        if self.scale.age_s <= parameters.scale_timeout_s:
            return ""
        return f"{'no range gave the scale' if by_range else 'no floor seen'} for {self.scale.age_s:.0f} s{why}"

    def report(self, health: Health, parameters: Parameters) -> None:
        """Tell the diagnostics."""
        scale = self.scale
        numbers = ("", "", "") if scale is None else (f"{scale.factor:.3f}", f"{scale.confidence:.2f}", f"{scale.age_s:.1f}")
        health.facts.update(zip(("scale_source", "scale", "scale_confidence", "scale_age_s"),
                                (parameters.scale_source, *numbers)))
        health.warn("range", "" if self.sensor is None else self.sensor.problem)

    def fused(self, predicted_m: np.ndarray, image: Any, camera: Camera, focal_px: float, parameters: Parameters
              ) -> np.ndarray | None:
        """Depth of a depth camera, holes filled, float32 [H, W] of the camera's size; None, with the sensor's `problem`."""
        sensor_m = None if self.sensor is None else self.sensor.depth(image, parameters.range_max_age_s, camera, focal_px)
        found = None if sensor_m is None else fused_depth(sensor_m, predicted_m)
        if sensor_m is not None and found is None:
            self.sensor.problem = f"depth on 'range' has fewer than {LEAST_PIXELS} pixels"
        return found
