# SPDX-License-Identifier: Apache-2.0
"""Flip augmentation against the official code's numbers and by hand."""
import json

import pytest
import torch

from modot_ros.model.flip import merge_depth, merge_probability


def test_merged_maps_are_the_official_ones(golden):
    official = json.loads((golden.folder / "aux_golden.json").read_text())
    depth, boundaries = golden.make_predictions(64, 96)
    merged = merge_depth(depth[0], depth[1])
    assert merged[0, 5, ::5].tolist() == pytest.approx(official["tta/depth_row5_b0"], rel=1e-5)
    assert float(merged.mean()) == pytest.approx(official["tta/depth_mean"], rel=1e-5)
    probability = torch.sigmoid(boundaries[-1])
    merged = merge_probability(probability[0], probability[1])
    assert merged[0, 5, ::5].tolist() == pytest.approx(official["tta/ob_row5_b0"], rel=1e-5)
    assert float(merged.mean()) == pytest.approx(official["tta/ob_mean"], rel=1e-5)


def test_sides_are_taken_from_the_run_that_had_them_on_the_right():
    direct, mirrored = torch.full((1, 201), 2.0), torch.full((1, 201), 4.0)
    merged = merge_depth(direct, mirrored)[0]
    assert merged[[0, 10, 15, 20, 100, 180, 185, 190, 200]].tolist() == pytest.approx(
        [4, 4, 3.5, 3, 3, 3, 2.5, 2, 2])
    across = torch.arange(8.0)
    assert merge_probability(across, across.flip(-1)).tolist() == across.tolist()
