# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from types import SimpleNamespace

import pytest

from modot_ros.ros.calibration import Calibration

YAML = """\
image_width: 640
image_height: 480
camera_name: front
camera_matrix: {rows: 3, cols: 3, data: [500.0, 0.0, 320.0, 0.0, 510.0, 240.0, 0.0, 0.0, 1.0]}
distortion_model: plumb_bob
distortion_coefficients: {rows: 1, cols: 5, data: [0.1, -0.2, 0.0, 0.0, 0.05]}
rectification_matrix: {rows: 3, cols: 3, data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}
projection_matrix: {rows: 3, cols: 4, data: [490.0, 0, 318.0, -49.0, 0, 495.0, 239.0, 0, 0, 0, 1, 0]}
"""


def test_pinhole_has_its_principal_point_in_the_middle():
    calibration = Calibration.pinhole(640, 480, 500.0)
    assert calibration.k == (500.0, 0.0, 319.5, 0.0, 500.0, 239.5, 0.0, 0.0, 1.0)
    assert calibration.p == (500.0, 0.0, 319.5, 0.0, 0.0, 500.0, 239.5, 0.0, 0.0, 0.0, 1.0, 0.0)


def test_unknown_is_all_zero():
    calibration = Calibration.unknown(4, 3)
    assert (calibration.width, calibration.height) == (4, 3)
    assert not any(calibration.k + calibration.r + calibration.p)


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_yaml_of_camera_calibration(tmp_path, prefix):
    (tmp_path / "front.yaml").write_text(YAML)
    calibration = Calibration.read(f"{prefix}{tmp_path}/front.yaml")
    assert (calibration.width, calibration.height) == (640, 480)
    assert calibration.k[:3] == (500.0, 0.0, 320.0)
    assert calibration.d == (0.1, -0.2, 0.0, 0.0, 0.05)
    assert calibration.p[3] == -49.0


def test_scaling_keeps_distortion_and_scales_the_baseline_term_by_sx(tmp_path):
    (tmp_path / "front.yaml").write_text(YAML)
    calibration = Calibration.read(str(tmp_path / "front.yaml")).resized(320, 120)    # sx 1/2, sy 1/4
    assert calibration.k == (250.0, 0.0, 160.0, 0.0, 127.5, 60.0, 0.0, 0.0, 1.0)
    assert calibration.p == (245.0, 0.0, 159.0, -24.5, 0.0, 123.75, 59.75, 0.0, 0.0, 0.0, 1.0, 0.0)
    assert calibration.d == (0.1, -0.2, 0.0, 0.0, 0.05)


@pytest.mark.parametrize("text", ["- 1\n", "image_width: 640\n", "{", YAML.replace("510.0, ", ""), ""])
def test_a_file_that_is_no_calibration_is_named(tmp_path, text):
    (tmp_path / "front.yaml").write_text(text)
    with pytest.raises(ValueError, match="front.yaml is no camera calibration"):
        Calibration.read(str(tmp_path / "front.yaml"))


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.yaml"):
        Calibration.read(str(tmp_path / "nowhere.yaml"))


@pytest.mark.parametrize("focal_px", [0.0, -3.0, float("nan")])
def test_bad_focal_length(focal_px):
    with pytest.raises(ValueError, match="focal length"):
        Calibration.pinhole(640, 480, focal_px)


def test_message_there_and_back():
    calibration = replace(Calibration.pinhole(64, 48, 50.0), roi=(4, 2, 32, 24), binning=(2, 1), do_rectify=True)
    message = SimpleNamespace(roi=SimpleNamespace())
    assert Calibration.of_message(calibration.fill(message)) == calibration
