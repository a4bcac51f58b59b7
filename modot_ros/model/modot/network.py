# SPDX-License-Identifier: Apache-2.0
"""MoDOT: depth and occlusion boundaries from one picture, each helping the other (WACV 2026).

A Swin encoder; NewCRF decoders for depth, fed by pyramid pooling; a boundary decoder, fed by the encoder and by the
image path (EIP); a CASM at every scale that couples the two. Keys, shapes and buffers are those of the official
checkpoints, and so are the outputs.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modot_ros.model.layers.casm import CASM, ChannelAttention, ConvBnRelu
from modot_ros.model.layers.middle import centre_crop
from modot_ros.model.layers.swin import Swin
from modot_ros.model.modot.boundary_decoder import BoundaryDecoder
from modot_ros.model.modot.image_path import SpatialAttention, image_convolutions, image_features
from modot_ros.model.modot.newcrf import NewCrf
from modot_ros.model.modot.psp import PyramidPooling

SIZES = ("aligned", "exact")
STRIDE = 32


class Skip(ConvBnRelu):
    """Encoder features at twice their size, to the boundary decoder's width. [N, in, h, w] -> [N, out, 2 h, 2 w].

    The enlarging comes first; in evaluation the cheaper other order gives the same, for both are linear up to the ReLU.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return self.relu(self.bn(self.conv(_enlarged(x, 2))))
        return self.relu(_enlarged(self.bn(self.conv(x)), 2))


