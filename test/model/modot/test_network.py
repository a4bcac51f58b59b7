# SPDX-License-Identifier: Apache-2.0
"""`modot` and `modot_ssr` against the outputs of the official code, and a small one of them against itself."""
import json

import numpy as np
import pytest
import torch

from modot_ros.model import build_network
from modot_ros.model.modot.network import Modot

TOLERANCE = 5e-4
TINY = {"channels": 32, "depths": (1, 1, 2, 1), "crf_channels": (32, 64, 128, 256), "psp_channels": 32,
        "image_channels": 16, "drop_path": 0.0}


def worst(stored, name, found) -> float:
    rows, columns = stored["rows"], stored["cols"]
    return float(np.abs(found.numpy()[..., rows[:, None], columns[None]] - stored[name]).max())


def named(depth, boundaries):
    return {"depth": depth, **{f"ob{i}": logits for i, logits in enumerate(boundaries)}}


@pytest.mark.parametrize("name", ["modot", "modot_ssr"])
def test_state_is_that_of_the_official_checkpoints(golden, published, name):
    network = published if name == "modot_ssr" else published.first
    parameters = {key for key, _ in network.named_parameters()}
    own = {(key, tuple(value.shape), str(value.dtype).removeprefix("torch."), "param" if key in parameters else "buffer")
           for key, value in network.state_dict().items()}
    stored = json.loads((golden.folder / f"{name}_large07_keys.json").read_text())
    assert own == {(key, tuple(shape), dtype, kind) for key, shape, dtype, kind in stored}


@pytest.mark.parametrize("name", ["modot", "modot_ssr"])
def test_names_and_outputs_are_those_in_the_repository(full_size, same_as_stored, name):
    same_as_stored(name, full_size if name == "modot_ssr" else full_size.first)


@pytest.mark.parametrize("batch, height, width", [(2, 64, 96), (1, 224, 320), (1, 250, 333)])
@torch.inference_mode()
def test_outputs_are_those_of_the_official_code(golden, published, monkeypatch, batch, height, width):
    first, image = published.first, golden.make_input(height, width, batch)
    intermediates = (golden.folder / f"modot_{height}x{width}_intermediates.npz")
    watched = _watch(first, monkeypatch) if intermediates.exists() else {}
    found = named(*first(image))
    stored = np.load(golden.folder / f"modot_{height}x{width}.npz")
    assert {name: error for name in found if not (error := worst(stored, name, found[name])) <= TOLERANCE} == {}
    if watched:
        stored = np.load(intermediates)
        names = {name for name in stored.files if "__" not in name}
        assert names == set(watched)
        assert {name: e for name in names if not (e := _sampled_error(stored, name, watched[name])) <= TOLERANCE} == {}

    # The refiner sees the same encoder on the same picture: only what is its own is computed again.
    features = first.backbone(image) if not watched else [watched[f"feat{i}"] for i in range(4)]
    monkeypatch.setattr(first.backbone, "forward", lambda _: features)
    depth, boundary = published(image)
    stored = np.load(golden.folder / f"ssr_{height}x{width}.npz")
    assert worst(stored, "depth", depth) <= TOLERANCE and worst(stored, "ob", boundary) <= TOLERANCE


def _watch(network, monkeypatch) -> dict[str, torch.Tensor]:
    """Outputs of the top-level modules by the goldens' names, filled in while the network runs."""
    seen = {}

    def keep(module, method, names):
        original = getattr(module, method)

        def call(*arguments, **options):
            result = original(*arguments, **options)
            for name, value in zip(names, result if isinstance(result, (list, tuple)) else [result]):
                seen[name] = value
            return result
        monkeypatch.setattr(module, method, call)

    keep(network.backbone, "forward", [f"feat{i}" for i in range(4)])
    for k in range(1, 5):
        keep(getattr(network, f"feats_cross{k}"), "depth", [f"feats_cross{k}_depth"])
    for name in ("decoder", "crf3", "crf2", "crf1", "crf0", "skip_feat1", "skip_feat2", "skip_feat3", "skip_feat4"):
        keep(getattr(network, name), "forward", [name])
    keep(network, "boundary_inputs", [*(f"feats_cross{k}_ob" for k in range(1, 5)), "fuse_aimg"])
    keep(network.disp_head, "forward", ["disp_head_uncropped"])
    keep(network.ob_decoder, "features", ["ob_decoder_feats"])
    keep(network.ob_decoder, "forward", [f"ob_decoder_out{i}_uncropped" for i in range(5)])
    return seen


def _sampled_error(stored, name, found) -> float:
    """Against a few channels, rows and columns of the first picture."""
    assert list(found.shape) == stored[f"{name}__shape"].tolist()

    def sample(size, count):
        spread = [0, 1, 2, 3, *range(size - 4, size), *np.round(np.linspace(0, size - 1, count)).astype(int)]
        return np.unique(np.clip(spread, 0, size - 1))

    rows, columns = sample(found.shape[2], 10), sample(found.shape[3], 14)
    part = found[:1].numpy()[:, stored[f"{name}__chan"]][..., rows[:, None], columns[None]]
    return float(np.abs(part - stored[name]).max())


