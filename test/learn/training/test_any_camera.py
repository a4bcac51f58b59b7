# SPDX-License-Identifier: Apache-2.0
"""Batches of any camera: sizes as a picture is prepared for inference, and no truth where there is no scene."""
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from modot_ros.classes import UNKNOWN_CLASS
from modot_ros.learn.training import any_camera
from modot_ros.learn.training.any_camera import any_camera_batch
from modot_ros.learn.training.loop import total_loss
from modot_ros.learn.training.losses import GUESS
from modot_ros.learn.training.options import TrainingOptions
from modot_ros.learn.training.views import UNKNOWN, UNSEEN, Batch, Views
from modot_ros.model.preprocess import to_input


@pytest.fixture
def views():
    rgb = torch.full((3, 3, 48, 64), 128, dtype=torch.uint8)
    return Views(rgb, torch.full((3, 1, 48, 64), 2.0).half(), torch.zeros(3, 1, 48, 64, dtype=torch.uint8),
                 torch.tensor([0.8, 0.4, math.nan]), torch.ones(3, 1, 48, 64, dtype=torch.uint8))


def batch(views, seed=0):
    return any_camera_batch(views, torch.arange(3), 128, 96, 0.8, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("aspect", [4 / 3, 16 / 9, 1.0, 3 / 4])
def test_the_input_has_the_size_of_a_picture_of_that_aspect(views, monkeypatch, aspect):
    monkeypatch.setattr(any_camera, "ASPECTS", ((aspect, 1.0),))
    picture = np.zeros((round(480 * min(1, 1 / aspect)), round(480 * min(1, aspect)), 3), np.uint8)
    wanted, size = to_input(picture, (128, 96), 32)
    found = batch(views)
    assert found.image.shape[-2:] == wanted.shape[-2:] == found.depth_m.shape[-2:]
    if size[1] < wanted.shape[-2]:
        assert found.depth_m[..., size[1]:, :].isnan().all() and (found.boundary[..., size[1]:, :] == UNKNOWN).all()


def test_pictures_without_a_focal_length_teach_shape_alone(views):
    found = batch(views)
    assert found.metric.tolist() == found.teaches_metres.tolist() == [True, True, False]


def test_metres_of_a_set_for_its_shape_teach_the_uncertainty_alone(views):
    found = batch(replace(views, shape_only=True))
    assert found.metric.tolist() == [True, True, False] and found.teaches_metres.tolist() == [False] * 3


def test_borders_have_no_truth(views, monkeypatch):
    monkeypatch.setattr(any_camera, "BORDER_SHARE", 1.0)
    monkeypatch.setattr(any_camera, "ASPECTS", ((4 / 3, 1.0),))
    found = batch(views, 3)
    hidden = found.depth_m == UNSEEN
    assert hidden.flatten(1).any(dim=1).all() and not hidden.flatten(1).all(dim=1).any()
    assert (found.boundary[hidden] == UNKNOWN).all()


def test_a_covered_lens_shows_nothing(views, monkeypatch):
    monkeypatch.setattr(any_camera, "COVERED_SHARE", 1.0)
    monkeypatch.setattr(any_camera, "ASPECTS", ((4 / 3, 1.0),))
    found = batch(views)
    assert (found.depth_m == UNSEEN).all() and (found.boundary == UNKNOWN).all() and (found.classes == UNKNOWN_CLASS).all()
    assert found.image.isfinite().all()


def test_the_uncertainty_is_large_where_nothing_is_seen():
    true_m = torch.tensor([UNSEEN, UNSEEN, math.nan, 2.0]).view(1, 1, 2, 2)
    batch_ = Batch(torch.zeros(1, 3, 2, 2), true_m, torch.full((1, 1, 2, 2), 255.0), *torch.ones(2, 1, dtype=torch.bool),
                   torch.full((1, 1, 2, 2), UNKNOWN_CLASS, dtype=torch.uint8))

    class Says(torch.nn.Module):
        min_depth_m, max_depth_m = 0.1, 20.0

        def forward(self, image):
            return torch.full_like(true_m, 2.0), [torch.zeros(1, 1, 2, 2)] * 4, torch.full((1, 1, 2, 2), 0.5)
    parts = total_loss(Says(), batch_, TrainingOptions(train="a", validation="b", output="c", steps=1))[1]
    # sqrt(2) |d| / 0.5 + ln 0.5, |d| = GUESS twice and 0 once; depth that was not measured counts nowhere.
    assert parts["uncertainty"] == pytest.approx(math.sqrt(2) * 2 * GUESS / 0.5 / 3 + math.log(0.5)) and parts["log"] == 0.0


def test_the_same_generator_gives_the_same_batch(views):
    one, other = batch(views, 5), batch(views, 5)
    assert torch.equal(one.image, other.image) and one.image.mean() != batch(views, 6).image.mean()
