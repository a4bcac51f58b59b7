# SPDX-License-Identifier: Apache-2.0
"""`modot_lite`: joint depth, its uncertainty and occlusion boundaries on a pretrained encoder.

MoDOT's plan (WACV 2026) as in `modot_nano`: pyramid pooling, a depth and a boundary decoder coupled by CASM at three
scales, and an image path that keeps boundaries crisp. The encoder is EfficientNet-Lite0 with ImageNet weights and sees the
whole picture. A third head gives the standard deviation of ln z per pixel (heteroscedastic regression; Kendall and Gal,
NIPS 2017), which is large where the picture can't tell.
"""
from __future__ import annotations

from torch import Tensor, nn

from modot_ros.model.layers.coupled import START_DEPTH_M, CoupledDecoders, GlobalBlock, PixelHead, UncertaintyHead
from modot_ros.model.lite.encoder import FEATURES, EfficientNetLite0
from modot_ros.model.preprocess import STRIDE


class ModotLite(CoupledDecoders):
    """Image -> metric depth in the canonical camera, occlusion boundary logits, standard deviation of ln z.

    Args:
        decoder_channels: widths of both decoders at strides 16, 8, 4.
        global_blocks: attention blocks on the context at stride 32.
        detail_channels: width of the image path and of the heads.
        min_depth_m, max_depth_m: range of z; the network predicts its logarithm, bounded by a sigmoid.

    Raises ValueError for a range that START_DEPTH_M is not inside of.
    """

    has_uncertainty = True

    def __init__(self, decoder_channels: tuple[int, ...] = (128, 64, 32), global_blocks: int = 2, detail_channels: int = 16,
                 min_depth_m: float = 0.1, max_depth_m: float = 40.0) -> None:
        super().__init__()
        self.encoder = EfficientNetLite0()
        above = self.build_decoders(FEATURES, decoder_channels, detail_channels, min_depth_m, max_depth_m)
        self.attention = nn.Sequential(*(GlobalBlock(decoder_channels[0]) for _ in range(global_blocks)))
        self.depth_head = PixelHead(above, detail_channels, bias=self._logit_of(START_DEPTH_M))
        self.boundary_head = PixelHead(above // 2, detail_channels, bias=-2.0)
        self.uncertainty_head = UncertaintyHead(above, decoder_channels[0], detail_channels)

    def pretrained(self) -> nn.Module:
        """The part whose weights come from another task: trained at a lower rate, with its statistics as they are."""
        return self.encoder

    def forward(self, image: Tensor, depth: bool = True, boundary: bool = True
                ) -> tuple[Tensor | None, list[Tensor] | None, Tensor | None]:
        """One picture through both branches.

        Args:
            image: [N, 3, h, w] float, normalised by the ImageNet mean and deviation; h and w multiples of 32.
            depth, boundary: False skips that head and returns None in its place.

        Returns:
            z in metres for the canonical camera [N, 1, h, w]; boundary logits [N, 1, h, w], in training three auxiliary
            maps before the final one; standard deviation of ln z [N, 1, h, w], None without depth.
        """
        if image.shape[-2] % STRIDE or image.shape[-1] % STRIDE:
            raise ValueError(f"image is {image.shape[-1]}x{image.shape[-2]}: both sides must be multiples of {STRIDE}")
        *features, f32 = self.encoder(image)
        context = self.attention(self.context(f32))
        e, obs = self.couple(features, context)
        detail = self.image_path(image)
        depth_m = log_depth_std = logits = None
        if depth:
            depth_m, log_depth_std = self.metres(self.depth_head(e, detail)), self.uncertainty_head(e, context, image)
        if boundary:
            y, logits = self.fuse_boundaries(obs, image)
            logits = [*logits, self.boundary_head(y, detail)]
        return depth_m, logits, log_depth_std
