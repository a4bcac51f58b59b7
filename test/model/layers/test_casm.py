# SPDX-License-Identifier: Apache-2.0
"""The coupling of both decoders against the same sums written out, and small cases by hand."""
import pytest
import torch
from torch.nn import functional as F

from modot_ros.model.layers.casm import CASM, ChannelAttention, StripFuse

C = 8


@pytest.fixture
def casm():
    torch.manual_seed(0)
    module = CASM(C, reduction=4, strip_channels=4)
    for buffer in module.buffers():                         # fresh norms would hide a norm that is left out
        if buffer.is_floating_point():
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    return module.eval()


@pytest.fixture
def maps():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, C, 9, 13, generator=generator), torch.randn(2, C, 9, 13, generator=generator)


def attention(state, name, x):
    down, up = state[f"{name}.se.0.weight"], state[f"{name}.se.2.weight"]
    pooled = (x.amax(dim=(2, 3), keepdim=True), x.mean(dim=(2, 3), keepdim=True))
    return torch.sigmoid(sum(F.conv2d(F.relu(F.conv2d(p, down)), up) for p in pooled))


def normed(state, name, x):
    return F.batch_norm(x, *(state[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")))


def strips(state, name, x, padding):
    for k in (0, 3):
        x = F.relu(x) if k else x
        x = F.conv2d(x, state[f"{name}.{k}.weight"], state[f"{name}.{k}.bias"], padding=padding)
        x = normed(state, f"{name}.{k + 1}", x)
    return x


@torch.inference_mode()
def test_wiring_is_the_papers(casm, maps):
    (ob, depth), state = maps, casm.state_dict()
    fused = F.conv2d(torch.cat([ob, depth], 1), state["fuse_layer.weight"], state["fuse_layer.bias"])
    plain = F.relu(normed(state, "sa.conv3.1", F.conv2d(fused, state["sa.conv3.0.weight"], state["sa.conv3.0.bias"], padding=1)))
    short = F.relu(strips(state, "sa.conv1", fused, (0, 3)) + strips(state, "sa.conv2", fused, (3, 0)))
    long = F.relu(strips(state, "sa.conv4", fused, (0, 5)) + strips(state, "sa.conv5", fused, (5, 0)))
    end = F.conv2d(torch.cat([short, plain, long], 1), state["sa.conv_end.conv.weight"])
    strip_map = F.relu(normed(state, "sa.conv_end.bn", end))
    expected_ob = ob + ob * attention(state, "ca_depth", depth)
    expected_depth = strip_map + depth * attention(state, "ca_ob", ob) + depth

    found_ob, found_depth = casm(ob, depth)
    torch.testing.assert_close(found_ob, expected_ob)
    torch.testing.assert_close(found_depth, expected_depth)


@torch.inference_mode()
def test_each_branch_alone_is_that_branch_of_both(casm, maps):
    found_ob, found_depth = casm(*maps)
    assert torch.equal(casm.boundary(*maps), found_ob)
    assert torch.equal(casm.depth(*maps), found_depth)


def test_channel_attention_by_hand():
    module = ChannelAttention(2, reduction=2)               # one value in the bottleneck
    with torch.no_grad():
        module.se[0].weight.copy_(torch.tensor([[1.0, -1.0]]).reshape(1, 2, 1, 1))
        module.se[2].weight.copy_(torch.tensor([[1.0], [2.0]]).reshape(2, 1, 1, 1))
    x = torch.tensor([[[[4.0, 0.0]], [[1.0, 1.0]]]])        # largest (4, 1), mean (2, 1): bottleneck 3 and 1
    expected = torch.sigmoid(torch.tensor([3.0 + 1.0, 6.0 + 2.0]))
    torch.testing.assert_close(module(x).flatten(), expected)


@torch.inference_mode()
def test_strips_reach_twice_their_half_length_along_rows_and_columns_only():
    module = StripFuse(2, 2, kernels=(3, 7)).eval()
    for parameter in module.parameters():
        parameter.fill_(1.0)                                # no ReLU hides anything
    x = torch.zeros(1, 2, 21, 21)
    spot = x.clone()
    spot[..., 10, 10] = 50.0
    changed = (module(spot) != module(x)).any(dim=1)[0]
    expected = torch.zeros(21, 21, dtype=torch.bool)
    expected[10, 4:17] = expected[4:17, 10] = True
    expected[9:12, 9:12] = True
    assert torch.equal(changed, expected)


@pytest.mark.parametrize("kernels", [(4, 7), (7, 0), (-1, 3)])
def test_strip_lengths_that_shift_the_map_are_named(kernels):
    with pytest.raises(ValueError, match=rf"kernels=\({kernels[0]}, {kernels[1]}\).*odd"):
        StripFuse(2, 2, kernels)
