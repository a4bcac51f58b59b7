# SPDX-License-Identifier: Apache-2.0
"""Losses of order networks against numbers worked out by hand, and against the official ones."""
import importlib.util
import math

import numpy as np
import pytest
import torch

from modot_ros.learn.orders.losses import (
    CLOSER,
    EQUAL,
    FARTHER,
    PairBatch,
    Weights,
    class_loss,
    completion_loss,
    counted_disparity_order,
    depth_loss,
    disparity_order,
    instadepth_loss,
    occlusion_loss,
    smoothness,
)
from modot_ros.model import build_network

LN2 = math.log(2)


@pytest.fixture(scope="module")
def golden(shared_golden):
    with np.load(shared_golden / "instaorder" / "losses.npz") as arrays:
        return {name: torch.from_numpy(value) for name, value in arrays.items()}


def pair(depth, overlap=0, size=5):
    """A on the left and B on the right of a picture, one column between them."""
    masks = torch.zeros(2, 1, 1, size, 2 * size + 1)
    masks[0, ..., :size] = masks[1, ..., size + 1:] = 1
    return PairBatch(torch.zeros(1, 3, size, 2 * size + 1), *masks, torch.tensor([depth]), torch.tensor([overlap]))


def steps(left, right, size=5):
    disparity = torch.full((1, 1, size, 2 * size + 1), float(left))
    disparity[..., size + 1:] = right
    return disparity.requires_grad_()


def test_occlusion_of_the_swapped_pair_has_swapped_labels():
    label = torch.tensor([[1.0, 0.0]])
    logits = torch.tensor([[9.0, -9.0]])
    assert float(occlusion_loss(logits, logits.flip(1), label)) < 1e-3
    assert float(occlusion_loss(logits, logits, label)) > 8
    assert float(occlusion_loss(torch.zeros(1, 2), torch.zeros(1, 2), label)) == pytest.approx(2 * LN2)


def test_the_published_occlusion_loss_sees_probabilities_that_are_rounded():
    label, wrong = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 30.0]])
    rest = float(occlusion_loss(torch.zeros(1, 2), torch.zeros(1, 2), label)) / 2
    assert float(occlusion_loss(wrong, torch.zeros(1, 2), label)) == pytest.approx((LN2 + 30) / 2 + rest)
    assert float(occlusion_loss(wrong, torch.zeros(1, 2), label, as_published=True)) == pytest.approx(
        (LN2 + 100) / 2 + rest)


def test_closer_and_farther_change_places_and_equal_stays():
    sure = 20 * torch.eye(3)
    assert float(class_loss(sure, sure[[1, 0, 2]], torch.tensor([0, 1, 2]))) < 1e-6
    assert float(class_loss(sure, sure, torch.tensor([0, 1, 2]))) == pytest.approx(2 / 3 * 20)


def test_both_groups_of_depth_are_averaged_by_themselves():
    even = torch.zeros(3, 3)
    wrong = even.clone()
    wrong[0, 1] = 1000.0
    overlap, distinct = depth_loss(wrong, even, torch.tensor([0, 0, 2]), torch.tensor([1, 0, 0]))
    assert float(overlap) == pytest.approx(1000 + math.log(3)) and float(distinct) == pytest.approx(2 * math.log(3))
    overlap, _ = depth_loss(even, even, torch.tensor([0, 0, 2]), torch.tensor([0, 0, 0]))
    assert float(overlap) == 0


def test_the_published_depth_loss_does_not_learn_from_what_is_surely_wrong():
    def gradient(as_published):
        logits = torch.tensor([[-30.0, 30.0, 0.0]], requires_grad=True)
        class_loss(logits, torch.zeros(1, 3), torch.tensor([CLOSER]), as_published).backward()
        return float(logits.grad.abs().max())

    assert gradient(False) == pytest.approx(1, abs=1e-3) and gradient(True) < 1e-6


def test_smoothness_by_hand():
    rgb = torch.zeros(1, 3, 1, 4)
    ramp = torch.tensor([[[[2.0, 2.0, 4.0, 6.0]]]])
    # (0, 0, .5, 1) of mean .375: steps 0, 4/3, 4/3; published: (0, 0, 1/3, 2/3), of mean 1/4, has the same steps.
    one_row = smoothness(ramp.expand(1, 1, 2, 4), rgb.expand(1, 3, 2, 4))
    assert float(one_row) == pytest.approx(8 / 9, abs=1e-5)
    rgb[..., 2:] = 3.0                                              # a colour edge between the second and the third
    edged = smoothness(ramp.expand(1, 1, 2, 4), rgb.expand(1, 3, 2, 4))
    assert float(edged) == pytest.approx((4 / 3 * math.exp(-3) + 4 / 3) / 3, abs=1e-5)


