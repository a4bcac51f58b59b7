# SPDX-License-Identifier: Apache-2.0
"""The door to inference, with the weights that ship."""
import numpy as np
import pytest

from modot_ros.learn.synthetic.shards import training_view
from modot_ros.prediction import PARTS
from modot_ros.predictor import Predictor


@pytest.fixture(scope="module")
def predictor():
    return Predictor(device="cpu")


@pytest.fixture(scope="module")
def view():
    return training_view(7, 160, 120)


def test_a_whole_prediction_has_the_size_of_the_picture_and_agrees_with_itself(predictor, view):
    prediction = predictor.predict(view.rgb, focal_px=view.K[0, 0])
    assert prediction.depth_m.shape == prediction.boundary_probability.shape == (120, 160)
    assert prediction.depth_m.dtype == prediction.boundary_probability.dtype == np.float32
    assert (prediction.depth_m > 0).all()
    assert 0 <= prediction.boundary_probability.min() and prediction.boundary_probability.max() <= 1
    assert prediction.boundary_mask.any() and not prediction.boundary_mask.all()
    np.testing.assert_array_equal(prediction.boundary_side > 0, prediction.boundary_mask)
    ids = set(np.unique(prediction.labels)) - {0}
    assert {instance.id for instance in prediction.graph.instances} == ids
    for order in prediction.graph.occlusions:
        assert {order.occluder, order.occludee} <= ids and 0 <= order.confidence <= 1 and order.depth_gap_m > 0


def test_depth_grows_with_the_focal_length(predictor, view):
    near = predictor.predict(view.rgb, focal_px=100.0, parts=("depth",)).depth_m
    far = predictor.predict(view.rgb, focal_px=150.0, parts=("depth",)).depth_m
    np.testing.assert_allclose(far, 1.5 * near, rtol=1e-5)


def test_without_a_focal_length_the_canonical_camera_is_meant(predictor, view):
    assumed = predictor.predict(view.rgb, parts=("depth",))
    assert assumed.focal_px == pytest.approx(160 * predictor.loaded.canonical_focal)
    named = predictor.predict(view.rgb, focal_px=assumed.focal_px, parts=("depth",))
    np.testing.assert_array_equal(assumed.depth_m, named.depth_m)


def test_given_instances_are_kept(predictor, view):
    labels = np.zeros((120, 160), np.uint8)
    labels[20:60, 30:90], labels[60:100, 30:90] = 200, 3
    prediction = predictor.predict(view.rgb, instances=labels)
    np.testing.assert_array_equal(prediction.labels, labels)
    assert [instance.id for instance in prediction.graph.instances] == [3, 200]


def test_only_what_is_asked_for_is_there(predictor, view):
    prediction = predictor.predict(view.rgb, parts=("boundary",))
    assert prediction.boundary_mask is not None
    assert prediction.depth is prediction.labels is prediction.graph is None
    assert "instances" not in prediction.stage_s and "order" not in prediction.stage_s
    assert set(predictor.predict(view.rgb, parts=PARTS).stage_s) == {"network", "resize", "thin", "instances", "order"}


@pytest.mark.parametrize("size", [(1, 1), (7, 200), (480, 640), (33, 47)])
def test_any_size_of_picture_works(predictor, size):
    rgb = np.random.default_rng(0).integers(0, 255, (*size, 3), np.uint8)
    assert predictor.predict(rgb).depth_m.shape == size


@pytest.mark.parametrize("rgb", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_picture_is_refused(predictor, rgb):
    with pytest.raises(ValueError, match="picture is"):
        predictor.predict(rgb)


@pytest.mark.parametrize("focal_px", [float("nan"), 0.0, -5.0, float("inf")])
def test_an_impossible_focal_length_is_named(predictor, view, focal_px):
    with pytest.raises(ValueError, match=f"focal_px is {focal_px}"):
        predictor.predict(view.rgb, focal_px=focal_px)


def test_unusable_labels_and_parts_are_named(predictor, view):
    with pytest.raises(ValueError, match="60"):
        predictor.predict(view.rgb, instances=np.zeros((60, 80), np.uint8))
    with pytest.raises(ValueError, match="10000"):
        predictor.predict(view.rgb, instances=np.arange(19200, dtype=np.int32).reshape(120, 160) % 10001)
    with pytest.raises(ValueError, match="'colour'"):
        predictor.predict(view.rgb, parts=("colour",))


def test_settings_are_checked(predictor):
    with pytest.raises(ValueError, match="boundary_threshold is 2"):
        predictor.boundary_threshold = 2
    with pytest.raises(ValueError, match="max_instances is 0"):
        predictor.max_instances = 0
    with pytest.raises(ValueError, match="modot_nano"):
        Predictor(model="modot_giant")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Predictor(weights="nowhere.safetensors")
