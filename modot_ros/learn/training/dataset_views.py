# SPDX-License-Identifier: Apache-2.0
"""Pictures of a published data set, or of a folder of pairs, as views to train on: read when they are drawn."""
from __future__ import annotations

import logging
import math
from pathlib import Path

import numpy as np
import torch

from modot_ros.classes import UNKNOWN_CLASS
from modot_ros.learn.datasets import open_dataset
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.datasets.sample import Sample
from modot_ros.learn.training.views import UNKNOWN, View

LOG = logging.getLogger(__name__)


class SampleViews:
    """Views (`dataset.Viewable`) of samples; a picture that can't be read gives its place to the next one.

    Depth that is unknown is NaN and not learned from, and so are boundaries of a sample without them. Depth is in metres
    for the sample's camera; one without calibration is taken for the canonical camera.
    With `shape_only` it is learned from up to one factor per picture.
    """

    def __init__(self, samples: PictureSet[Sample], canonical_focal: float, shape_only: bool = False) -> None:
        self.samples, self.canonical_focal, self.shape_only = samples, canonical_focal, shape_only
        self.skipped: dict[str, str] = {}                           # picture -> reason

    def __len__(self) -> int:
        return len(self.samples)

    def view(self, index: int) -> View:
        """See `dataset.Viewable`. Raises ValueError when no picture of the set can be read."""
        one = self._readable(index)
        height, width = one.rgb.shape[:2]
        depth_m = np.full((height, width), np.nan) if one.depth_m is None else np.where(one.valid, one.depth_m, np.nan)
        boundary = np.full((height, width), UNKNOWN) if one.boundary is None else one.boundary
        if one.K is not None:
            focal = float(one.K[0, 0]) / width
        else:
            focal = math.nan if self.shape_only else self.canonical_focal
        return View(torch.from_numpy(np.ascontiguousarray(one.rgb.transpose(2, 0, 1))),
                    torch.from_numpy(depth_m.astype(np.float32))[None], torch.from_numpy(boundary.astype(np.uint8))[None],
                    focal, not self.shape_only, torch.full((1, height, width), UNKNOWN_CLASS, dtype=torch.uint8))

    def _readable(self, index: int) -> Sample:
        for offset in range(len(self)):
            at = (index + offset) % len(self)
            name = self.samples.names[at]
            if name in self.skipped:
                continue
            try:
                return self.samples[at]
            except ValueError as error:
                self.skipped[name] = str(error)
                LOG.warning("skipped, %d so far: %s", len(self.skipped), error)
        raise ValueError(f"{self.samples.title}: none of its {len(self)} pictures can be read, the last because of "
                         f"{list(self.skipped.values())[-1]}")


def open_sample_views(kind: str, folder: str | Path, canonical_focal: float, shape_only: bool = False) -> SampleViews:
    """The training split of a data set (`datasets.DATASETS`), or all of a folder of pairs. Raises as `open_dataset`."""
    return SampleViews(open_dataset(kind, folder, "test" if kind == "pairs" else "train"), canonical_focal, shape_only)