class DepthHead(nn.Module):
    """Share of the largest depth, 0..1. [N, D, h, w] -> [N, 1, 4 h, 4 w]; the sigmoid comes before the enlarging."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return _enlarged(torch.sigmoid(self.conv1(x).float()), 4)


class Modot(nn.Module):
    """The published network; the defaults are MoDOT with Swin-L.

    Args:
        sizes: "exact" treats every picture size as the official code does and returns all that it returns; outputs are
            up to a few pixels off where a side is no multiple of 32. "aligned" pads at the right and bottom to a
            multiple of 32 and crops what it added, and in evaluation returns the final boundary map only.
        max_depth: largest depth, in the unit of the training data. 10 for NYUD-MT and OB-FUTURE, 100 for OB-Hypersim.
        channels: of the encoder's first stage, a multiple of 32.
        depths: blocks of the encoder's four stages.
        crf_channels: of the depth decoders at strides 4, 8, 16, 32, multiples of 32; a fourth of the last three and
            the first itself are the widths at which depth meets boundaries.
        psp_channels: of the pyramid pooling.
        image_channels: of the image path.
        drop_path: of the encoder's last block, in training.
    Raises ValueError for another `sizes` or a `max_depth` that is not positive.
    """

    def __init__(self, sizes: str = "aligned", max_depth: float = 10.0, channels: int = 192,
                 depths: tuple[int, ...] = (2, 2, 18, 2), crf_channels: tuple[int, ...] = (128, 256, 512, 1024),
                 psp_channels: int = 512, image_channels: int = 64, drop_path: float = 0.3) -> None:
        super().__init__()
        if sizes not in SIZES:
            raise ValueError(f"sizes is {sizes!r}: choose one of {', '.join(SIZES)}")
        if not max_depth > 0:
            raise ValueError(f"max_depth is {max_depth}: it must be positive")
        self.sizes, self.max_depth = sizes, float(max_depth)
        f0, f1, f2, f3 = (channels << i for i in range(4))
        d0, d1, d2, d3 = crf_channels
        e0, e1, e2, e3 = d0, d1 // 4, d2 // 4, d3 // 4
        self.backbone = Swin(channels, depths, drop_path)
        self.crf3 = NewCrf(f3, psp_channels, d3)
        self.crf2 = NewCrf(f2, e3, d2)
        self.crf1 = NewCrf(f1, e2, d1)
        self.crf0 = NewCrf(f0, e1, d0)
        self.decoder = PyramidPooling(f3, psp_channels)
        self.disp_head = DepthHead(e0)
        self.skip_feat1 = Skip(f3, e3)
        self.skip_feat2 = Skip(f2, e2)
        self.skip_feat3 = Skip(f1, e1)
        self.skip_feat4 = ConvBnRelu(f0, e0, kernel=1)
        self.ob_convolution = image_convolutions(image_channels)
        self.ca_img = ChannelAttention(image_channels, reduction=4)
        self.sa_img = SpatialAttention()
        self.fuse_aimg = ConvBnRelu(2 * image_channels, image_channels, kernel=1)
        self.feats_cross1 = CASM(e3)
        self.feats_cross2 = CASM(e2)
        self.feats_cross3 = CASM(e1)
        self.feats_cross4 = CASM(e0)
        self.ob_decoder = BoundaryDecoder((e3, e2, e1, e0, image_channels))

    min_depth_m = 0.0

    @property
    def max_depth_m(self) -> float:
        """Largest depth, for weights whose `max_depth` is in metres: those of a LoadedNetwork are."""
        return self.max_depth

    def coupled(self, image: Tensor, depth: bool = True, boundary: bool = True
                ) -> tuple[Tensor | None, list[Tensor]]:
        """Encoder and both decoders' coupling: depth features e0 [N, e0, h0, w0] and boundary features o3, o2, o1, o0.

        Without `depth` e0 is None, without `boundary` the list is empty; what only they need is not computed.
        """
        f0, f1, f2, f3 = self.backbone(image)
        e = self.decoder(f3)
        maps: list[Tensor] = []
        for feature, crf, skip, cross in ((f3, self.crf3, self.skip_feat1, self.feats_cross1),
                                          (f2, self.crf2, self.skip_feat2, self.feats_cross2),
                                          (f1, self.crf1, self.skip_feat3, self.feats_cross3),
                                          (f0, self.crf0, self.skip_feat4, self.feats_cross4)):
            last = feature is f0
            e, o = crf(feature, e), skip(feature)
            if not last:
                e = F.pixel_shuffle(e, 2)
            if boundary:
                maps.append(cross.boundary(o, e))
            e = cross.depth(o, e) if depth or not last else None
        return e, maps

    def boundary_inputs(self, image: Tensor, maps: list[Tensor]) -> list[Tensor]:
        """Input of the boundary decoder: the coupled features and the image path's."""
        return [*maps, image_features(image, self.ob_convolution, self.ca_img, self.sa_img, self.fuse_aimg)]

    def forward(self, image: Tensor, depth: bool = True, boundary: bool = True
                ) -> tuple[Tensor | None, list[Tensor] | None]:
        """One batch of pictures through the network.

        Args:
            image: [N, 3, H, W] float, normalised by the ImageNet mean and deviation.
            depth, boundary: False skips what only this output needs and returns None in its place.

        Returns:
            Depth [N, 1, H, W] in (0, max_depth), and boundary logits [N, 1, H, W]: auxiliary maps at strides 16, 8, 4, 4
            and the final one last; when aligned and in evaluation, only the final one.
        """
        height, width = image.shape[-2:]
        image = self.fitted(image)
        e0, maps = self.coupled(image, depth, boundary)
        depths = logits = None
        if depth:
            depths = self.cropped(self.disp_head(e0), height, width) * self.max_depth
        if boundary:
            found = self.ob_decoder(self.boundary_inputs(image, maps), self.sizes == "exact" or self.training)
            logits = [self.cropped(x, height, width) for x in found]
        return depths, logits

    def fitted(self, image: Tensor) -> Tensor:
        """The picture that the network sees: when aligned, its border repeated up to multiples of 32."""
        bottom, right = -int(image.shape[-2]) % STRIDE, -int(image.shape[-1]) % STRIDE
        if self.sizes == "exact" or not (bottom or right):
            return image
        return F.pad(image, (0, right, 0, bottom), mode="replicate")

    def cropped(self, x: Tensor, height: int, width: int) -> Tensor:
        """The picture's part of an output: the middle in the official code, the top left when aligned."""
        return centre_crop(x, height, width) if self.sizes == "exact" else x[..., :height, :width]


def _enlarged(x: Tensor, factor: int) -> Tensor:
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
