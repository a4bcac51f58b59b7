# SPDX-License-Identifier: Apache-2.0
"""Training of a part that a trained network lacks. Tiny pictures, the real network."""
import numpy as np
import torch

from modot_ros.learn.training.loop import train
from modot_ros.learn.training.options import Stage, TrainingOptions
from modot_ros.model import read_network


def test_a_trained_network_is_given_classes_and_stays_as_it_is_otherwise(tmp_path):
    """Trained for nothing but them, its other weights, its calibration and their record are those of the file before."""
    for split in ("train", "validation"):
        (tmp_path / split).mkdir()
        depth_m = np.full((4, 32, 32), 3.0, np.float16)
        depth_m[:, 8:20, 10:24] = 1.5
        rgb = np.repeat((255 - 50 * depth_m.astype(np.float32)).astype(np.uint8)[..., None], 3, axis=-1)
        np.savez(tmp_path / split / "views.npz", rgb=rgb, depth_m=depth_m, boundary=np.zeros((4, 32, 32), np.uint8),
                 focal=np.full(4, 0.8, np.float32), classes=(depth_m < 2).astype(np.uint8))
    path = train(TrainingOptions(
        train=str(tmp_path / "train"), validation=str(tmp_path / "validation"), output=str(tmp_path / "out"), steps=30,
        learning_rate=5e-3,
        stages=(Stage(32, 32, 1.0, whole=1.0),), batch=4, start="", only="semantic_decoder", threads=1))
    before, facts, _ = read_network("modot_nano")
    after, new_facts, _ = read_network("modot_nano", path)
    changed = {key.split(".")[0] for key, value in after.state_dict().items()
               if key not in before.state_dict() or not torch.equal(value, before.state_dict()[key])}
    assert changed == {"semantic_decoder"}
    assert new_facts["config"]["semantics"] and new_facts["canonical_focal"] == facts["canonical_focal"]
    own = new_facts["record"].pop("semantic_decoder")
    assert own["validation"]["class_accuracy"] > 0.9 and own["training_views"] == 4
    assert new_facts["record"] == {key: value for key, value in facts["record"].items() if key != "semantic_decoder"}
    assert after.semantic_decoder.detail.bn.running_mean.abs().max() > 0         # a part alone learns its own statistics
