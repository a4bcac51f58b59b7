# SPDX-License-Identifier: Apache-2.0
"""Losses against numbers worked out by hand."""
import math

import pytest
import torch

from modot_ros.learn.training.losses import (
    absolute_log,
    balanced_boundary,
    boundary_depth_constraint,
    gradient_matching,
    laplace_likelihood,
    log_difference,
    relative_log,
    scale_invariant_log,
    valid_depth,
)

NAN, INF = float("nan"), float("inf")


def map_of(*rows):
    return torch.tensor(rows, dtype=torch.float32)[None, None]


def test_only_depth_inside_the_range_is_learned_from():
    depth_m = map_of([NAN, INF, 0.0, 0.1], [0.11, 19.9, 20.0, -1.0])
    assert valid_depth(depth_m, 0.1, 20.0).int().tolist() == [[[[0, 0, 0, 0], [1, 1, 0, 0]]]]


def test_log_difference_and_its_gradient_ignore_what_is_not_valid():
    predicted = map_of([2.0, 1.0, 1.0, 1.0]).requires_grad_()
    true = map_of([1.0, NAN, INF, 0.0])
    difference = log_difference(predicted, true, valid_depth(true, 0.1, 20.0))
    assert difference.flatten().tolist() == pytest.approx([math.log(2), 0, 0, 0])
    difference.sum().backward()
    assert predicted.grad.flatten().tolist() == [0.5, 0, 0, 0]


def test_scale_invariant_log_by_hand():
    valid = torch.tensor([[[[True, True, False]]]])
    d = map_of([1.0, 3.0, 0.0])                             # mean of squares 5, mean 2
    assert float(scale_invariant_log(d, valid, 0.5)) == pytest.approx(math.sqrt(5 - 0.5 * 4))
    assert float(scale_invariant_log(d, valid, 0.85)) == pytest.approx(math.sqrt(5 - 0.85 * 4))
    same = map_of([2.0, 2.0, 0.0])
    assert float(scale_invariant_log(same, valid, 1.0)) == pytest.approx(0, abs=1e-6)


def test_absolute_log_by_hand():
    valid = torch.tensor([[[[True, True, False, True]]]])
    assert float(absolute_log(map_of([1.0, -3.0, 50.0, 0.5]), valid)) == pytest.approx(1.5)


def test_relative_log_is_of_each_picture_by_itself():
    valid = torch.tensor([[True, True, False, True]] * 2)[:, None, None]
    d = torch.tensor([[1.0, -3.0, 50.0, 0.5], [4.0, 4.0, -9.0, 7.0]])[:, None, None].requires_grad_()
    loss = relative_log(d, valid)                           # medians 0.5 and 4
    assert float(loss.detach()) == pytest.approx((0.5 + 3.5 + 0 + 0 + 0 + 3.0) / 6)
    shifted = relative_log(d.detach() + torch.tensor([2.0, -1.0]).view(2, 1, 1, 1), valid)
    assert float(shifted) == pytest.approx(float(loss.detach()))
    loss.backward()                                         # each pixel towards the others, and the invalid one nowhere
    assert (d.grad * 6).flatten().tolist() == pytest.approx([1, -1, 0, 0, 0, 0, 0, 1])


def test_relative_log_of_a_picture_without_depth_is_nothing():
    d = map_of([1.0, 2.0]).requires_grad_()
    loss = relative_log(d, torch.zeros(1, 1, 1, 2, dtype=torch.bool))
    loss.backward()
    assert float(loss.detach()) == 0.0 and d.grad.flatten().tolist() == [0, 0]


def test_gradient_matching_by_hand():
    everywhere = torch.ones(1, 1, 3, 3, dtype=torch.bool)
    d = map_of([0, 0, 0], [0, 6, 0], [0, 0, 0])
    # Full size: of six steps a way two are 6. Every other pixel: only zeros.
    assert float(gradient_matching(d, everywhere, scales=2)) == pytest.approx(2 + 2)
    assert float(gradient_matching(d + 5.0, everywhere)) == pytest.approx(4)        # one factor does not count
    corners = map_of([4, 0, 0], [0, 0, 0], [0, 0, 0])
    assert float(gradient_matching(corners, everywhere, scales=2)) == pytest.approx(2 * 4 / 6 + 2 * 4 / 2)
    hole = everywhere.clone()
    hole[..., 1, 1] = False                                 # the four steps that touch it go
    assert float(gradient_matching(d, hole, scales=1)) == 0.0


def test_balanced_boundary_by_hand():
    logits = map_of([0.0, math.log(3), 0.0, 5.0])
    boundary = map_of([1.0, 0.0, 0.0, 0.5])                 # the last one is ignored: a quarter on, half off
    # On: weight 0.5, -ln(0.5). Off: weight 1.1 * 2 * 0.25, -ln(1 - 0.75) and -ln(0.5).
    expected = (0.5 * math.log(2) + 0.55 * (math.log(4) + math.log(2))) / 4
    assert float(balanced_boundary(logits, boundary, negative_weight=2.0)) == pytest.approx(expected)
    more = (4 * 0.5 * math.log(2) + 0.55 * (math.log(4) + math.log(2))) / 4
    assert float(balanced_boundary(logits, boundary, 2.0, map_of([4.0, 1.0, 1.0, 9.0]))) == pytest.approx(more)