@torch.no_grad()
def test_training_mode_is_that_of_the_official_code(golden, published):
    first = published.first
    before = {key: value.clone() for key, value in first.named_buffers()}
    rates = {module: module.drop_path for module in first.modules() if hasattr(module, "drop_path")}
    try:
        for module in rates:
            module.drop_path = 0.0
        found = named(*first.train()(golden.make_input(64, 96, 2)))
        stored = np.load(golden.folder / "modot_64x96_trainmode_nodroppath.npz")
        assert {name: error for name in found if not (error := worst(stored, name, found[name])) <= TOLERANCE} == {}
        for name in stored.files:
            if name.startswith("after__"):
                np.testing.assert_allclose(first.get_buffer(name.removeprefix("after__")), stored[name], atol=TOLERANCE)
    finally:
        first.eval()
        for module, rate in rates.items():
            module.drop_path = rate
        for key, value in before.items():
            first.get_buffer(key).copy_(value)


@pytest.mark.parametrize("name, millions", [("modot", 281.008), ("modot_ssr", 281.422)])
def test_parameter_counts_are_the_published_ones(name, millions):
    with torch.device("meta"):
        network = build_network(name)
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, abs=6e-4)


@pytest.fixture(scope="module", params=["modot", "modot_ssr"])
def tiny(request):
    torch.manual_seed(3)
    network = build_network(request.param, **TINY).eval()
    for parameter in network.parameters():                  # fresh biases are zero and would hide mistakes
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, mean=0.3, std=0.3)
    return network.requires_grad_(False)


def exact(network):
    twin = build_network("modot" if isinstance(network, Modot) else "modot_ssr", sizes="exact", **TINY).eval()
    twin.load_state_dict(network.state_dict())
    return twin


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (33, 47), (31, 100), (64, 96)])
def test_every_size_runs_in_both_modes(tiny, size):
    image = torch.randn(1, 3, *size)
    for network in (tiny, exact(tiny)):
        depth, boundaries = network(image)
        assert depth.shape == (1, 1, *size) and 0 < depth.min() and depth.max() < 10
        assert boundaries[-1].shape[-2:] == size and boundaries[-1].isfinite().all()


def test_modes_agree_on_multiples_of_32(tiny):
    image = torch.randn(2, 3, 64, 96)
    depth, boundaries = tiny(image)
    exact_depth, exact_boundaries = exact(tiny)(image)
    final = exact_boundaries[-1] if isinstance(tiny, Modot) else exact_boundaries
    assert len(boundaries) == 1
    torch.testing.assert_close(depth, exact_depth)
    torch.testing.assert_close(boundaries[0], final)


def test_aligned_sees_the_repeated_border_and_crops_it_away(tiny):
    image = torch.randn(1, 3, 50, 70)
    padded = torch.nn.functional.pad(image, (0, 26, 0, 14), mode="replicate")
    for found, expected in zip(tiny(image), tiny(padded)):
        found, expected = (x[0] if isinstance(x, list) else x for x in (found, expected))
        torch.testing.assert_close(found, expected[..., :50, :70])


def test_half_of_the_outputs_is_the_same_and_leaves_the_rest_out(tiny):
    image = torch.randn(1, 3, 32, 64)
    depth, boundaries = tiny(image)
    only_depth, nothing = tiny(image, boundary=False)
    assert nothing is None
    torch.testing.assert_close(only_depth, depth)
    nothing, only_boundaries = tiny(image, depth=False)
    assert nothing is None
    torch.testing.assert_close(only_boundaries[-1], boundaries[-1])


def test_a_batch_is_its_pictures_one_by_one(tiny):
    images = torch.randn(3, 3, 40, 72)
    together = tiny(images)[0]
    apart = torch.cat([tiny(image[None])[0] for image in images])
    torch.testing.assert_close(together, apart, atol=1e-5, rtol=1e-4)


def test_stochastic_depth_drops_whole_branches_of_single_pictures():
    torch.manual_seed(0)
    block = build_network("modot", **{**TINY, "drop_path": 0.5}).backbone.layers[3].blocks[0]
    assert block.drop_path == 0.5
    branch = block.train()._thinned(torch.ones(1000, 4), batch=100).view(100, 40)
    assert set(branch.unique().tolist()) == {0.0, 2.0} and (branch == branch[:, :1]).all()
    assert block.eval()._thinned(torch.ones(2, 4), batch=2).eq(1).all()


def test_unusable_configs_are_named():
    with pytest.raises(ValueError, match="'cropped'.*aligned, exact"):
        build_network("modot", sizes="cropped")
    with pytest.raises(ValueError, match="max_depth is -1"):
        build_network("modot_ssr", max_depth=-1)
    with pytest.raises(ValueError, match="colour"):
        build_network("modot_ssr", colour=1)
