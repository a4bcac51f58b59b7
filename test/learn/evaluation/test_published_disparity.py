# SPDX-License-Identifier: Apache-2.0
"""DIW and KITTI by a network whose disparity is known, and the command on fixture folders."""
import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from modot_ros import cli
from modot_ros.learn.datasets.sample import PointPair, sample
from modot_ros.learn.evaluation.pictures import Pictures, open_pictures
from modot_ros.learn.evaluation.published_disparity import disparity_rows
from modot_ros.model import build_network, save_order_checkpoint
from modot_ros.model.disparity import RelativeDepth
from modot_ros.model.preprocess import batched

TINY = {"planes": 4, "blocks": (1, 1, 1, 1), "groups": 2, "channels": 8}


class Red(torch.nn.Module):
    """Takes the first colour for disparity."""

    def disparity(self, image):
        return image[:, 0] - image.min() + 1.0


@pytest.fixture
def relative():
    loaded = SimpleNamespace(network=RelativeDepth(Red()), device=torch.device("cpu"), precision="fp32")
    return SimpleNamespace(name="midas_v21", depth_kind="relative", loaded=loaded)


@pytest.fixture
def by_depth():
    """A metric network: what is red is near."""
    def predict(rgb, parts):
        return SimpleNamespace(depth=1.0 / (rgb[..., 0].astype(np.float32) + 1))
    return SimpleNamespace(name="modot_nano", depth_kind="metric", loaded=SimpleNamespace(network=torch.nn.Identity()),
                           predict=predict)


def pictures(kind, *samples):
    return Pictures(kind, kind, tuple(one.name for one in samples), samples.__getitem__, 0)


def halves(height=40, width=60):
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[:, :width // 2] = 200
    return rgb


@pytest.mark.parametrize("model", ["relative", "by_depth"])
def test_the_closer_of_two_points(request, model):
    pairs = (PointPair((5, 5), (5, 55), "<"), PointPair((5, 55), (5, 5), ">"), PointPair((5, 5), (5, 55), ">"))
    rows = disparity_rows(pictures("diw", *(sample(f"{k}", halves(), points=pair) for k, pair in enumerate(pairs))),
                          request.getfixturevalue(model))
    (name, row), = rows.scores.items()
    assert row == {"correct": 2.0, "wrong": 1.0, "whdr": pytest.approx(100 / 3)}
    text = "\n".join(rows.lines())
    assert f"| {name} | 2.00 | 1.00 | 33.33 |" in text
    assert "| InstaDepthNet_d (InstaOrder, CVPR 2022) | 65,317 | 9,124 | 12.26 |" in text and "has no gradient" in text


def test_depth_of_kitti_is_that_of_the_window_up_to_one_factor(relative):
    rgb = np.zeros((375, 1242, 3), np.uint8)
    rgb[:, ::3], rgb[:, 1::3] = 255, 120                    # three disparities, of which the least is infinitely far
    disparity = Red().disparity(batched([rgb[23:, 13:13 + 1216]]))[0].numpy()
    depth = np.full((375, 1242), np.nan)
    depth[23:, 13:13 + 1216] = 5 / ((disparity - disparity.min()) / disparity.max() + 1e-3)
    depth[depth > 80] = np.nan
    small = sample("b", rgb[:100], np.ones((100, 1242)))
    rows = disparity_rows(pictures("kitti", sample("a", rgb, depth), small), relative)
    row = rows.scores["midas_v21"]
    assert rows.pictures == 1 and "b" in rows.skipped and row["abs_rel"] == pytest.approx(0, abs=1e-5) and row["delta1"] == 1.0
    assert set(row) == {"rmse", "rmse_log", "abs_rel", "sq_rel", "log10", "delta1", "delta2", "delta3", "silog"}


def test_what_cannot_be_scored_is_said(relative):
    with pytest.raises(ValueError, match="dnmmsi_small predicts no depth"):
        disparity_rows(pictures("diw"), SimpleNamespace(name="dnmmsi_small", depth_kind="none"))
    with pytest.raises(ValueError, match="none of 0 pictures can be scored"):
        disparity_rows(pictures("diw"), relative)
    with pytest.raises(ValueError, match="scored by the published protocol alone"):
        open_pictures("diw=folder")


@pytest.mark.parametrize("model", ["modot_nano", "midas_v21"])
def test_the_command_scores_diw(tmp_path, capsys, weights, model):
    if model == "midas_v21":
        weights = tmp_path / "midas.safetensors"
        save_order_checkpoint(weights, build_network(model, **TINY), model, config=TINY)
    (tmp_path / "diw" / "DIW_test").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "diw" / "a.png"), halves())
    (tmp_path / "diw" / "a.png").rename(tmp_path / "diw" / "DIW_test" / "a.thumb")
    (tmp_path / "diw" / "DIW_test.csv").write_text("./DIW_test/a.thumb\n5,5,5,55,<,60,40\n")
    assert cli.main(["evaluate", "--protocol", "published", "--model", model, "--weights", str(weights), "--device", "cpu", "-o",
                     str(tmp_path / "out"), "--data", f"diw={tmp_path / 'diw'}"]) == 0
    last, = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["set"] == "diw" and last["rows"][model]["whdr"] in (0.0, 100.0)
