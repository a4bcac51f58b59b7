# SPDX-License-Identifier: Apache-2.0
"""DNMMSI against the outputs of the official code, and a small one of them against itself."""
import json
import zlib

import numpy as np
import pytest
import torch

from modot_ros.model import build_network

TOLERANCE = 5e-4
NAMES = ("side0", "side1", "side2", "side3", "side4", "fused")
MILLIONS = {"dnmmsi_small": 97.982164, "dnmmsi_base": 174.130198, "dnmmsi_large": 391.288378,
            "dnmmsi_large_v2": 403.845178}


@pytest.fixture(scope="module")
def small(filled):
    return filled("dnmmsi_small")


def worst(stored, name, found) -> float:
    return float(np.abs(found.numpy()[..., stored["rows"][:, None], stored["cols"][None]] - stored[name]).max())


def errors(golden, network, label, prefix="") -> dict[str, float]:
    """Largest difference of every output that is stored under `label`, which ends in the picture's size."""
    stored = np.load(golden.folder / f"net_{label}.npz")
    height, width = map(int, label.rpartition("_")[2].split("x"))
    x = golden.net_input(height, width, len(stored[f"{prefix}fused"]))[:, :network.input_channels]
    found = dict(zip(NAMES, network(x)))
    if "fused_empty" in stored:
        empty = x.clone()
        empty[:, 3:] = 0
        found |= {"probability": found["fused"].sigmoid(), "fused_empty": network(empty)[-1]}
    return {name: worst(stored, prefix + name, value) for name, value in found.items()}


@pytest.mark.parametrize("label, name, config", [
    ("small", "dnmmsi_small", {}), ("base", "dnmmsi_base", {}), ("large", "dnmmsi_large", {}),
    ("small_v2", "dnmmsi_small", {"version": 2}), ("base_v2", "dnmmsi_base", {"version": 2}),
    ("large_v2", "dnmmsi_large_v2", {}), ("small_noprev", "dnmmsi_small", {"previous": False})])
def test_state_is_that_of_the_official_checkpoints(stroke_golden, label, name, config):
    stored = json.loads((stroke_golden.folder / f"fill_{label.split('_')[0]}.json").read_text())
    if label.endswith("_v2"):
        stored = {key: value for key, value in stored.items() if not key.startswith("bbfeatures_sides.")}
    stored |= json.loads((stroke_golden.folder / f"fill_{label}.json").read_text())
    with torch.device("meta"):
        network = build_network(name, **config)
    own = {key: [list(value.shape), str(value.dtype).removeprefix("torch.")] for key, value in network.state_dict().items()}
    assert own == {key: value[:2] for key, value in stored.items()}
    assert len(own) == (780 if label.endswith("_v2") else 756)


def test_names_and_outputs_are_those_in_the_repository(small, same_as_stored):
    same_as_stored("dnmmsi_small", small)


def test_the_indices_of_the_windows_are_the_official_ones(stroke_golden, small):
    stored = json.loads((stroke_golden.folder / "fill_small.json").read_text())
    index = small.state_dict()["backbone.layers.0.blocks.0.attn.relative_position_index"].numpy()
    assert zlib.crc32(index.tobytes()) == stored["backbone.layers.0.blocks.0.attn.relative_position_index"][2]


@pytest.mark.parametrize("size", ["96x160", "100x150", "250x333"])
@torch.inference_mode()
def test_outputs_are_those_of_the_official_code(stroke_golden, small, size):
    assert max(errors(stroke_golden, small, f"small_{size}").values()) <= TOLERANCE


@pytest.mark.parametrize("label, name, config", [
    ("small_v2_100x150", "dnmmsi_small", {"version": 2}), ("small_noprev_96x160", "dnmmsi_small", {"previous": False}),
    ("large_96x160", "dnmmsi_large", {})])
@torch.inference_mode()
def test_outputs_of_the_variants_are_those_of_the_official_code(stroke_golden, filled, label, name, config):
    assert max(errors(stroke_golden, filled(name, **config), label).values()) <= TOLERANCE


