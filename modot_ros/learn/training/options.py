# SPDX-License-Identifier: Apache-2.0
"""Options of a training run, validated when they are made."""
from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

from modot_ros.machine import threads
from modot_ros.model import MODELS, PRECISIONS
from modot_ros.model.depth_anything import HUB
from modot_ros.model.disparity import DISPARITY_MODELS

# Options that leave the loss curve as it is, up to rounding: a run may be continued with others.
FREE = ("output", "keep", "validation", "validation_views", "validate_every_minutes", "save_every_minutes", "device",
        "threads", "tensorboard")


# Parts that a trained modot_nano may be given, and what its constructor calls them.
ADDED_PARTS = {"uncertainty_head": "uncertainty", "semantic_decoder": "semantics"}


@dataclass(frozen=True)
class Stage:
    """Part of a run at one picture size, until `until` of its progress (0..1)."""

    width: int
    height: int
    until: float
    whole: float = 0.0                                  # share of views that are neither cropped nor turned


@dataclass(frozen=True)
class Share:
    """Another set, drawn `weight` times as often as the first one, whatever their sizes."""

    folder: str                                         # of shards, or KIND=FOLDER: a data set, see `dataset_views`
    weight: float
    shape_only: bool = False                            # its depth is learned from up to one factor per picture


@dataclass(frozen=True)
class TrainingOptions:
    """One run. Exactly one of `steps` and `minutes` says how long. Raises ValueError on values that cannot work."""

    train: str                                          # folder of shards
    validation: str                                     # folder of other shards
    output: str                                         # folder for checkpoint, log and weights
    more: tuple[Share, ...] = ()                        # other sets to mix in
    model: str = "modot_nano"                           # one of modot_ros.model.MODELS
    start: str | None = None                            # weights to train on from: a file, "" for the package's; None: fresh
    keep: float = 0.0                                   # share of these weights in those that are written, 0..1
    config: dict[str, Any] = field(default_factory=dict)    # of a fresh network's constructor; empty: as the package ships it
    only: str = ""                                      # part of the network that is trained, by its name; empty: all of it.
                                                        # modot_nano gets a part of ADDED_PARTS that it lacks
    steps: int | None = None
    minutes: float | None = None
    stages: tuple[Stage, ...] = (Stage(128, 96, 0.45), Stage(256, 192, 0.8, whole=0.65), Stage(256, 192, 1.0, whole=1.0))
    batch: int = 16                                     # views per step, shared by all processes
    precision: str = "fp32"                             # of the networks' insides: fp32, bf16, or fp16 on a GPU
    seed: int = 0
    learning_rate: float = 2e-3                         # at the top of the schedule; for trained weights take less
    warm_up: float = 0.04                               # share of the run
    weight_decay: float = 0.02
    ema_decay: float = 0.998
    gradient_limit: float = 5.0                         # norm
    depth_weight: float = 2.0
    relative_weight: float = 2.0                        # of the depth's shape, whatever its scale
    boundary_weight: float = 4.0
    boundary_negative_weight: float = 3.0               # lambda of the class-balanced loss
    constraint_weight: float = 0.2                      # OBDCL
    validate_every_minutes: float = 5.0
    validation_views: int = 64
    save_every_minutes: float = 2.0
    uncertainty_weight: float = 0.2                     # of the standard deviation's likelihood, which changes nothing else
    class_weight: float = 1.0                           # of the classes' cross entropy, where the network predicts them
    canonical_focal: float = 0.8                        # focal length / picture width of a fresh network's camera
    any_camera: bool = False                            # other aspects, borders, paint and dark pictures (`any_camera`)
    encoder: str | None = None                          # file of a pretrained encoder's weights; None: its package's
    encoder_rate: float = 0.05                          # of a pretrained encoder, in learning rates of the rest; 0: it stays
    device: str = "cpu"                                 # "cpu", "cuda", "cuda:N" or "auto"
    threads: int = threads()                            # of the CPU
    tensorboard: bool = False                           # event files beside the log

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise ValueError(f"steps={self.steps}, minutes={self.minutes}: give exactly one of the two")
        if not 0 < (self.minutes if self.steps is None else self.steps) < math.inf:
            raise ValueError(f"steps={self.steps}, minutes={self.minutes}: must be positive")
        if self.batch < 2:
            raise ValueError(f"batch={self.batch}: batch norm needs at least 2 views")
        for name in ("learning_rate", "gradient_limit", "boundary_negative_weight", "canonical_focal", "validation_views",
                     "threads"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name}={getattr(self, name)}: must be positive")
        for name in ("weight_decay", "encoder_rate", "depth_weight", "relative_weight", "boundary_weight", "constraint_weight",
                     "class_weight", "validate_every_minutes", "save_every_minutes"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}={getattr(self, name)}: must not be negative")
        for share in self.more:
            if not 0 < share.weight < math.inf:
                raise ValueError(f"weight {share.weight} of {share.folder}: must be positive")
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision {self.precision!r} is unknown: choose one of {', '.join(PRECISIONS)}")
        trainable = [model for model in MODELS if model not in (*HUB, *DISPARITY_MODELS)]
        if self.model not in trainable:
            raise ValueError(f"model {self.model!r} can't be trained: choose one of {', '.join(trainable)}")
        if self.start is not None and self.config:
            raise ValueError(f"config={self.config}: weights to start from have their own")
        if self.only and self.start is None:
            raise ValueError(f"only={self.only!r}: the rest of a fresh network would stay untrained, give weights to start from")
        if self.keep and self.start is None:
            raise ValueError(f"keep={self.keep}: a fresh network has nothing to keep, give weights to start from")
        for name in ("warm_up", "ema_decay", "keep"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}: must be in [0, 1)")
        ends = [stage.until for stage in self.stages]
        if not ends or ends[0] <= 0 or ends != sorted(set(ends)) or ends[-1] != 1.0:
            raise ValueError(f"stages end at {ends} of the run: must grow from above 0 and end at 1.0")
        for stage in self.stages:
            if not 0 <= stage.whole <= 1:
                raise ValueError(f"whole={stage.whole} of the stage until {stage.until}: must be in [0, 1]")
            if min(stage.width, stage.height) < 32 or stage.width % 32 or stage.height % 32:
                raise ValueError(f"stage of {stage.width}x{stage.height}: both must be multiples of 32")

    def of_the_curve(self) -> dict[str, Any]:
        """The options that the loss curve depends on, as JSON has them."""
        return json.loads(json.dumps({name: value for name, value in asdict(self).items() if name not in FREE}))