@pytest.mark.parametrize("depth, right, wrong", [(CLOSER, (5, 1), (1, 5)), (FARTHER, (1, 5), (5, 1))])
def test_disparity_order_pulls_what_is_wrong(depth, right, wrong):
    assert float(disparity_order(steps(*right).detach(), pair(depth))) == 0
    disparity = steps(*wrong)
    loss = disparity_order(disparity, pair(depth))
    assert loss.item() == pytest.approx(1)
    loss.backward()
    left, right = disparity.grad[..., 2, 2], disparity.grad[..., 2, -3]
    assert (left < 0 < right) if depth == CLOSER else (right < 0 < left)        # the closer one's disparity must grow


def test_disparity_order_leaves_equal_and_overlapping_pairs_alone():
    for batch in (pair(EQUAL), pair(CLOSER, overlap=1)):
        assert float(disparity_order(steps(1, 5), batch)) == 0


def test_a_mask_that_is_all_rim_counts_whole_here_and_fails_as_published():
    batch = pair(CLOSER)
    batch.mask_b[:] = 0
    batch.mask_b[..., 2, 7] = 1
    assert disparity_order(steps(1, 5), batch).item() == pytest.approx(1)
    with pytest.raises(ValueError, match="pair 0 .* all rim"):
        counted_disparity_order(steps(1, 5), steps(1, 5), batch)
    terms = instadepth_loss(steps(1, 5), steps(1, 5), torch.zeros(1, 3), torch.zeros(1, 3), batch,
                            weights=Weights(disparity_order=0.0), as_published=True)
    assert float(terms["disparity_order"]) == 0                     # officially a term without weight is not computed


def test_the_published_count_is_the_same_for_right_and_wrong():
    counts = [float(counted_disparity_order(d, d, pair(CLOSER))) for d in (steps(1, 5), steps(5, 1))]
    assert counts == pytest.approx([18 / 55, 18 / 55])              # 3x3 pixels of each instance, once


def test_the_published_count_asks_of_b_what_it_asks_of_a_and_counts_what_is_level():
    mixed, level = steps(1, 2).detach(), steps(2, 2)
    mixed[0, 0, 2, 2] = 3                                           # A is 3 there, 1 elsewhere; B is 2
    counts = {depth: [55 * float(counted_disparity_order(*maps, pair(depth)))
                      for maps in ((mixed, steps(9, 9)), (steps(9, 9), mixed), (level, level))]
              for depth in (CLOSER, FARTHER, EQUAL)}
    # On a level map all 18 pixels count in either run; on `mixed` A is not before B in 8 pixels, and no B is behind A.
    assert counts[CLOSER] == pytest.approx([8 + 9 + 18, 18 + 1, 36])
    assert counts[FARTHER] == pytest.approx([1 + 18, 18 + 8 + 9, 36]) and counts[EQUAL] == [0, 0, 0]


def test_completion_weighs_the_eraser_five_times():
    logits = torch.zeros(1, 2, 1, 2)
    eraser = torch.tensor([[[1.0, 0.0]]])
    assert float(completion_loss(logits, torch.ones(1, 1, 2), eraser)) == pytest.approx(3 * LN2)


@pytest.mark.parametrize("network, order", [("InstaDepthNet_d", False), ("InstaDepthNet_od", True)])
def test_instadepth_terms_and_gradients_are_the_official_ones(golden, network, order):
    batch = PairBatch(*(golden[f"in/{name}"] for name in ("rgb", "m1", "m2", "depth_label", "overlap", "occ_label")))
    names = ["disp1", "disp2", "depth_logit1", "depth_logit2"] + order * ["occ_logit1", "occ_logit2"]
    inputs = [golden[f"in/{name}"].clone().requires_grad_() for name in names]
    terms = instadepth_loss(*inputs[:4], batch, *inputs[4:], as_published=True)
    official = {"overlap": "overlap", "distinct": "distinct", "smoothness": "smooth", "disparity_order": "disp_order",
                "occlusion": "occ"}
    for term, value in terms.items():
        assert float(value) == pytest.approx(float(golden[f"{network}/loss_{official[term]}"]), abs=1e-6), term
    total = sum(terms.values())
    assert float(total) == pytest.approx(float(golden[f"{network}/loss"]), abs=1e-6)
    total.backward()
    for name, value in zip(names, inputs):
        torch.testing.assert_close(value.grad, golden[f"{network}/grad_{name}"], atol=1e-6, rtol=0)
    same = counted_disparity_order(inputs[0], inputs[0], batch)
    assert float(same) == pytest.approx(float(golden["InstaDepthNet_d_samedisp/loss_disp_order"]), abs=1e-6)


