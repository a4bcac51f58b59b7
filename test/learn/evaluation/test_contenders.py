# SPDX-License-Identifier: Apache-2.0
"""Who is compared, and what each of them says of one picture."""
import numpy as np

from modot_ros.learn.datasets.sample import sample
from modot_ros.learn.evaluation.contenders import Estimate, contenders, typical_depth
from modot_ros.predictor import Predictor


def one_sample(depth_m):
    return sample("one", np.zeros((*np.shape(depth_m), 3), np.uint8), np.array(depth_m))


def test_the_model_comes_first_and_the_others_use_its_depth(weights):
    named = contenders(Predictor(weights=weights, device="cpu"), typical_depth_m=2.5)
    assert list(named)[0] == "modot_nano" and len(named) == 6
    seen = one_sample(np.full((48, 64), 4.0))
    said = named["modot_nano"](seen, None)
    assert said.depth.shape == said.probability.shape == (48, 64) and not said.relative
    step = Estimate(np.where(np.arange(64) < 30, 1.0, 3.0) * np.ones((48, 1)))
    edges = named["modot_nano depth + Canny (0.15, 0.3)"](seen, step)
    assert edges.edges[1:-1, 29:31].any(1).all() and edges.edges is edges.boundary(0.9)
    np.testing.assert_array_equal(edges.probability > 0, edges.edges)


def test_who_sees_nothing_knows_the_set_or_the_picture(weights):
    named = contenders(Predictor(weights=weights, device="cpu"), typical_depth_m=2.5)
    seen = one_sample([[1.0, 5.0, 6.0, np.nan]])
    plane, median = list(named.values())[-2:]
    assert plane(seen, None).depth.tolist() == [[2.5] * 4] and median(seen, None).depth.tolist() == [[5.0] * 4]
    assert plane(seen, None).probability is None


def test_typical_depth_is_the_median_of_medians():
    assert typical_depth([one_sample([[1.0, 1.0, 9.0]]), one_sample([[2.0]]), one_sample([[7.0]])]) == 2.0
    assert np.isnan(typical_depth([]))
