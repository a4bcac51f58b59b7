# SPDX-License-Identifier: Apache-2.0
"""Windows by index against windows by padding, rolling and cutting, as the Swin paper words it."""
import pytest
import torch
from torch.nn import functional as F

from modot_ros.model.layers.swin import SwinAttention
from modot_ros.model.layers.windows import HEAD_CHANNELS, cut, freeze_biases, relative_position_index, remembered, value_rows
from modot_ros.model.modot.newcrf import CrfLayer

CPU = torch.device("cpu")


def in_windows(x):
    """[N, H, W, C] -> [N windows, 49, C]"""
    n, height, width, channels = x.shape
    return x.view(n, height // 7, 7, width // 7, 7, channels).transpose(2, 3).reshape(-1, 49, channels)


def from_windows(x, n, height, width):
    return x.view(n, height // 7, width // 7, 7, 7, -1).transpose(2, 3).reshape(n, height, width, -1)


def bias_of(attention):
    return attention.relative_position_bias_table[attention.relative_position_index].permute(2, 0, 1)


def rolled_mask(height, width, shift):
    """[windows, 1, 49, 49] by the paper: regions are numbered on the rolled grid."""
    region = torch.zeros(1, height, width, 1)
    for i, rows in enumerate((slice(0, -7), slice(-7, -3), slice(-3, None))):
        for j, columns in enumerate((slice(0, -7), slice(-7, -3), slice(-3, None))):
            region[:, rows, columns] = 3 * i + j
    region = in_windows(region)[..., 0]
    return torch.where(region[:, :, None] == region[:, None], 0.0, -100.0)[:, None] if shift else 0.0


def swin_attention_by_rolling(attention, x, shift):
    n, height, width, channels = x.shape
    x = F.pad(x, (0, 0, 0, -width % 7, 0, -height % 7))
    rows, columns = x.shape[1:3]
    windows = in_windows(x.roll((-shift, -shift), (1, 2)))
    q, k, v = attention.qkv(windows).view(-1, 49, 3, channels // HEAD_CHANNELS, HEAD_CHANNELS).permute(2, 0, 3, 1, 4)
    mask = rolled_mask(rows, columns, shift)
    logits = q @ k.transpose(-1, -2) * HEAD_CHANNELS ** -0.5 + bias_of(attention)
    logits = logits + (mask.repeat(n, 1, 1, 1) if shift else 0.0)
    found = attention.proj((logits.softmax(-1) @ v).transpose(1, 2).reshape(-1, 49, channels))
    return from_windows(found, n, rows, columns).roll((shift, shift), (1, 2))[:, :height, :width]


def randomised(module):
    torch.manual_seed(0)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return module


@pytest.mark.parametrize("shift", [0, 3])
@pytest.mark.parametrize("size", [(1, 1), (7, 14), (10, 5), (15, 22)])
def test_attention_is_that_of_a_padded_and_rolled_grid(size, shift):
    attention = randomised(SwinAttention(64))
    x = torch.randn(2, *size, 64)
    expected = swin_attention_by_rolling(attention, x, shift)
    found = attention(x.view(-1, 64), cut(2, *size, shift, CPU)).view(x.shape)
    torch.testing.assert_close(found, expected, atol=2e-4, rtol=1e-4)


@pytest.mark.parametrize("size, value_size", [((7, 7), (7, 7)), ((9, 13), (10, 13)), ((13, 7), (14, 8)), ((3, 5), (4, 6))])
def test_values_of_a_larger_grid_are_rolled_before_they_are_cropped(size, value_size):
    layer = randomised(CrfLayer(32)).eval()
    x, v = torch.randn(2, *size, 32), torch.randn(2, *value_size, 32)
    expected = x
    for block, shift in zip(layer.blocks, (0, 3)):
        right, bottom = -size[1] % 7, -size[0] % 7
        rows, columns = size[0] + bottom, size[1] + right
        padded = F.pad(block.norm1(expected), (0, 0, 0, right, 0, bottom)).roll((-shift, -shift), (1, 2))
        values = F.pad(v, (0, 0, 0, right, 0, bottom)).roll((-shift, -shift), (1, 2))[:, :rows, :columns]
        q, k = block.attn.qk(in_windows(padded)).view(-1, 49, 2, 1, 32).permute(2, 0, 3, 1, 4)
        mask = rolled_mask(rows, columns, shift)
        logits = q @ k.transpose(-1, -2) * 32 ** -0.5 + bias_of(block.attn) + (mask.repeat(2, 1, 1, 1) if shift else 0.0)
        found = block.attn.proj((logits.softmax(-1) @ in_windows(values)[:, None]).transpose(1, 2).reshape(-1, 49, 32))
        expected = expected + from_windows(found, 2, rows, columns).roll((shift, shift), (1, 2))[:, :size[0], :size[1]]
        expected = expected + block.mlp(block.norm2(expected))
    torch.testing.assert_close(layer(x, v), expected, atol=2e-4, rtol=1e-4)


def test_the_index_counts_offsets_from_the_query():
    index = relative_position_index()
    assert index[0, :9].tolist() == [84, 83, 82, 81, 80, 79, 78, 71, 70]
    assert index[48, 0] == 168 and index[0, 48] == 0 and (index.diagonal() == 84).all()


def test_masks_are_of_the_padded_size_not_of_the_number_of_windows():
    flat, tall = cut(1, 21, 28, 3, CPU), cut(1, 28, 21, 3, CPU)
    assert flat.windows == tall.windows == 12 and not torch.equal(flat.mask, tall.mask)
    assert cut(1, 21, 28, 0, CPU).mask is None
    single = cut(1, 5, 5, 3, CPU).mask[0, 0]                # one window: its rows 0-3 and 4-6 are apart
    assert single[0, 3 * 7] == 0 and single[0, 4 * 7] == -100 and single[6 * 7, 4 * 7] == 0


def test_rows_of_a_picture_stay_its_own():
    rows = value_rows(3, 4, 4, 5, 5, 0, CPU).view(3, 49)
    for k in range(3):
        real = rows[k][rows[k] < 75]
        assert (real // 25 == k).all()


def test_kept_biases_follow_the_size_and_stay_out_of_the_state():
    attention = randomised(SwinAttention(32)).requires_grad_(False)
    keys = list(attention.state_dict())
    x, y = torch.randn(15 * 8, 32), torch.randn(8 * 15, 32)
    first, second = cut(1, 15, 8, 3, CPU), cut(1, 8, 15, 3, CPU)
    expected = attention(x, first), attention(y, second)
    freeze_biases(attention)
    for _ in range(2):
        torch.testing.assert_close(attention(x, first), expected[0])
        torch.testing.assert_close(attention(y, second), expected[1])
    assert attention.bias(first) is attention.bias(first) and list(attention.state_dict()) == keys
    assert {id(first), id(attention._kept)} <= {id(kept) for kept in remembered(attention)}


def test_a_size_is_cut_once():
    assert cut(1, 3, 3, 0, CPU) is cut(1, 3, 3, 0, CPU) is not cut(1, 3, 3, 3, CPU)


@pytest.mark.parametrize("size", [(5, 5), (13, 24)])
def test_windows_of_12_are_those_of_a_padded_and_rolled_grid(size):
    attention = randomised(SwinAttention(32, window=12)).requires_grad_(False)
    x = torch.randn(1, *size, 32)
    rows, columns = (side + -side % 12 for side in size)
    rolled = F.pad(x, (0, 0, 0, columns - size[1], 0, rows - size[0])).roll((-6, -6), (1, 2))
    tiles = rolled.view(rows // 12, 12, columns // 12, 12, 32).transpose(1, 2).reshape(-1, 144, 32)
    band = [torch.arange(side).ge(side - 12).int() + torch.arange(side).ge(side - 6).int() for side in (rows, columns)]
    region = (3 * band[0][:, None] + band[1]).view(rows // 12, 12, columns // 12, 12).transpose(1, 2).reshape(-1, 144)
    q, k, v = attention.qkv(tiles).chunk(3, -1)
    logits = q @ k.transpose(1, 2) * 32 ** -0.5 + bias_of(attention)
    logits = torch.where(region[:, :, None] == region[:, None], logits, logits - 100)
    found = attention.proj(logits.softmax(-1) @ v).view(rows // 12, columns // 12, 12, 12, 32).transpose(1, 2)
    expected = found.reshape(1, rows, columns, 32).roll((6, 6), (1, 2))[:, :size[0], :size[1]]
    own = attention(x.view(-1, 32), cut(1, *size, 6, CPU, window=12)).view(x.shape)
    torch.testing.assert_close(own, expected, atol=2e-4, rtol=1e-4)


def test_sizes_of_two_windows_are_not_mixed_up():
    assert cut(1, 24, 24, 0, CPU, window=12).windows == 4 and cut(1, 24, 24, 0, CPU).windows == 16
