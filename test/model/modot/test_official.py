# SPDX-License-Identifier: Apache-2.0
"""Files laid out as the authors': every wrapper, wrong and damaged ones, and what a user gets from them.

A small network stands in for the published one; its files are made from its own state.
"""
import logging

import numpy as np
import pytest
import torch

from modot_ros.cli import main
from modot_ros.model import build_network, import_checkpoint, load_network, run
from modot_ros.model.modot import official
from modot_ros.predictor import ASSUMED_FOCAL, Predictor

TINY = {"channels": 32, "depths": (1, 1, 1, 1), "crf_channels": (32, 64, 128, 256), "psp_channels": 32,
        "image_channels": 16}


@pytest.fixture(autouse=True)
def small_networks(monkeypatch):
    facts_of = official.facts_of

    def small(dataset):
        facts = facts_of(dataset)
        return {**facts, "config": {**facts["config"], **TINY}}
    monkeypatch.setattr(official, "facts_of", small)


@pytest.fixture(scope="module")
def states():
    torch.manual_seed(5)
    states = {}
    for name in ("modot", "modot_ssr"):
        network = build_network(name, **TINY)
        for key, value in network.named_buffers():
            if key.endswith("running_var"):
                value.uniform_(0.5, 2.0)
        states[name] = network.state_dict()
    return states


@pytest.fixture(scope="module")
def rgb():
    return np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)


def wrapped(state, outer, inner="module."):
    """Keys as the official trainer saved them; `inner` is the wrapper of the first stage."""
    return {outer + key.replace("init_model.module.", f"init_model.{inner}"): value for key, value in state.items()}


def saved(path, state, **more):
    torch.save({"global_step": 49999, "model": state, "optimizer": {"state": {}, "param_groups": []}, **more}, path)
    return path


@pytest.mark.parametrize("name, outer, inner", [
    ("modot", "", ""), ("modot", "module.", ""), ("modot", "module.module.", ""), ("modot_ssr", "", "module."),
    ("modot_ssr", "module.", "module.")])
