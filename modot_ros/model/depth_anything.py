# SPDX-License-Identifier: Apache-2.0
"""Depth Anything V2 through the package `transformers`: strong zero-shot depth, its boundaries taken from the depth map.

Yang et al., "Depth Anything V2" (NeurIPS 2024). The relative models predict inverse depth up to scale and shift, the metric
indoor ones z in metres for cameras like Hypersim's. Weights come from the Hugging Face hub on first use, or from a folder
that `save_pretrained` or `huggingface-cli download` made. The small ones are under Apache-2.0, the others CC BY-NC 4.0.
"""
from __future__ import annotations

import math
from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional as F

from modot_ros.model.disparity import relative_inverse, step_logits

# Where the authors' weights are, by our names.
HUB = {**{f"depth_anything_v2_{size}": f"depth-anything/Depth-Anything-V2-{size.capitalize()}-hf"
          for size in ("small", "base", "large")},
       **{f"depth_anything_v2_metric_indoor_{size}": f"depth-anything/Depth-Anything-V2-Metric-Indoor-{size.capitalize()}-hf"
          for size in ("small", "base", "large")}}
WORKING_SIZE = (686, 518)                               # 518 is the side that they were trained with
PATCH = 14


class DepthAnything(nn.Module):
    """A `DepthAnythingForDepthEstimation` that answers as our networks do."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.depth_kind = "metric" if model.config.depth_estimation_type == "metric" else "relative"
        self.max_depth_m = float(model.config.max_depth) if self.depth_kind == "metric" else math.inf

    def forward(self, image: Tensor, depth: bool = True,
                boundary: bool = True) -> tuple[Tensor | None, list[Tensor] | None]:
        """One picture.

        Args:
            image: [N, 3, h, w], normalised by the ImageNet mean and deviation.
            depth, boundary: False returns None in its place.

        Returns:
            [N, 1, h, w] z in metres, or relative depth from 1 (nearest) up; boundary logits [N, 1, h, w], the only map.
        """
        size = image.shape[-2:]
        fitted = [PATCH * max(1, round(side / PATCH)) for side in size]
        predicted = self.model(F.interpolate(image, size=fitted, mode="bilinear", align_corners=False)).predicted_depth
        predicted = F.interpolate(predicted[:, None].float(), size=size, mode="bilinear", align_corners=False)
        inverse = 1.0 / predicted.clamp(min=1e-3) if self.depth_kind == "metric" else relative_inverse(predicted)
        return 1.0 / inverse if depth else None, [step_logits(inverse)] if boundary else None


def load_depth_anything(name: str, weights: str | Path | None = None) -> DepthAnything:
    """The network called `name` (one of HUB) in evaluation mode, from the hub, or from the folder `weights`.

    Raises ModuleNotFoundError without transformers, FileNotFoundError when the weights are not to be had, ValueError when
    they are those of another kind of model or do not fit.
    """
    try:
        from transformers import AutoConfig, DepthAnythingForDepthEstimation
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{name} needs the package transformers: pip install transformers") from error
    if weights is not None and not (Path(weights) / "config.json").is_file():
        raise FileNotFoundError(f"{weights}: no folder of weights; {name} wants what `huggingface-cli download {HUB[name]}` "
                                "leaves, with config.json and model.safetensors in it")
    source = HUB[name] if weights is None else str(weights)
    try:
        config = AutoConfig.from_pretrained(source, local_files_only=weights is not None)
        if config.model_type != "depth_anything":
            raise ValueError(f"{source}: these are weights of {config.model_type!r}, not of Depth Anything")
        model, report = DepthAnythingForDepthEstimation.from_pretrained(
            source, config=config, local_files_only=weights is not None, output_loading_info=True)
    except OSError as error:
        raise FileNotFoundError(f"{source}: the weights of {name} can't be had ({error}); without internet, name a folder "
                                "that holds them") from error
    wrong = [*report["missing_keys"], *report["mismatched_keys"]]
    if wrong:
        raise ValueError(f"{source}: {len(wrong)} weights are missing or of another shape, as {wrong[0]}")
    network = DepthAnything(model.eval()).eval().requires_grad_(False)
    wanted = "metric" if "metric" in name else "relative"
    if network.depth_kind != wanted:
        raise ValueError(f"{source}: depth is {network.depth_kind}, that of {name} is {wanted}")
    return network
