# SPDX-License-Identifier: Apache-2.0
"""A folder of pairs as views to train on."""
import logging
import math

import cv2
import numpy as np
import pytest
import torch

from modot_ros.classes import UNKNOWN_CLASS
from modot_ros.learn.training.dataset_views import open_sample_views
from modot_ros.learn.training.views import UNKNOWN, training_batch


@pytest.fixture
def folder(tmp_path):
    """Three pictures: one with everything, one with depth only, one with boundaries only."""
    numbers = np.random.default_rng(0)
    for name in "abc":
        cv2.imwrite(str(tmp_path / f"{name}.png"), numbers.integers(0, 256, (48, 64, 3), dtype=np.uint8))
    depth_m = np.full((48, 64), 2.0, np.float32)
    depth_m[:, :8] = np.nan
    for name in "ab":
        np.save(tmp_path / f"{name}_depth.npy", depth_m)
    boundary = np.zeros((48, 64), np.uint8)
    boundary[:, 20] = 255
    for name in "ac":
        cv2.imwrite(str(tmp_path / f"{name}_boundary.png"), boundary)
    return tmp_path


def test_what_is_known_is_a_view_and_the_rest_is_unknown(folder):
    views = open_sample_views("pairs", folder, canonical_focal=0.8)
    assert len(views) == 3
    rgb, depth_m, boundary, focal, teaches_metres, classes = views.view(0)
    assert rgb.shape == (3, 48, 64) and rgb.dtype == torch.uint8 and focal == 0.8 and teaches_metres
    assert classes.shape == (1, 48, 64) and (classes == UNKNOWN_CLASS).all()
    np.testing.assert_array_equal(rgb.numpy()[::-1].transpose(1, 2, 0), cv2.imread(str(folder / "a.png")))
    assert depth_m[0, :, :8].isnan().all() and (depth_m[0, :, 8:] == 2.0).all()
    assert boundary.sum() == 48 and boundary[0, 0, 20] == 1
    assert (views.view(1)[2] == UNKNOWN).all() and views.view(2)[1].isnan().all()
    (folder / "K.txt").write_text("32 32 31.5 23.5")
    assert open_sample_views("pairs", folder, 0.8).view(0)[3] == pytest.approx(0.5)


def test_for_its_shape_alone_the_scale_is_known_with_a_calibration_only(folder):
    assert math.isnan(open_sample_views("pairs", folder, 0.8, shape_only=True).view(0)[3])
    (folder / "K.txt").write_text("32 32 31.5 23.5")
    view = open_sample_views("pairs", folder, 0.8, shape_only=True).view(0)
    assert view.focal == pytest.approx(0.5) and not view.teaches_metres


def test_they_make_batches(folder):
    batch = training_batch(open_sample_views("pairs", folder, 0.8), torch.tensor([0, 1, 2]), 64, 32, 0.8,
                           torch.Generator().manual_seed(0))
    assert batch.image.shape == (3, 3, 32, 64) and batch.boundary[1].unique().tolist() == [UNKNOWN]
    assert batch.depth_m[2].isnan().all() and not batch.depth_m[0].isnan().all()


def test_a_corrupt_picture_is_named_once_and_the_next_one_takes_its_place(folder, caplog):
    (folder / "b.png").write_bytes(b"no picture")
    views = open_sample_views("pairs", folder, 0.8)
    with caplog.at_level(logging.WARNING):
        assert torch.equal(views.view(1)[0], views.view(2)[0]) and torch.equal(views.view(1)[0], views.view(2)[0])
    assert list(views.skipped) == ["b"] and caplog.text.count("b.png") == 1 and "skipped, 1 so far" in caplog.text
    for name in "ac":
        (folder / f"{name}.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="none of its 3 pictures can be read"):
        open_sample_views("pairs", folder, 0.8).view(0)


def test_a_set_that_is_for_testing_only_is_refused(tmp_path):
    with pytest.raises((ValueError, FileNotFoundError)):
        open_sample_views("ibims", tmp_path, 0.8)