def test_instaorder_terms_and_gradients_are_the_official_ones(golden):
    names = ["depth_logit1", "depth_logit2", "occ_logit1", "occ_logit2"]
    inputs = [golden[f"in/{name}"].clone().requires_grad_() for name in names]
    overlap, distinct = depth_loss(*inputs[:2], golden["in/depth_label"], golden["in/overlap"], as_published=True)
    depth, occlusion = 0.1 * overlap + 0.9 * distinct, occlusion_loss(
        *inputs[2:], golden["in/occ_label"], as_published=True)
    assert float(depth) == pytest.approx(float(golden["InstaOrderNet_od/loss_depth"]), abs=1e-6)
    assert float(occlusion) == pytest.approx(float(golden["InstaOrderNet_od/loss_occ"]), abs=1e-6)
    assert float(depth + occlusion) == pytest.approx(float(golden["InstaOrderNet_od/loss"]), abs=1e-6)
    (depth + occlusion).backward()
    for name, value in zip(names, inputs):
        torch.testing.assert_close(value.grad, golden[f"InstaOrderNet_od/grad_{name}"], atol=1e-6, rtol=0)


DEPTH, OVERLAP = torch.tensor([0, 1, 2, 0]), torch.tensor([0, 1, 0, 1])
OCCLUSION = torch.tensor([[0.0, 1], [1, 0], [0, 0], [1, 1]])


def step_loss(network, ab, ba):
    """As published, in training; OrderNet's labels of the four pairs are the numbers of their depth labels."""
    if network == "InstaOrderNet_o":
        return occlusion_loss(ab, ba, OCCLUSION, as_published=True)
    if network == "OrderNet":
        return class_loss(ab, ba, DEPTH, as_published=True)
    both = isinstance(ab, tuple)
    overlap, distinct = depth_loss(*((ab[1], ba[1]) if both else (ab, ba)), DEPTH, OVERLAP, as_published=True)
    depth = 0.1 * overlap + 0.9 * distinct
    return depth + occlusion_loss(ab[0], ba[0], OCCLUSION, as_published=True) if both else depth


@pytest.mark.parametrize("name", ["InstaOrderNet_o", "InstaOrderNet_d", "InstaOrderNet_od", "OrderNet"])
def test_two_steps_of_training_are_the_official_ones(shared_golden, name):
    folder = shared_golden / "instaorder"
    spec = importlib.util.spec_from_file_location("golden_fill", folder / "golden_fill.py")
    official = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(official)
    network = build_network(name.lower())
    network.load_state_dict(official.fill(network.state_dict()))
    rgb, first, second = official.net_input(4, 64, 64)
    ab, ba = torch.cat([first, second, rgb], dim=1), torch.cat([second, first, rgb], dim=1)
    optimizer = torch.optim.SGD(network.train().parameters(), lr=1e-3, momentum=0.9, weight_decay=1e-4)
    losses = []
    for _ in range(2):
        loss = step_loss(name, network(ab), network(ba))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with np.load(folder / "train_step.npz") as golden:
        assert losses == pytest.approx(golden[f"{name}/losses"].tolist(), abs=1e-4)
        state = network.state_dict()
        for key in (key for key in golden if key.startswith(f"{name}/module.")):
            found = state[key.split("module.")[1]].flatten()[:64].numpy()
            np.testing.assert_allclose(found, golden[key], atol=1e-4, rtol=0, err_msg=key)
        assert state["bn1.num_batches_tracked"] == golden[f"{name}/num_batches_tracked"]
        with torch.no_grad():
            outputs = network.eval()(ab), network(ba)
        # Validation of InstaOrderNet_d alone does not tell overlapping pairs from distinct ones.
        value = (class_loss(*outputs, DEPTH, as_published=True) if name == "InstaOrderNet_d"
                 else step_loss(name, *outputs))
        assert float(value) == pytest.approx(float(golden[f"{name}/val_loss_after"]), abs=1e-4)
