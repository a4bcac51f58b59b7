# SPDX-License-Identifier: Apache-2.0
"""What a frame to look at is made of."""
import numpy as np
import pytest


def test_a_metric_frame_has_frontiers_in_the_camera_of_its_focal_length(make_frame):
    frame = make_frame()
    assert frame.K[0, 0] == 140 and frame.K[0, 2] == 79.5 and frame.rays[60, 79, 2] == 1
    found, pixels = frame.frontiers
    assert len(found) == len(pixels) > 100 and set(np.round(found[:, 6], 2)) <= {1.0, 2.0}


@pytest.mark.parametrize("changes", [{"depth_kind": "relative"}, {"boundary_mask": None}, {"depth": None}])
def test_without_metres_or_boundaries_there_are_none(make_frame, changes):
    assert make_frame(**changes).frontiers is None
