# SPDX-License-Identifier: Apache-2.0
"""The camera of an image by hand: region, binning, crop, rectification, lens, and calibrations that no camera has."""
import math

import numpy as np
import pytest

from modot_ros.ros.calibration import IDENTITY, Calibration
from modot_ros.ros.camera import Camera


def calibration(width=64, height=48, focal_px=100.0, **more):
    one = Calibration.pinhole(width, height, focal_px)
    fields = {name: getattr(one, name) for name in ("width", "height", "k", "d", "distortion_model", "r", "p")}
    return Calibration(**{**fields, **more})


def test_a_camera_of_the_images_size_is_taken_as_it_is():
    given = calibration(32, 24, 50.0)
    camera = Camera.of(given, 32, 24)
    assert camera.focal_px == 50 and camera.k.tolist() == [[50, 0, 15.5], [0, 50, 11.5], [0, 0, 1]]
    assert camera.published(1.0) == given and not camera.problem and not camera.note


@pytest.mark.parametrize("given", [None, Calibration.unknown(32, 24)])
def test_an_uncalibrated_camera_has_no_focal_length(given):
    camera = Camera.of(given, 32, 24)
    assert camera.focal_px is None and camera.k is None and not camera.problem
    assert camera.matrix(80.0).tolist() == [[80, 0, 15.5], [0, 80, 11.5], [0, 0, 1]]
    published = camera.published(80.0)
    assert (published.width, published.height, published.k[0], published.p[0]) == (32, 24, 80, 80)


@pytest.mark.parametrize("focal_px", [math.nan, math.inf, -100.0, 0.0, 1e-3, 1e7])
def test_a_focal_length_that_no_camera_has_costs_the_scale_and_not_the_frame(focal_px):
    k = list(calibration().k)
    k[0] = k[4] = focal_px
    camera = Camera.of(calibration(k=tuple(k), p=None), 64, 48)
    assert camera.k is None and (f"fx={focal_px}" in camera.problem or f"fx={focal_px:g}" in camera.problem)
    assert camera.rays(50.0).shape == (48, 64, 3)


@pytest.mark.parametrize("k", [(0.0,) * 8 + (1.0,), (100.0, 0.0, math.nan, 0.0, 100.0, 20.0, 0.0, 0.0, 1.0),
                               (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)])
def test_broken_matrices_are_a_problem(k):
    assert Camera.of(calibration(k=k, p=None), 640, 480).problem


def test_an_image_that_nothing_explains_is_uncalibrated_with_both_sizes_named():
    for width, height in ((480, 640), (640, 200)):
        camera = Camera.of(calibration(640, 480, 500.0), width, height)
        assert camera.k is None and "640x480" in camera.problem and f"{width}x{height}" in camera.problem


@pytest.mark.parametrize("width, height, focal_px, cx, cy", [(640, 360, 500, 319.5, 179.5), (480, 480, 500, 239.5, 239.5),
                                                            (320, 180, 250, 159.75, 89.75)])
def test_a_crop_about_the_middle_moves_the_principal_point_and_is_told(width, height, focal_px, cx, cy):
    camera = Camera.of(calibration(640, 480, 500.0), width, height)
    assert camera.k.tolist() == [[focal_px, 0, cx], [0, focal_px, cy], [0, 0, 1]]
    assert "crop" in camera.note and (camera.published(1).width, camera.published(1).height) == (width, height)


def test_a_calibration_of_another_size_is_scaled():
    given = calibration(d=(0.1, 0.0, 0.0, 0.0, 0.0), p=(100.0, 0, 31.5, -10.0, 0, 100.0, 23.5, 0, 0, 0, 1, 0))
    camera = Camera.of(given, 32, 24)
    assert camera.k.tolist() == [[50, 0, 15.75], [0, 50, 11.75], [0, 0, 1]]
    published = camera.published(1.0)
    assert (published.width, published.height, published.p[3], published.p[0]) == (32, 24, -5, 50)
    assert published.d == given.d and published.r == given.r and not camera.rectified


def test_rounding_of_a_resized_camera_is_forgiven():
    assert Camera.of(calibration(1920, 1080, 1000.0), 853, 480).focal_px == pytest.approx(1000 * 853 / 1920)


def test_a_region_of_interest_moves_the_middle_and_stays():
    given = calibration(roi=(10, 4, 32, 24))
    camera = Camera.of(given, 32, 24)
    assert camera.k.tolist() == [[100, 0, 31.5 - 10], [0, 100, 23.5 - 4], [0, 0, 1]]
    assert camera.published(1.0) == given


def test_binning_halves_the_focal_length_and_stays():
    given = calibration(binning=(2, 2))
    camera = Camera.of(given, 32, 24)
    assert camera.focal_px == 50 and camera.published(1.0) == given


def test_a_region_of_interest_is_scaled_with_its_picture():
    published = Camera.of(calibration(roi=(16, 8, 32, 24)), 16, 12).published(1.0)
    assert (published.width, published.height, published.k[0], published.roi) == (32, 24, 50, (8, 4, 16, 12))


