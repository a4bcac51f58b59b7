# SPDX-License-Identifier: Apache-2.0
"""InstaOrder's networks against the outputs of the official ones, and their two halves against the whole."""
import numpy as np
import pytest
import torch

from modot_ros.model import build_network
from modot_ros.model.instaorder.networks import InstaDepthNet, InstaOrderNet

TINY = {"planes": 4, "blocks": (1, 1, 1, 1)}
TINY_DEPTH = {**TINY, "groups": 2, "channels": 8, "order_blocks": (1, 1, 1, 1)}


def answers(network, rgb, mask_a, mask_b):
    """Outputs by the goldens' names."""
    if isinstance(network, InstaDepthNet):
        disparity, depth, occlusion = network(rgb, mask_a, mask_b)
        return {"disp": disparity, "depth": depth} | ({} if occlusion is None else {"occ": occlusion})
    out = network(torch.cat([mask_a, mask_b, rgb], dim=1))
    return dict(zip(("occ", "depth"), out)) if isinstance(out, tuple) else {"out": out}


def check(network, stored, size, order, rgb, mask_a, mask_b):
    for name, found in answers(network, rgb, mask_a, mask_b).items():
        torch.testing.assert_close(found, torch.from_numpy(stored[f"{size}/{name}_{order}"]), rtol=0,
                                   atol=1e-3 if name == "disp" else 1e-4)


@pytest.mark.parametrize("name, file", [
    ("instaordernet_o", "InstaOrderNet_o"), ("instaordernet_d", "InstaOrderNet_d"),
    ("instaordernet_od", "InstaOrderNet_od"), ("ordernet", "OrderNet"), ("ordernet_ext", "OrderNet_ext"),
    ("instadepthnet_d", "InstaDepthNet_d"), ("instadepthnet_od", "InstaDepthNet_od")])
@torch.inference_mode()
def test_outputs_and_features_are_the_official_ones(order_golden, order_network, name, file):
    network = order_network(name)
    with np.load(order_golden.folder / f"net_{file}.npz") as stored:
        for size in sorted({key.split("/")[0] for key in stored.files} - {"256x256", "384x384"}):
            height, width = (int(side) for side in size.split("x"))
            rgb, first, second = order_golden.net_input(2 if size == "64x64" else 1, height, width)
            parts = {key: key.split("/feat/")[1] for key in stored.files if key.startswith(f"{size}/feat/")}
            seen = {}
            hooks = [network.get_submodule(part).register_forward_hook(
                lambda module, inputs, out, key=key: seen.__setitem__(key, out[:1, :6, :4, :4].clone()))
                for key, part in parts.items()]
            check(network, stored, size, "ab", rgb, first, second)
            for hook in hooks:
                hook.remove()
            check(network, stored, size, "ba", rgb, second, first)
            assert seen.keys() == parts.keys()
            for key, feature in seen.items():
                torch.testing.assert_close(feature, torch.from_numpy(stored[key]), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("name", ["instaordernet_o", "instaordernet_d", "instaordernet_od", "ordernet", "ordernet_ext",
                                  "instadepthnet_d", "instadepthnet_od", "pcnet_m"])
def test_names_and_outputs_are_those_in_the_repository(order_network, same_as_stored, name):
    same_as_stored(name, order_network(name))


@pytest.mark.parametrize("name, file", [("instaordernet_od", "InstaOrderNet_od"),
                                        ("instadepthnet_od", "InstaDepthNet_od")])
@torch.inference_mode()
def test_outputs_are_the_official_ones_at_the_size_of_the_evaluation(order_golden, order_network, name, file):
    rgb, first, second = order_golden.net_input(1, 384, 384)
    with np.load(order_golden.folder / f"net_{file}.npz") as stored:
        check(order_network(name), stored, "384x384", "ab", rgb, first, second)


@pytest.mark.parametrize("name, config, passed", [
    ("instaordernet_o", TINY, ("occlusion",)), ("instaordernet_d", TINY, ("depth",)),
    ("instaordernet_od", TINY, ("occlusion", "depth")), ("ordernet", TINY, ("class",)),
    ("ordernet_ext", TINY, ("class",)),
    ("instadepthnet_d", TINY_DEPTH, ("depth",)), ("instadepthnet_od", TINY_DEPTH, ("depth", "occlusion"))])
@torch.inference_mode()
def test_the_halves_of_a_network_make_the_whole_and_one_picture_serves_many_masks(lively, name, config, passed):
    torch.manual_seed(0)
    network = lively(build_network(name, **config))
    rgb, masks = torch.randn(1, 3, 64, 96), (torch.rand(3, 2, 64, 96) > 0.5).float()
    found = network.logits(network.encode(rgb), masks)
    assert tuple(found) == tuple(network.classes) == passed
    for k, (first, second) in enumerate(masks):
        whole = answers(network, rgb, first[None, None], second[None, None])
        for key, value in found.items():
            expected = whole.get({"occlusion": "occ"}.get(key, key), whole.get("out"))
            torch.testing.assert_close(value[k:k + 1], expected, rtol=1e-4, atol=1e-6)
            assert value.shape == (3, network.classes[key])


@torch.inference_mode()
def test_disparity_sees_no_masks_and_orders_see_the_picture(lively):
    torch.manual_seed(0)
    network = lively(build_network("instadepthnet_od", **TINY_DEPTH))
    rgb, (first, second) = torch.rand(1, 3, 64, 64), (torch.rand(2, 1, 1, 64, 64) > 0.5).float()
    disparity, depth, occlusion = network(rgb, first, second)
    swapped = network(rgb, second, first)
    assert disparity.shape == (1, 64, 64) and disparity.min() >= 0
    torch.testing.assert_close(disparity, swapped[0], rtol=0, atol=0)
    assert not torch.equal(depth, swapped[1]) and not torch.equal(occlusion, swapped[2])
    assert not torch.equal(depth, network(rgb + 1, first, second)[1])


def test_fresh_weights_are_drawn_as_in_the_authors_training():
    torch.manual_seed(0)
    network = InstaOrderNet({"occlusion": 2}, "patch", 256, planes=32, blocks=(1, 1, 1, 1)).requires_grad_(False)
    weight = network.layer4[0].conv2.weight                     # xavier: variance 2 / (fan in + fan out), gain 0.02
    assert float(weight.std()) == pytest.approx(0.02 * (2 / (9 * 2 * 256)) ** 0.5, rel=0.01)
    assert network.layer4[0].bn3.weight.mean().item() == pytest.approx(1.0, abs=0.005)
    assert not network.fc.bias.any()


def test_what_cannot_be_built_is_named():
    with pytest.raises(ValueError, match="'instaordernet_x'.*instaordernet_od.*pcnet_m"):
        build_network("instaordernet_x")
    with pytest.raises(ValueError, match="config .*wings.*instadepthnet_d"):
        build_network("instadepthnet_d", wings=2)