@torch.inference_mode()
def test_inner_maps_are_those_of_the_official_code(stroke_golden, small):
    stored = np.load(stroke_golden.folder / "net_small_100x150_inside.npz")
    seen, hooks = {}, []

    def watch(name, module):
        hooks.append(module.register_forward_hook(lambda _, inputs, output: seen.update({name: output, f"{name}.in": inputs[0]})))

    for key in stored.files:
        name = key.removesuffix(".in")
        if not name.startswith("backbone."):
            watch(name, small.get_submodule(name))
    small.backbone.register_forward_hook(lambda _, inputs, output: seen.update(
        {f"backbone.{i}": value for i, value in enumerate(output)}))
    small(stroke_golden.net_input(100, 150))
    for hook in hooks:
        hook.remove()
    found = {}
    for key in stored.files:
        rows, columns = stroke_golden.rows_cols(*seen[key].shape[-2:])
        found[key] = float(np.abs(seen[key].numpy()[:, :6][..., rows[:, None], columns[None]] - stored[key]).max())
    assert len(found) > 15 and {key: error for key, error in found.items() if not error <= 1e-3} == {}


@torch.inference_mode()
def test_double_precision_shows_every_epsilon(stroke_golden, filled):
    network = filled("dnmmsi_small").double()
    stored = np.load(stroke_golden.folder / "net_small_double_100x150.npz")
    found = network(stroke_golden.net_input(100, 150).double())
    assert max(worst(stored, f"v1/{name}", value) for name, value in zip(NAMES, found)) <= 1e-8


@pytest.mark.parametrize("name", MILLIONS)
def test_parameter_counts_are_the_published_ones(name):
    with torch.device("meta"):
        network = build_network(name)
    assert sum(p.numel() for p in network.parameters()) == round(MILLIONS[name] * 1e6)


@pytest.mark.parametrize("config", [{}, {"version": 2}, {"previous": False}, {"window": 7}])
@pytest.mark.parametrize("size", [(1, 1), (33, 47), (64, 96)])
def test_every_size_runs_in_both_modes(tiny, size, config):
    for sizes, count in (("exact", 6), ("aligned", 1)):
        network = tiny(sizes=sizes, **config)
        found = network(torch.rand(1, network.input_channels, *size))
        assert len(found) == count and all(x.shape == (1, 1, *size) and x.isfinite().all() for x in found)
        if sizes == "exact":
            assert min(x.min() for x in found[:4]) >= 0


def test_modes_agree_on_multiples_of_32(tiny):
    x = torch.rand(2, 6, 64, 96)
    torch.testing.assert_close(tiny()(x)[-1], tiny(sizes="exact")(x)[-1])


def test_aligned_sees_the_repeated_border_and_no_strokes_beyond_it(tiny):
    x, network = torch.rand(1, 6, 50, 70), tiny()
    padded = torch.cat([torch.nn.functional.pad(x[:, :3], (0, 26, 0, 14), mode="replicate"),
                        torch.nn.functional.pad(x[:, 3:], (0, 26, 0, 14))], 1)
    torch.testing.assert_close(network(x)[0], network(padded)[0][..., :50, :70])


def test_every_map_of_strokes_changes_the_output(tiny):
    x, network = torch.rand(1, 6, 64, 64), tiny()
    for channel in (3, 4, 5):
        other = x.clone()
        other[:, channel, 20:40, 20:40] += 1
        assert not torch.allclose(network(x)[0], network(other)[0])


def test_training_gives_all_outputs_and_a_gradient_to_all_but_the_dead_embedding(tiny):
    network = tiny().requires_grad_(True).train()
    found = network(torch.rand(2, 6, 64, 64))
    assert len(found) == 6
    sum(x.square().sum() for x in found).backward()
    dead = {name for name, parameter in network.named_parameters() if parameter.grad is None}
    assert len(dead) == 4 and all(name.startswith("backbone.patch_embed_coords.") for name in dead)


def test_unusable_configs_and_inputs_are_named(tiny):
    with pytest.raises(ValueError, match="'cropped'.*aligned, exact"):
        build_network("dnmmsi_small", sizes="cropped")
    with pytest.raises(ValueError, match="version is 3: choose one of 1, 2"):
        build_network("dnmmsi_base", version=3)
    with pytest.raises(ValueError, match=r"\[1, 3, 32, 32\]: must be \[N, 6, H, W\]"):
        tiny()(torch.rand(1, 3, 32, 32))