def test_a_rectified_image_has_p_for_its_matrix():
    given = calibration(640, 480, 525.0, d=(-0.35, 0.12, 0.0, 0.0, 0.0),
                        p=(430.0, 0, 325.0, 0, 0, 430.0, 236.0, 0, 0, 0, 1, 0))
    raw, rectified = Camera.of(given, 640, 480), Camera.of(given, 640, 480, rectified=True)
    assert raw.focal_px == 525 and not raw.rectified
    assert rectified.focal_px == 430 and rectified.k[0, 2] == 325 and rectified.k[1, 2] == 236
    # the point that image_geometry, which reads P, has for the same pixel
    assert 2.0 * rectified.rays(1.0)[240, 600, 0] == pytest.approx(2.0 * (600 - 325) / 430)


def test_an_image_without_distortion_counts_as_rectified():
    given = calibration(640, 480, 525.0, d=(0.0,) * 5, p=(500.0, 0, 320, 0, 0, 500.0, 240, 0, 0, 0, 1, 0))
    assert Camera.of(given, 640, 480).focal_px == 500
    assert Camera.of(given, 640, 480, rectified=False).focal_px == 525


def test_drivers_may_leave_p_and_r_out():
    camera = Camera.of(calibration(p=(0.0,) * 12, r=(0.0,) * 9), 64, 48)
    published = camera.published(1.0)
    assert camera.focal_px == 100 and published.p[:3] == (100.0, 0.0, 31.5) and published.r == IDENTITY


def test_clouds_of_a_raw_image_lie_on_undistorted_rays():
    camera = Camera.of(calibration(640, 480, 500.0, d=(-0.3, 0.1, 0.0, 0.0, 0.0)), 640, 480)
    directions = camera.rays(1.0)
    assert directions[239, 319, 0] == pytest.approx(-0.5 / 500, abs=1e-5)
    assert directions[240, 0, 0] < -319.5 / 500         # a barrel draws the edge in: the ray is farther out
    assert not camera.no_rays


def test_a_lens_that_is_not_known_has_no_rays_and_says_so():
    camera = Camera.of(calibration(d=(0.1, 0.2), distortion_model="omnidirectional"), 64, 48)
    assert "omnidirectional" in camera.no_rays and "plumb_bob" in camera.no_rays
    with pytest.raises(ValueError, match="omnidirectional"):
        camera.rays(1.0)


@pytest.mark.parametrize("d, model", [((1e6,) * 5, "plumb_bob"), ((-3.0, 0.0, 0.0, 0.0), "equidistant"),
                                      ((-1.0,) * 8, "rational_polynomial")])
def test_a_lens_that_can_not_be_has_no_rays_and_says_so(d, model):
    """Its cloud would be empty, or a spot in the middle, with nothing told."""
    camera = Camera.of(calibration(640, 480, 500.0, d=d, distortion_model=model), 640, 480)
    assert camera.focal_px == 500 and f"{model!r} with the coefficients {d[0]:g}, " in camera.no_rays
    assert "% of the pixels: calibrate again" in camera.no_rays
    with pytest.raises(ValueError, match="calibrate again"):
        camera.rays(1.0)


def test_a_lens_without_rays_in_the_corners_is_told():
    camera = Camera.of(calibration(640, 480, 500.0, d=(-0.5, 0.0, 0.0, 0.0, 0.0)), 640, 480)
    share = np.isfinite(camera.rays(1.0)[..., 0]).mean()
    assert camera.share_with_rays == pytest.approx(share, abs=0.02) and 0.6 < share < 0.75 and not camera.no_rays
    assert camera.note == f"the lens model has no ray for {1 - camera.share_with_rays:.0%} of the pixels, which give no points"
    circle = Camera.of(calibration(640, 480, 150.0, d=(0.0, 0.0, 0.0, 1e-9), distortion_model="equidistant"), 640, 480)
    assert not circle.note and not circle.no_rays, "a fisheye's corners are outside its circle"


def test_the_field_of_view_is_that_of_the_image():
    assert Camera.of(calibration(640, 480, 320.0), 640, 480).horizontal_deg == pytest.approx(90)
    assert np.isclose(Camera.of(calibration(640, 480, 320.0), 320, 240).horizontal_deg, 90)


@pytest.mark.parametrize("changes, said", [({"fy": 1e7}, "fy=1e+07"), ({"cx": 1e6}, "cx=1e+06"),
                                           ({"d": (math.nan,)}, "distortion")])
def test_every_number_of_a_calibration_is_looked_at(changes, said):
    k, d = list(calibration().k), changes.get("d", ())
    k[4], k[2] = changes.get("fy", k[4]), changes.get("cx", k[2])
    camera = Camera.of(calibration(k=tuple(k), p=None, d=d), 64, 48)
    assert camera.k is None and said in camera.problem


def test_a_strip_of_few_rows_is_a_camera():
    assert not Camera.of(calibration(640, 40, 500.0), 640, 40).problem
