# SPDX-License-Identifier: Apache-2.0
"""Both networks in exact mode against the published description written out: pad, roll, cut, crop, one step after the
other, on sizes that meet every odd case. The networks do the same by indices and with less work.
"""
from functools import partial

import pytest
import torch
from torch.nn import functional as F

from modot_ros.model import build_network
from modot_ros.model.fold import fold_batch_norms
from modot_ros.model.layers.windows import freeze_biases
from modot_ros.model.layers.winograd import use_winograd

TINY = {"channels": 32, "depths": (2, 2, 3, 2), "crf_channels": (32, 64, 128, 256), "psp_channels": 32,
        "image_channels": 16, "drop_path": 0.0}
MAX_DEPTH = 10.0
TOLERANCE = 5e-5
OFFSET = [(p // 7 - r // 7 + 6) * 13 + p % 7 - r % 7 + 6 for p in range(49) for r in range(49)]    # query, key


class Written:
    """The published forward pass over a state dict, in the order of the official description."""

    def __init__(self, state, prefix=""):
        self.state, self.prefix = state, prefix

    def __getitem__(self, key):
        return self.state.get(self.prefix + key)

    def under(self, prefix):
        return Written(self.state, self.prefix + prefix)

    def conv(self, x, key, padding=0, stride=1):
        return F.conv2d(x, self[f"{key}.weight"], self[f"{key}.bias"], stride=stride, padding=padding)

    def bn(self, x, key):
        parts = (self[f"{key}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *parts)

    def cbr(self, x, key, kernel, stride=1):
        return F.relu(self.bn(self.conv(x, f"{key}.conv", (kernel - 1) // 2, stride), f"{key}.bn"))

    def ln(self, x, key):
        return F.layer_norm(x, x.shape[-1:], self[f"{key}.weight"], self[f"{key}.bias"])

    def linear(self, x, key):
        return F.linear(x, self[f"{key}.weight"], self[f"{key}.bias"])

    def mlp(self, x, key):
        return self.linear(F.gelu(self.linear(x, f"{key}.fc1")), f"{key}.fc2")

    # Encoder

    def attention(self, q, k, v, key, shift, height, width):
        """q, k, v [N, height, width, C], padded and rolled; proj of what comes out, still rolled."""
        table, heads = self[f"{key}.relative_position_bias_table"], q.shape[-1] // 32
        q, k, v = (windows(x).unflatten(-1, (heads, 32)).transpose(1, 2) for x in (q, k, v))
        logits = q * 32 ** -0.5 @ k.transpose(-1, -2) + table[OFFSET].view(49, 49, heads).permute(2, 0, 1)
        if shift:
            label = windows(labels(height, width)[None, :, :, None])[..., 0]                # [windows, 49]
            apart = torch.where(label[:, :, None] == label[:, None], 0.0, -100.0)
            logits = logits + apart.repeat(len(logits) // len(apart), 1, 1)[:, None]
        found = self.linear((logits.softmax(-1) @ v).transpose(1, 2).flatten(2), f"{key}.proj")
        return unwindows(found, height, width)

    def swin_block(self, x, key, shift):
        height, width = x.shape[1:3]
        padded = F.pad(self.ln(x, f"{key}.norm1"), (0, 0, 0, -width % 7, 0, -height % 7))
        rolled = padded.roll((-shift, -shift), (1, 2))
        q, k, v = self.linear(rolled, f"{key}.attn.qkv").chunk(3, dim=-1)
        found = self.attention(q, k, v, f"{key}.attn", shift, *rolled.shape[1:3])
        x = x + found.roll((shift, shift), (1, 2))[:, :height, :width]
        return x + self.mlp(self.ln(x, f"{key}.norm2"), f"{key}.mlp")

    def encoder(self, image):
        image = F.pad(image, (0, -image.shape[3] % 4, 0, -image.shape[2] % 4))
        x = self.conv(image, "backbone.patch_embed.proj", stride=4).permute(0, 2, 3, 1)
        x = self.ln(x, "backbone.patch_embed.norm")
        features = []
        for i, depth in enumerate(TINY["depths"]):
            for j in range(depth):
                x = self.swin_block(x, f"backbone.layers.{i}.blocks.{j}", 3 * (j % 2))
            features.append(self.ln(x, f"backbone.norm{i}").permute(0, 3, 1, 2))
            if i < 3:
                x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
                x = torch.cat([x[:, r::2, c::2] for r, c in ((0, 0), (1, 0), (0, 1), (1, 1))], -1)
                merging = f"backbone.layers.{i}.downsample"
                x = self.linear(self.ln(x, f"{merging}.norm"), f"{merging}.reduction")
        return features

    # Depth

    def psp(self, feature):
        maps = [feature]
        for i, bins in enumerate((1, 2, 3, 6)):
            x = self.conv(F.adaptive_avg_pool2d(feature, bins), f"decoder.psp_modules.{i}.1.conv")
            gn = f"decoder.psp_modules.{i}.1.gn"
            x = F.relu(F.group_norm(x, x.shape[1] // 2, self[f"{gn}.weight"], self[f"{gn}.bias"]))
            maps.append(F.interpolate(x, size=feature.shape[2:], mode="bilinear"))
        return self.cbr(torch.cat(maps, 1), "decoder.bottleneck", 3)

    def crf(self, feature, above, key):
        x = self.conv(feature, f"{key}.proj_x", 1).permute(0, 2, 3, 1)
        v = self.conv(above, f"{key}.proj_v", 1).permute(0, 2, 3, 1)
        height, width = x.shape[1:3]
        right, bottom = -width % 7, -height % 7
        for j, shift in enumerate((0, 3)):
            block = f"{key}.crf_layer.blocks.{j}"
            padded = F.pad(self.ln(x, f"{block}.norm1"), (0, 0, 0, right, 0, bottom)).roll((-shift, -shift), (1, 2))
            values = F.pad(v, (0, 0, 0, right, 0, bottom)).roll((-shift, -shift), (1, 2))
            values = values[:, :height + bottom, :width + right]
            q, k = self.linear(padded, f"{block}.attn.qk").chunk(2, dim=-1)
            found = self.attention(q, k, values, f"{block}.attn", shift, height + bottom, width + right)
            x = x + found.roll((shift, shift), (1, 2))[:, :height, :width]
            x = x + self.mlp(self.ln(x, f"{block}.norm2"), f"{block}.mlp")
        return self.ln(x, f"{key}.norm_crf").permute(0, 3, 1, 2)

    # Coupling

    def channel_attention(self, x, key):
        def se(pooled):
            return self.conv(F.relu(self.conv(pooled, f"{key}.se.0")), f"{key}.se.2")
        return torch.sigmoid(se(x.amax((2, 3), keepdim=True)) + se(x.mean((2, 3), keepdim=True)))

    def strip(self, x, key, padding):
        x = F.relu(self.bn(self.conv(x, f"{key}.0", padding), f"{key}.1"))
        return self.bn(self.conv(x, f"{key}.3", padding), f"{key}.4")

    def casm(self, ob, depth, key):
        x = self.conv(torch.cat([ob, depth], 1), f"{key}.fuse_layer")
        short = F.relu(self.strip(x, f"{key}.sa.conv1", (0, 3)) + self.strip(x, f"{key}.sa.conv2", (3, 0)))
        long = F.relu(self.strip(x, f"{key}.sa.conv4", (0, 5)) + self.strip(x, f"{key}.sa.conv5", (5, 0)))
        plain = F.relu(self.bn(self.conv(x, f"{key}.sa.conv3.0", 1), f"{key}.sa.conv3.1"))
        fused = self.cbr(torch.cat([short, plain, long], 1), f"{key}.sa.conv_end", 1)
        return (ob + ob * self.channel_attention(depth, f"{key}.ca_depth"),
                fused + depth * self.channel_attention(ob, f"{key}.ca_ob") + depth)

    # Boundaries

    def image_path(self, image):
        c = image
        for i in range(8):
            c = self.cbr(c, f"ob_convolution.{i}", 1 if i in (0, 7) else 3)
        spatial = torch.cat([c.amax(1, keepdim=True), c.mean(1, keepdim=True)], 1)
        spatial = torch.sigmoid(self.conv(spatial, "sa_img.conv", 2))
        return self.cbr(torch.cat([self.channel_attention(c, "ca_img") * c + c, spatial * c + c], 1), "fuse_aimg", 1)

    def boundaries(self, maps):
        """Five maps before their crop, and the last features."""
        found, y = [], None
        for i, x in enumerate(maps):
            x = self.cbr(x, f"ob_decoder.half_features_op.{i}", 1)
            y = x if y is None else torch.cat([x, centre(y, *x.shape[2:])], 1)
            for k in range(2):
                y = self.cbr(y, f"ob_decoder.decoder_fuses.{i}.{k}", 3)
            if i < 4:
                up = partial(F.interpolate, mode="bilinear", align_corners=True)
                found.append(up(self.cbr(y, f"ob_decoder.out_upsamples.{i}.0.conv", 1), scale_factor=(16, 8, 4, 4)[i]))
                if i == 2:
                    y = self.conv(y, "ob_decoder.decoder_upsamples.2.0")
                else:
                    y = up(self.cbr(y, f"ob_decoder.decoder_upsamples.{i}.0.conv", 1), scale_factor=(2, 2, 0, 4)[i])
        found.append(self.conv(self.cbr(y, "ob_decoder.end.0", 3), "ob_decoder.end.1"))
        return found, y

    # Whole

    def modot(self, image):
        """Depth, five boundary maps, e0 and the boundary decoder's features."""
        size, features = image.shape[2:], self.encoder(image)
        e, maps = self.psp(features[3]), []
        for k in range(4):
            feature = features[3 - k]
            skipped = feature if k == 3 else F.interpolate(feature, scale_factor=2, mode="bilinear")
            o = self.cbr(skipped, f"skip_feat{k + 1}", 1)
            e = self.crf(feature, e, f"crf{3 - k}")
            o, e = self.casm(o, e if k == 3 else F.pixel_shuffle(e, 2), f"feats_cross{k + 1}")
            maps.append(o)
        depth = F.interpolate(torch.sigmoid(self.conv(e, "disp_head.conv1", 1)), scale_factor=4, mode="bilinear")
        found, decoded = self.boundaries([*maps, self.image_path(image)])
        return centre(depth, *size) * MAX_DEPTH, [centre(x, *size) for x in found], e, decoded

    def bottleneck(self, x, key):
        y = F.relu(self.bn(self.conv(x, f"{key}.conv1"), f"{key}.bn1"))
        y = F.relu(self.bn(self.conv(y, f"{key}.conv2", 1), f"{key}.bn2"))
        return F.relu(self.bn(self.conv(y, f"{key}.conv3"), f"{key}.bn3") + x)

    def ssr(self, image):
        size = image.shape[2:]
        _, _, e0, decoded = self.under("init_model.module.").modot(image)
        a = self.cbr(self.cbr(decoded, "double_ob.0", 3, 2), "double_ob.1", 1, 2)
        e = self.conv(e0, "conv_down")
        of, df = self.casm(a, e, "feats_cross_final")
        depth = self.conv(self.bottleneck(e + df, "heads.depth.0"), "heads.depth.1")
        depth = torch.sigmoid(F.interpolate(depth, size=size, mode="bilinear")) * MAX_DEPTH
        t = centre(F.interpolate(of, scale_factor=4, mode="bilinear"), *size) + decoded
        return depth, centre(self.conv(self.bottleneck(t, "ob_bottleneck"), "ob_conv_out_"), *size)


def windows(x):
    """[N, H, W, C] -> [N windows, 49, C]"""
    rows = x.unflatten(1, (-1, 7)).unflatten(3, (-1, 7))
    return rows.transpose(2, 3).flatten(0, 2).flatten(1, 2)


def unwindows(x, height, width):
    x = x.view(-1, height // 7, width // 7, 7, 7, x.shape[-1])
    return x.transpose(2, 3).flatten(1, 2).flatten(2, 3)


def labels(height, width):
    label = torch.zeros(height, width)
    for i, rows in enumerate((slice(0, -7), slice(-7, -3), slice(-3, None))):
        for j, columns in enumerate((slice(0, -7), slice(-7, -3), slice(-3, None))):
            label[rows, columns] = 3 * i + j
    return label


def centre(x, height, width):
    short = [max(0, wanted - there) for wanted, there in zip((height, width), x.shape[2:])]
    if any(short):
        top, left = (deficit // 2 + 1 if deficit else 0 for deficit in short)
        x = F.pad(x, (left, left, top, top))
    top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    return x[:, :, top:top + height, left:left + width]


@pytest.fixture(scope="module")
def state():
    generator = torch.Generator().manual_seed(11)
    found = build_network("modot_ssr", **TINY).state_dict()
    for key, value in found.items():
        if value.is_floating_point():
            noise = torch.rand(value.shape, generator=generator) * 2 - 1
            if value.ndim >= 2 and not key.endswith("table"):
                noise *= 1.5 * value[0].numel() ** -0.5
            elif key.endswith(("weight", "running_var")):
                noise = 1 + 0.4 * noise
            value.copy_(noise)
    return found


def network(name, state):
    built = build_network(name, sizes="exact", max_depth=MAX_DEPTH, **TINY).eval().requires_grad_(False)
    first = "init_model.module."
    built.load_state_dict(state if name == "modot_ssr" else
                          {key.removeprefix(first): value for key, value in state.items() if key.startswith(first)})
    return built


@pytest.mark.parametrize("size", [(1, 1), (4, 5), (33, 33), (65, 97), (96, 64), (97, 31), (129, 224), (121, 161)])
@torch.inference_mode()
def test_every_size_is_the_written_one(state, size):
    image = torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(1))
    depth, boundaries, _, _ = Written(state, "init_model.module.").modot(image)
    found_depth, found = network("modot", state)(image)
    torch.testing.assert_close(found_depth, depth, atol=TOLERANCE, rtol=0)
    for one, expected in zip(found, boundaries, strict=True):
        torch.testing.assert_close(one, expected, atol=TOLERANCE, rtol=TOLERANCE)
    assert depth.std() > 0.1 or max(size) < 8


@pytest.mark.parametrize("size", [(1, 1), (33, 33), (65, 97), (97, 31), (121, 161)])
@torch.inference_mode()
def test_every_size_of_the_second_stage_is_the_written_one(state, size):
    image = torch.randn(1, 3, *size, generator=torch.Generator().manual_seed(2))
    expected = Written(state).ssr(image)
    bare = network("modot_ssr", state)
    for found, wanted in zip(bare(image), expected, strict=True):
        torch.testing.assert_close(found, wanted, atol=TOLERANCE, rtol=TOLERANCE)
    ready = use_winograd(freeze_biases(fold_batch_norms(bare)).to(memory_format=torch.channels_last))
    for found, wanted in zip(ready(image), expected, strict=True):
        torch.testing.assert_close(found, wanted, atol=TOLERANCE, rtol=TOLERANCE)
