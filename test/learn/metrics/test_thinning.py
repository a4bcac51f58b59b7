# SPDX-License-Identifier: Apache-2.0
"""Thick drawings become lines."""
import cv2
import numpy as np
import pytest

from modot_ros.learn.metrics.thinning import thinned


def mask(*rows: str) -> np.ndarray:
    return np.array([[character == "#" for character in row] for row in rows])


def test_a_bar_becomes_its_middle_line():
    bar = mask(".......", ".#####.", ".#####.", ".#####.", ".......")
    np.testing.assert_array_equal(thinned(bar), mask(".......", ".......", "..###..", ".......", "......."))


def test_lines_of_one_pixel_stay():
    drawing = mask("#......", ".#.....", "..####.", "......#", "......#")
    np.testing.assert_array_equal(thinned(drawing), drawing)


def test_a_ring_stays_a_ring():
    ring = np.zeros((24, 24), np.uint8)
    cv2.circle(ring, (12, 12), 8, 1, 3)
    thin = thinned(ring)
    assert thin.sum() < 0.5 * ring.sum() and not (thin & (ring == 0)).any()
    holes = cv2.connectedComponents((~thin).astype(np.uint8), connectivity=4)[0] - 1
    assert holes == 2 and cv2.connectedComponents(thin.astype(np.uint8))[0] - 1 == 1


def test_equal_to_scikit_image():
    morphology = pytest.importorskip("skimage.morphology", reason="scikit-image is not installed")
    numbers = np.random.default_rng(0)
    for share in np.linspace(0.2, 0.9, 8):
        noise = numbers.random((41, 57)) < share
        np.testing.assert_array_equal(thinned(noise), morphology.thin(noise))


def test_thinned_again_is_the_same():
    blobs = cv2.GaussianBlur(np.random.default_rng(1).random((60, 60)), (0, 0), 2) > 0.5
    once = thinned(blobs)
    np.testing.assert_array_equal(thinned(once), once)