def test_every_wrapper_imports_to_the_same_network(states, rgb, tmp_path, name, outer, inner):
    file = saved(tmp_path / "iteration_50000.pth", wrapped(states[name], outer, inner))
    assert import_checkpoint(file, tmp_path / "out.safetensors", "ob-future") == name
    loaded = load_network(name, tmp_path / "out.safetensors", "cpu")
    network = build_network(name, **TINY, max_depth=10.0).eval()
    network.load_state_dict(states[name])
    expected = network(torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(1)))
    found = loaded.network(torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(1)))
    torch.testing.assert_close(found[0], expected[0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(found[1][-1], expected[1][-1], atol=1e-4, rtol=1e-3)


def test_the_file_says_all_that_is_needed(states, tmp_path):
    file = saved(tmp_path / "x.pth", wrapped(states["modot"], "module."))
    import_checkpoint(file, tmp_path / "x.safetensors", "ob-hypersim")
    loaded = load_network("modot", tmp_path / "x.safetensors", "cpu")
    assert (loaded.depth_kind, loaded.depth_along, loaded.max_depth_m) == ("metric", "ray", pytest.approx(305.0))
    assert loaded.canonical_focal is None and loaded.working_size is None
    assert loaded.record["source"] == "x.pth" and loaded.record["global_step"] == 49999
    assert loaded.record["dataset"] == "ob-hypersim" and loaded.record["preprocessing"]["mean"] == [0.485, 0.456, 0.406]


@pytest.mark.parametrize("file_name, along, max_depth_m, warnings", [
    ("ob-hypersim_modot.pth", "ray", 305.0, 0), ("nyudmt_modot.pth", "axis", 10.0, 0), ("ob-future_modot.pth", "axis", 10.0, 0),
    ("epoch_49.pth", "axis", 10.0, 1)])
def test_a_pth_file_is_used_as_its_name_tells(states, tmp_path, caplog, file_name, along, max_depth_m, warnings):
    file = tmp_path / file_name
    torch.save(wrapped(states["modot"], "module."), file)       # bare, as some were saved
    with caplog.at_level(logging.WARNING):
        loaded = load_network("modot", file, "cpu")
    assert (loaded.depth_along, loaded.max_depth_m) == (along, max_depth_m)
    assert len(caplog.records) == warnings


def test_what_is_wrong_with_a_file_is_named(states, tmp_path):
    output = tmp_path / "out.safetensors"
    state = wrapped(states["modot"], "module.")
    key = "module.backbone.layers.2.blocks.0.attn.qkv.weight"

    def refusal(content, **more):
        with pytest.raises(ValueError) as error:
            import_checkpoint(saved(tmp_path / "f.pth", content, **more), output, "nyud-mt")
        assert not output.exists() and "f.pth" in str(error.value)
        return str(error.value)

    assert "qkv.weight is missing" in refusal({k: v for k, v in state.items() if k != key})
    assert "head.weight is unknown" in refusal({**state, "module.head.weight": torch.zeros(1)})
    assert "is [3, 3], must be [384, 128]" in refusal({**state, key: torch.zeros(3, 3)})
    assert "not finite" in refusal({**state, key: torch.full((384, 128), torch.nan)})
    assert "twice" in refusal({**state, key.removeprefix("module."): state[key]})
    assert "could run code" in refusal(state, callback=logging.getLogger)
    assert "no state dict" in refusal({})

    whole = saved(tmp_path / "f.pth", state).read_bytes()
    (tmp_path / "f.pth").write_bytes(whole[:len(whole) // 2])
    with pytest.raises(ValueError, match="damaged"):
        import_checkpoint(tmp_path / "f.pth", output, "nyud-mt")
    with pytest.raises(FileNotFoundError, match="nowhere.pth"):
        import_checkpoint(tmp_path / "nowhere.pth", output, "nyud-mt")
    with pytest.raises(ValueError, match="'kitti'.*nyud-mt, ob-future, ob-hypersim"):
        import_checkpoint(tmp_path / "f.pth", output, "kitti")
    with pytest.raises(ValueError, match="out.bin: must end in .safetensors"):
        import_checkpoint(tmp_path / "f.pth", tmp_path / "out.bin", "nyud-mt")


def test_a_network_is_not_taken_for_the_other(states, tmp_path):
    file = saved(tmp_path / "nyudmt.pth", wrapped(states["modot_ssr"], "module."))
    with pytest.raises(ValueError, match="weights of 'modot_ssr', not of 'modot'"):
        load_network("modot", file, "cpu")
    with pytest.raises(FileNotFoundError, match="the package brings none"):
        load_network("modot", device="cpu")


def test_the_command_imports_and_explains(states, tmp_path, capsys):
    file = saved(tmp_path / "a.pth", wrapped(states["modot_ssr"], "module."))
    output = tmp_path / "a.safetensors"
    assert main(["weights", "import", str(file), "-o", str(output), "--dataset", "nyud-mt"]) == 0
    assert "--model modot_ssr" in capsys.readouterr().out and output.exists()
    assert main(["weights", "import", str(file), "-o", str(output), "--dataset", "nyu"]) == 2
    assert "'nyu' is unknown" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["modot", "modot_ssr"])
def test_predictions_have_the_size_of_the_picture_and_the_unit_of_the_file(states, rgb, tmp_path, name):
    file = saved(tmp_path / "ob-hypersim.pth", wrapped(states[name], "module."))
    predictor = Predictor(name, file, "cpu")
    assumed = predictor.predict(rgb)
    assert assumed.depth_m.shape == assumed.boundary_probability.shape == (50, 70)
    assert assumed.focal_px == pytest.approx(ASSUMED_FOCAL * 70)
    distance, *_ = run(predictor.loaded, rgb)
    wide = predictor.predict(rgb, focal_px=35.0, parts=("depth",)).depth_m
    corner = np.sqrt(1 + (34.5 / 35) ** 2 + (24.5 / 35) ** 2)
    np.testing.assert_allclose(wide[0, 0], distance[0, 0] / corner, rtol=1e-5)
    np.testing.assert_allclose(wide[24:26, 34:36], distance[24:26, 34:36], rtol=1e-3)


def test_depth_along_the_axis_does_not_depend_on_the_focal_length(states, rgb, tmp_path):
    predictor = Predictor("modot", saved(tmp_path / "nyudmt.pth", wrapped(states["modot"], "module.")), "cpu")
    near, far = (predictor.predict(rgb, focal_px=f, parts=("depth",)).depth_m for f in (40.0, 80.0))
    np.testing.assert_array_equal(near, far)


def test_flipping_makes_a_prediction_symmetric(states, rgb, tmp_path):
    file = saved(tmp_path / "nyudmt.pth", wrapped(states["modot"], "module."))
    plain, flipping = Predictor("modot", file, "cpu"), Predictor("modot", file, "cpu", flip=True)
    rgb = rgb[:32, :64]
    direct, mirrored = (flipping.predict(np.ascontiguousarray(x)) for x in (rgb, rgb[:, ::-1]))
    np.testing.assert_allclose(direct.depth_m, mirrored.depth_m[:, ::-1], atol=1e-5)
    np.testing.assert_allclose(direct.boundary_probability, mirrored.boundary_probability[:, ::-1], atol=1e-6)
    assert np.abs(plain.predict(rgb).depth_m - direct.depth_m).max() > 1e-3


def test_half_precision_stays_near_and_keeps_the_group_norms_wide(states, rgb, tmp_path):
    file = saved(tmp_path / "nyudmt.pth", wrapped(states["modot"], "module."))
    loaded = load_network("modot", file, "cpu", "bf16")
    network = loaded.network
    assert network.decoder.psp_modules[0][1].conv.weight.dtype == torch.float32
    assert network.crf3.proj_x.weight.dtype == network.decoder.bottleneck.conv.weight.dtype == torch.bfloat16
    depth_m, probability, *_ = run(loaded, rgb)
    exact_m, exact, *_ = run(load_network("modot", file, "cpu"), rgb)
    assert np.mean(np.abs(depth_m - exact_m) / exact_m) < 0.02 and np.abs(probability - exact).mean() < 0.02
