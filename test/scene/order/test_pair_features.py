# SPDX-License-Identifier: Apache-2.0
"""Two rectangles drawn by hand, and what each number of an arrangement says of them."""
import math

import numpy as np
import pytest

from modot_ros.prediction import OcclusionOrder
from modot_ros.scene.order.pair_features import GRID, INSTANCE_FEATURES, PAIR_FEATURES, pair_features
from modot_ros.scene.order.region_statistics import region_statistics

HEIGHT, WIDTH = 192, 256                                # what is read: nothing is resized
OUTLINE = slice(18, 38)                                 # of the numbers of a thing


def scene(scale: float = 1.0, stride: int = 1):
    """A wall at 4 m, before it 7 at 2 m, and under that, in touch with it, 9 at 1 m; no boundary but right of 7."""
    labels, depth = np.zeros((HEIGHT, WIDTH), np.uint16), np.full((HEIGHT, WIDTH), 4, np.float32)
    labels[48:96, 64:128], depth[48:96, 64:128] = 7, 2
    labels[96:144, 64:192], depth[96:144, 64:192] = 9, 1
    probability = np.zeros(labels.shape, np.float32)
    probability[48:96, 126:128] = 0.8
    return labels[::stride, ::stride], scale * depth[::stride, ::stride], probability[::stride, ::stride]


def read(labels, depth, probability, occlusions=(), focal=0.8, chosen=None):
    instances = [one for one in region_statistics(labels, depth, {}, {}) if chosen is None or one.id in chosen]
    return pair_features(labels, depth, probability, instances, occlusions, focal)


def test_a_thing_has_its_depth_place_and_shape():
    features, pairs = read(*scene())
    assert features.shape == (2, INSTANCE_FEATURES) and pairs.shape == (2, 2, PAIR_FEATURES)
    assert features.dtype == pairs.dtype == np.float32
    upper, lower = features
    assert upper[0] == pytest.approx(math.log(2 / 4), abs=1e-3) and lower[0] == pytest.approx(math.log(1 / 4), abs=1e-3)
    np.testing.assert_allclose(features[:, 1:6], 0, atol=1e-3)            # flat: no range, no deviation, foot as the top
    np.testing.assert_allclose(upper[6:10], [0.25, 0.25, 0.5, 0.5])
    np.testing.assert_allclose(upper[10:12], [0.375, 0.375], atol=0.01)
    np.testing.assert_allclose(upper[12:15], [(0.375 - 0.5) / 0.8, (0.375 - 0.5) * 0.75 / 0.8, 0], atol=0.01)
    np.testing.assert_allclose(lower[15:18], np.log([0.5 * 0.25, 0.5, 0.25]), atol=1e-6)
    np.testing.assert_allclose(upper[38:40], [2 / 20, math.log(0.8)])


def test_an_outline_is_read_on_four_sides():
    upper, lower = read(*scene())[0][:, OUTLINE].reshape(2, 4, 5)       # right, left, below, above
    to_wall, to_lower = math.log(2), -math.log(2)
    np.testing.assert_allclose(upper[:, 0], [to_wall, to_wall, to_lower, to_wall], atol=1e-3)
    np.testing.assert_allclose(upper[:, 1], upper[:, 0], atol=1e-3)     # outside less the median: it is flat
    np.testing.assert_allclose(upper[:, 2], 0, atol=1e-3)
    assert upper[0, 3] == pytest.approx(0.8) and upper[1, 3] == 0 and upper[3, 3] < 0.1
    np.testing.assert_allclose(upper[:, 4], 1)                          # a rectangle
    np.testing.assert_allclose(lower[3, 0], 0.5 * math.log(2) + 0.5 * 1, atol=1e-3)    # half 7, half the wall: cut at 1


