# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import numpy as np
import pytest

from modot_ros.learn.synthetic.lens import Lens

PERFECT = Lens(exposure=1.0, metered=1.0, white=np.ones(3), vignetting=0, blur_px=1e-3, defocus_px=0, focus_m=1.0,
               motion_px=np.zeros(2), rows_lag=0, glare=0, shot=0, read=0, shoulder=0, contrast=1, saturation=1,
               sharpening=0, jpeg=0)


@pytest.fixture
def edge():
    """Radiance and depth of a dark near left half before a white far right half, 256 wide."""
    radiance = np.full((64, 256, 3), 0.05, np.float32)
    radiance[:, 128:] = 1.0
    return radiance, np.where(radiance[:, :, 0] > 0.5, 2.0, 1.0).astype(np.float32)


def photograph(lens, edge):
    return lens.photograph(*edge, np.random.default_rng(0)).astype(float)


def width_of_edge(picture):
    return np.count_nonzero((picture[32, :, 0] > 80) & (picture[32, :, 0] < 240))


def test_a_perfect_lens_applies_the_srgb_curve(edge):
    picture = photograph(PERFECT, edge)
    assert picture[0, 255, 0] == 255
    assert picture[0, 0, 0] == pytest.approx(255 * (1.055 * 0.05 ** (1 / 2.4) - 0.055), abs=1)
    assert width_of_edge(picture) <= 1


@pytest.mark.parametrize("fault", [dict(blur_px=2.0), dict(motion_px=np.array([6.0, 0.0])),
                                   dict(defocus_px=3.0, focus_m=0.4)])
def test_blur_widens_an_edge(edge, fault):
    assert width_of_edge(photograph(replace(PERFECT, **fault), edge)) > 2


def test_motion_along_an_edge_leaves_it_sharp(edge):
    assert width_of_edge(photograph(replace(PERFECT, motion_px=np.array([0.0, 6.0])), edge)) <= 1


def test_what_is_in_focus_stays_sharp(edge):
    radiance = edge[0]
    flat = np.full(radiance.shape[:2], 2.0, np.float32)
    assert width_of_edge(photograph(replace(PERFECT, defocus_px=3.0, focus_m=2.0), (radiance, flat))) <= 1


def test_corners_darken_and_noise_and_jpeg_change_the_picture(edge):
    dark = photograph(replace(PERFECT, vignetting=0.3), edge)
    assert dark[0, 255, 0] < dark[32, 140, 0] - 5
    noisy = photograph(replace(PERFECT, read=0.01), edge)
    assert noisy[:, :100].std() > 2 * photograph(PERFECT, edge)[:, :100].std()
    assert not np.array_equal(photograph(replace(PERFECT, jpeg=50), edge), photograph(PERFECT, edge))


def test_random_lenses_give_pictures_that_show_something(edge):
    for seed in range(30):
        rng = np.random.default_rng(seed)
        picture = Lens.random(rng, edge[1]).photograph(*edge, rng)
        assert picture.shape == (64, 256, 3) and picture.dtype == np.uint8
        assert picture[:, 200:].mean() > picture[:, :56].mean() + 20
