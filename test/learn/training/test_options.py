# SPDX-License-Identifier: Apache-2.0
"""Options of a training run: what cannot work is refused before anything is read."""
import math

import pytest

from modot_ros.learn.training.options import Share, Stage, TrainingOptions


@pytest.mark.parametrize("other, said", [
    ({"minutes": 3.0}, "steps=4, minutes=3.0"), ({"steps": None}, "steps=None, minutes=None"), ({"steps": 0}, "steps=0"),
    ({"steps": -3}, "steps=-3"), ({"steps": None, "minutes": math.nan}, "minutes=nan"), ({"batch": 1}, "batch=1"),
    ({"threads": 0}, "threads=0"), ({"validation_views": 0}, "validation_views=0"),
    ({"learning_rate": -1.0}, "learning_rate=-1.0"), ({"learning_rate": math.nan}, "learning_rate=nan"),
    ({"canonical_focal": 0.0}, "canonical_focal=0.0"), ({"weight_decay": -0.1}, "weight_decay=-0.1"),
    ({"encoder_rate": -0.1}, "encoder_rate=-0.1"),
    ({"depth_weight": -1.0}, "depth_weight=-1.0"), ({"relative_weight": -1.0}, "relative_weight=-1.0"),
    ({"save_every_minutes": -1.0}, "save_every_minutes=-1.0"), ({"warm_up": 1.0}, "warm_up=1.0"),
    ({"precision": "int8"}, "'int8' is unknown: choose one of fp32"),
    ({"more": (Share("b", 0.0),)}, "weight 0.0 of b"),
    ({"start": "", "config": {"fine_blocks": 1}}, "weights to start from have their own"),
    ({"only": "uncertainty_head"}, "only='uncertainty_head': the rest of a fresh network"),
    ({"keep": 0.5}, "keep=0.5: a fresh network has nothing to keep"), ({"start": "", "keep": 1.0}, "keep=1.0"),
    ({"stages": (Stage(32, 32, 1.0, whole=1.5),)}, "whole=1.5 of the stage until 1.0"),
    ({"ema_decay": 1.5}, "ema_decay=1.5"), ({"stages": ()}, r"\[\]"),
    ({"stages": (Stage(32, 32, 0.7), Stage(32, 32, 0.7), Stage(32, 32, 1.0))}, r"\[0.7, 0.7, 1.0\]"),
    ({"stages": (Stage(32, 32, 0.5),)}, r"\[0.5\]"), ({"stages": (Stage(32, 32, 0.0), Stage(32, 32, 1.0))}, r"\[0.0, 1.0\]"),
    ({"stages": (Stage(40, 32, 1.0),)}, "40x32"), ({"stages": (Stage(32, 0, 1.0),)}, "32x0")])
def test_options_that_cannot_work_are_named(other, said):
    with pytest.raises(ValueError, match=said):
        TrainingOptions(**{"train": "a", "validation": "b", "output": "c", "steps": 4, **other})
