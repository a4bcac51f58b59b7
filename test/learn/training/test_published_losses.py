# SPDX-License-Identifier: Apache-2.0
"""Losses of the published MoDOT against the official code's numbers, and against hand-made ones."""
import pytest
import torch

from modot_ros.learn.training.losses import balanced_boundary
from modot_ros.learn.training.published_losses import constraint_terms, learnable, published_loss, recipe_of

NAMES = {"synocc": "ob-future", "hypersim": "ob-hypersim", "nyudmt": "nyud-mt"}


@pytest.mark.parametrize("kind", NAMES)
def test_losses_are_the_official_ones_at_every_step(official, targets, kind):
    true_depth, true_boundary = targets.make_targets(64, 96, kind=kind)
    depth, boundaries = targets.make_predictions(64, 96)
    checked = 0
    for key, expected in official.items():
        if key.startswith((f"loss/{kind}/step", f"loss_ssr/{kind}/step")):
            maps = boundaries[-1:] if "_ssr" in key else boundaries
            found = published_loss(depth, maps, true_depth, true_boundary, NAMES[kind], int(key.rpartition("step")[2]))
            assert [float(value) for value in found] == pytest.approx(expected, rel=1e-5, abs=1e-7), key
            checked += 1
    assert checked == 6


def test_parts_of_the_losses_are_the_official_ones(official, targets):
    _, true_boundary = targets.make_targets(64, 96)
    depth, boundaries = targets.make_predictions(64, 96)
    jump, flat = constraint_terms(depth, true_boundary)
    assert float(jump) == pytest.approx(official["obdcl/discontinuity_unweighted"], rel=1e-5)
    assert float(flat) == pytest.approx(official["obdcl/smooth_unweighted"], rel=1e-5)
    for i, logits in enumerate(boundaries):
        assert float(balanced_boundary(logits, true_boundary, 1.7)) == pytest.approx(
            official[f"cce/single_ob{i}_lambda1.7"], rel=1e-5)


def test_the_official_constraint_misses_a_straight_boundary_and_ours_does_not():
    from modot_ros.learn.training.losses import boundary_depth_constraint
    depth = torch.full((1, 1, 8, 8), 2.0)
    depth[..., 4:] = 4.0                                    # a clean step where it is due
    boundary = torch.zeros(1, 1, 8, 8)
    boundary[..., 2:6, 3] = 1.0
    missing, _ = constraint_terms(depth, boundary)
    assert float(missing) == pytest.approx(4 / 64)          # all four pixels are told that they have no step
    ours, _ = boundary_depth_constraint(depth, depth, boundary, torch.ones_like(boundary, dtype=torch.bool))
    assert float(ours) == 0.0


def test_a_zero_of_nyud_mt_spoils_the_loss_and_one_of_the_others_does_not():
    depth, boundaries = torch.full((1, 1, 4, 4), 2.0), [torch.zeros(1, 1, 4, 4)]
    truth = torch.full((1, 1, 4, 4), 3.0)
    truth[..., 0, 0] = 0.0
    losses = {name: published_loss(depth, boundaries, truth, torch.zeros_like(truth), name, 0)[0]
              for name in NAMES.values()}
    assert {name for name, loss in losses.items() if not loss.isfinite()} == {"nyud-mt"}


def test_masks_and_unusable_arguments():
    nan = float("nan")
    depth = torch.tensor([0.0, nan, 10.0, 255.0, 3.0])
    assert learnable(depth, "ob-future").tolist() == [False, False, False, False, True]
    assert learnable(depth, "ob-hypersim").tolist() == [False, False, True, True, True]
    assert learnable(depth, "nyud-mt").tolist() == [True, True, True, False, True]
    for name in NAMES.values():                             # as they are opened
        assert learnable(depth, name.replace("-", "_")).tolist() == learnable(depth, name).tolist()
    with pytest.raises(ValueError, match="'kitti'.*nyud-mt, ob-future, ob-hypersim"):
        recipe_of("kitti")
    with pytest.raises(ValueError, match="2 boundary maps: must be 5, or 1"):
        published_loss(torch.ones(1, 1, 2, 2), [torch.ones(1, 1, 2, 2)] * 2, torch.ones(1, 1, 2, 2),
                       torch.ones(1, 1, 2, 2), "nyud-mt", 0)
