# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime in torch's place: same maps, from weights and from an exported file."""
import numpy as np
import pytest

from modot_ros.engine import LocalEngine, make_engine
from modot_ros.engine.export import export, largest_difference
from modot_ros.engine.onnx_session import providers
from modot_ros.model import build_network, save_checkpoint
from modot_ros.predictor import Predictor

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

TINY = {"encoder_channels": [8, 8, 8, 8, 8], "decoder_channels": [8, 8, 8], "detail_channels": 4}


@pytest.fixture(scope="module")
def weights(tmp_path_factory, lively):
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_checkpoint(path, lively(build_network("modot_nano", **TINY), gain=1.0), "modot_nano", config=TINY, canonical_focal=0.8,
                    working_size=(96, 64))
    return path


@pytest.fixture(scope="module")
def local(weights):
    return LocalEngine("modot_nano", weights, "cpu")


@pytest.fixture(scope="module")
def from_weights(weights):
    return make_engine("onnx", "modot_nano", weights, "cpu")


def pictures(*sizes):
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (*size, 3), np.uint8) for size in sizes]


def assert_alike(found, expected):
    for one, other in zip(found, expected, strict=True):
        for a, b in zip(one, other, strict=True):
            assert (a is None) == (b is None)
            if a is not None:
                np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
                assert a.dtype == b.dtype and a.flags.c_contiguous


def test_maps_are_those_of_torch_for_pictures_of_several_sizes(local, from_weights):
    shown = pictures((64, 96), (68, 91), (64, 96), (96, 64))
    found = from_weights.maps(shown)
    assert_alike(found, local.maps(shown))
    assert [one.depth.shape for one in found] == [(64, 96), (68, 91), (64, 96), (96, 64)]
    assert from_weights.facts == local.facts


def test_a_picture_has_the_same_maps_alone_and_in_a_batch(local, from_weights):
    shown = pictures((64, 96), (64, 96), (64, 96))
    for engine in (local, from_weights):
        assert_alike(engine.maps(shown), [engine.maps([one])[0] for one in shown])


@pytest.mark.parametrize("depth, boundary", [(True, False), (False, True)])
def test_what_is_not_asked_for_is_none(local, from_weights, depth, boundary):
    shown = pictures((64, 96))
    assert_alike(from_weights.maps(shown, depth, boundary), local.maps(shown, depth, boundary))


def test_a_file_takes_pictures_of_its_shape_and_names_those_of_another(tmp_path, weights, local):
    (tmp_path / "tiny.onnx").write_bytes(export("modot_nano", weights, (96, 64)).onnx)
    predictor = Predictor(weights=tmp_path / "tiny.onnx", device="cpu", engine="onnx")
    (shown,) = pictures((64, 96))
    assert_alike(predictor.engine.maps([shown]), local.maps([shown]))
    assert predictor.predict(shown).depth.shape == (64, 96) and predictor.name == "modot_nano"
    with pytest.raises(ValueError, match="takes inputs of 96x64, this picture makes one of 64x96"):
        predictor.predict(np.ascontiguousarray(shown.transpose(1, 0, 2)))
    with pytest.raises(ValueError, match="this is 'modot_nano', not 'modot_lite'"):
        make_engine("onnx", "modot_lite", tmp_path / "tiny.onnx")
    with pytest.raises(ValueError, match="choose engine local"):
        predictor.loaded  # noqa: B018


def test_a_network_with_uncertainty_gives_it(tmp_path, lively):
    save_checkpoint(tmp_path / "lite.safetensors", lively(build_network("modot_lite"), gain=1.0), "modot_lite",
                    canonical_focal=0.8, working_size=(96, 64))
    shown = pictures((64, 96))
    engines = [make_engine(kind, "modot_lite", tmp_path / "lite.safetensors", "cpu") for kind in ("local", "onnx")]
    assert all(engine.facts.has_uncertainty for engine in engines)
    assert_alike(engines[1].maps(shown), engines[0].maps(shown))
    assert engines[1].maps(shown)[0].log_depth_std is not None


def test_the_flipped_picture_is_merged_by_any_engine(weights):
    (shown,) = pictures((64, 96))
    assert_alike(*([[(prediction.depth, prediction.boundary_probability)] for prediction in (
        Predictor(weights=weights, device="cpu", flip=True, engine=engine).predict(shown) for engine in ("local", "onnx"))]))


def test_what_cannot_run_is_refused(tmp_path, weights):
    (tmp_path / "text.onnx").write_text("no model")
    for arguments, problem in (
            (("tensorrt", "modot_nano"), "choose one of local, onnx"), (("onnx", "modot_giant"), "choose one of modot_nano"),
            (("onnx", "modot_nano", weights, "cpu", "bf16"), "computes in fp32"),
            (("onnx", "modot_nano", tmp_path / "text.onnx"), "no ONNX model"),
            (("onnx", "modot_nano", weights, "gpu"), "choose auto, cpu, cuda")):
        with pytest.raises(ValueError, match=problem):
            make_engine(*arguments)
    with pytest.raises(FileNotFoundError, match="nowhere.onnx"):
        make_engine("onnx", "modot_nano", "nowhere.onnx")


def test_providers_of_a_device_come_best_first():
    there = ["CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"]
    assert providers("cuda:1", there) == [("TensorrtExecutionProvider", {"device_id": 1}),
                                          ("CUDAExecutionProvider", {"device_id": 1}), "CPUExecutionProvider"]
    assert providers("cpu", there) == providers("auto", ["CPUExecutionProvider"]) == ["CPUExecutionProvider"]
    with pytest.raises(ValueError, match="onnxruntime-gpu"):
        providers("cuda", ["CPUExecutionProvider"])


def test_classes_come_from_a_network_of_their_own_and_from_files_that_have_them(tmp_path, lively):
    config = {**TINY, "semantics": True, "uncertainty": True}
    path = tmp_path / "named.safetensors"
    save_checkpoint(path, lively(build_network("modot_nano", **config), gain=1.0), "modot_nano", config=config,
                    canonical_focal=0.8, working_size=(96, 64))
    (shown,) = pictures((64, 96))
    (expected,) = LocalEngine("modot_nano", path, "cpu").maps([shown], classes=True)
    engine = make_engine("onnx", "modot_nano", path, "cpu")
    assert engine.facts.has_semantics and engine.maps([shown])[0].classes is None
    assert [len(one.get_outputs()) for one in engine._sessions.values()] == [3]
    (found,) = engine.maps([shown], classes=True)
    assert [len(one.get_outputs()) for one in engine._sessions.values()] == [3, 5]
    exported = export("modot_nano", path, (96, 64))
    assert largest_difference(exported) < 1e-4
    (tmp_path / "all.onnx").write_bytes(exported.onnx)
    (tmp_path / "less.onnx").write_bytes(export("modot_nano", path, (96, 64), classes=False).onnx)
    (of_file,) = make_engine("onnx", "modot_nano", tmp_path / "all.onnx", "cpu").maps([shown], False, False, True)
    for one in (found, of_file):
        assert one.classes.dtype == np.uint8 and np.mean(one.classes == expected.classes) > 0.999
        np.testing.assert_allclose(one.class_probability, expected.class_probability, atol=1e-4)
    assert of_file.depth is None and len(np.unique(expected.classes)) > 1
    less = make_engine("onnx", "modot_nano", tmp_path / "less.onnx", "cpu")
    assert not less.facts.has_semantics and less.maps([shown], classes=True)[0].classes is None