def test_balanced_boundary_asks_for_the_truth():
    boundary = map_of([1.0, 0.0, 0.0, 0.0])
    right, wrong = 20 * boundary - 10, 10 - 20 * boundary
    assert float(balanced_boundary(right, boundary)) < 1e-3 < float(balanced_boundary(wrong, boundary))


@pytest.fixture
def step():
    """A wall at 2 m in front of one at 4 m; the boundary lies on the near one."""
    depth_m = torch.full((1, 1, 6, 8), 4.0)
    depth_m[..., :4] = 2.0
    boundary = torch.zeros_like(depth_m)
    boundary[..., 3] = 1.0
    return depth_m, boundary, torch.ones_like(depth_m, dtype=torch.bool)


def test_the_constraint_is_content_with_the_truth(step):
    depth_m, boundary, valid = step
    jump, _ = boundary_depth_constraint(depth_m, depth_m, boundary, valid)
    assert float(jump) == 0.0


def test_a_missing_step_costs_one_and_half_a_step_half(step):
    true_m, boundary, valid = step
    jump, smooth = boundary_depth_constraint(torch.full_like(true_m, 3.0), true_m, boundary, valid)
    assert float(jump) == pytest.approx(1.0) and float(smooth) == 0.0
    half = true_m.clone()
    half[..., 4:] = 2.0 * math.exp(0.1)                     # 0.1 of the 0.2 that are enough
    jump, _ = boundary_depth_constraint(half, true_m, boundary, valid)
    assert float(jump) == pytest.approx(0.5, abs=1e-5)


def test_a_small_true_step_asks_for_no_more_than_itself(step):
    true_m, boundary, valid = step
    true_m[..., 4:] = 2.0 * math.exp(0.05)
    jump, _ = boundary_depth_constraint(true_m, true_m, boundary, valid)
    assert float(jump) == pytest.approx(0.0, abs=1e-5)
    jump, _ = boundary_depth_constraint(torch.full_like(true_m, 3.0), true_m, boundary, valid)
    assert float(jump) == pytest.approx(0.05 / 0.2, rel=1e-4)


def test_a_slanted_plane_is_smooth_and_a_step_off_the_boundary_is_not(step):
    true_m, boundary, valid = step
    columns = torch.arange(8.0)
    plane_m = (1 / (0.2 + 0.03 * columns + 0.02 * torch.arange(6.0)[:, None]))[None, None]
    _, smooth = boundary_depth_constraint(plane_m, plane_m, torch.zeros_like(boundary), valid)
    assert float(smooth) == pytest.approx(0.0, abs=1e-5)
    _, unmarked = boundary_depth_constraint(true_m, true_m, torch.zeros_like(boundary), valid)
    # Of the 6 triples of a row one has its middle at 2 m, |0.5 - 1 + 0.25| / 0.5, and one at 4 m, 0.25 / 0.25.
    assert float(unmarked) == pytest.approx((0.5 + 1.0) / 6)
    _, marked = boundary_depth_constraint(true_m, true_m, boundary, valid)
    assert float(marked) == 0.0                             # every triple across the step has the boundary pixel


def test_nothing_to_learn_from_gives_zero_and_a_clean_gradient():
    predicted = torch.full((1, 1, 4, 4), 3.0, requires_grad=True)
    true, nothing = torch.full((1, 1, 4, 4), NAN), torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    difference = log_difference(predicted, true, nothing)
    jump, smooth = boundary_depth_constraint(predicted, true, torch.ones(1, 1, 4, 4), nothing)
    total = (scale_invariant_log(difference, nothing) + absolute_log(difference, nothing)
             + gradient_matching(difference, nothing) + jump + smooth)
    total.backward()
    assert float(total.detach()) == pytest.approx(0, abs=1e-6)
    assert torch.equal(predicted.grad, torch.zeros_like(predicted))


def test_no_nan_of_the_truth_reaches_the_gradient(step):
    true_m, boundary, valid = step
    true_m[..., 2, 3:5] = NAN
    valid = valid & torch.isfinite(true_m)
    predicted = torch.full_like(true_m, 3.0, requires_grad=True)
    difference = log_difference(predicted, true_m, valid)
    jump, smooth = boundary_depth_constraint(predicted, true_m, boundary, valid)
    (scale_invariant_log(difference, valid) + absolute_log(difference, valid) + gradient_matching(difference, valid)
     + jump + smooth).backward()
    assert torch.isfinite(predicted.grad).all() and predicted.grad.abs().sum() > 0


def test_the_likelihood_is_best_where_the_deviation_is_that_of_the_error():
    difference = torch.full((1, 1, 2, 2), 0.3, requires_grad=True)
    valid = torch.ones(1, 1, 2, 2, dtype=torch.bool)
    at = {s: float(laplace_likelihood(difference, torch.full((1, 1, 2, 2), s), valid)) for s in (0.2, 0.3 * 2 ** 0.5, 0.8)}
    assert min(at, key=at.get) == 0.3 * 2 ** 0.5
    assert at[0.2] == pytest.approx(2 ** 0.5 * 0.3 / 0.2 + math.log(0.2))
    std = torch.full((1, 1, 2, 2), 0.5, requires_grad=True)
    laplace_likelihood(difference, std, valid).backward()
    assert difference.grad is None and std.grad is not None
    assert float(laplace_likelihood(difference, std, ~valid)) == 0