def test_a_pair_has_its_cues_and_the_outline_that_it_shares():
    labels, depth, probability = scene()
    _, pairs = read(labels, depth, probability, [OcclusionOrder(9, 7, 0.9, False, 64.0, 1.0)])
    np.testing.assert_allclose(pairs[0, 0], 0)
    np.testing.assert_allclose(pairs[0, 1, :5], [-math.log(2), -1, -1, -0.8, 0], atol=1e-3)
    np.testing.assert_allclose(pairs[1, 0, :5], -pairs[0, 1, :5])
    assert pairs[0, 1, 5] == pairs[1, 0, 5] == 0
    np.testing.assert_allclose(pairs[0, 1, 6:8], [0, 0.9])
    np.testing.assert_allclose(pairs[1, 0, 6:8], [0.9, 0])
    upper, lower = 64 / (2 * 64 + 2 * 48), 64 / (2 * 128 + 2 * 48)
    np.testing.assert_allclose(pairs[0, 1, 8:], [upper, lower, -math.log(2), pairs[1, 0, 11], 1, 1], atol=1e-3)
    np.testing.assert_allclose(pairs[1, 0, 8:], [lower, upper, math.log(2), pairs[0, 1, 11], -1, 1], atol=1e-3)


def test_neither_unit_nor_size_matters():
    features, pairs = read(*scene())
    for labels, depth, probability in (scene(1000.0), scene(stride=2)):
        again, pairs_again = read(labels, depth, probability)
        np.testing.assert_allclose(again[:, :18], features[:, :18], atol=0.02)
        np.testing.assert_allclose(again[:, OUTLINE], features[:, OUTLINE], atol=0.1)
        np.testing.assert_allclose(pairs_again, pairs, atol=0.05)


def test_a_mirrored_picture_mirrors_its_arrangement():
    maps = scene()
    features, pairs = read(*maps)
    mirrored, pairs_mirrored = read(*(np.ascontiguousarray(map_[:, ::-1]) for map_ in maps))
    np.testing.assert_allclose(mirrored[:, 6], 1 - features[:, 8], atol=1e-6)
    np.testing.assert_allclose(mirrored[:, 12], -features[:, 12], atol=0.02)
    right, left = features[:, OUTLINE][:, :5], features[:, OUTLINE][:, 5:10]
    np.testing.assert_allclose(mirrored[:, OUTLINE][:, :10], np.hstack([left, right]), atol=1e-3)
    np.testing.assert_allclose(pairs_mirrored, pairs, atol=1e-3)
    columns, rows = GRID
    grid = features[0, -columns * rows:].reshape(rows, columns)
    np.testing.assert_allclose(mirrored[0, -columns * rows:].reshape(rows, columns), grid[:, ::-1], atol=1e-3)


def test_what_is_unknown_or_not_asked_for_does_no_harm():
    labels, depth, probability = scene()
    depth[:20], depth[20:30], probability[:, :100] = np.nan, np.inf, np.nan
    depth[48:96, 64:70] = np.inf                                        # of 7; its median is known
    occlusions = [OcclusionOrder(9, 7, 0.9, False, 64.0, 1.0)]
    for chosen in (None, {9}):
        features, pairs = read(labels, depth, probability, occlusions, chosen=chosen)
        assert len(features) == (1 if chosen else 2) and np.isfinite(features).all() and np.isfinite(pairs).all()


def test_an_instance_of_one_pixel_has_an_arrangement():
    labels, depth, probability = scene()
    labels[3, 5], depth[3, 5] = 11, 3
    large = [np.repeat(np.repeat(map_, 3, 0), 3, 1) for map_ in (labels, depth, probability)]
    large[0][large[0] == 11] = 0
    large[0][9, 15] = 11                                                # lost where the picture is read smaller
    for maps in ((labels, depth, probability), large):
        features, pairs = read(*maps)
        assert len(features) == 3 and np.isfinite(features).all() and np.isfinite(pairs).all()
        assert features[2, 0] == pytest.approx(math.log(3 / 4), abs=1e-3)
