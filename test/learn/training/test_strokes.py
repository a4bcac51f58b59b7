# SPDX-License-Identifier: Apache-2.0
"""Training with strokes: both stages, a run that was killed and continued, and what is refused."""
import json

import numpy as np
import pytest
import torch

from modot_ros.learn.interaction.losses import interactive_losses
from modot_ros.learn.training import strokes
from modot_ros.learn.training.options import Share
from modot_ros.learn.training.strokes import StrokeOptions, StrokeRun, stroke_loss, train_strokes
from modot_ros.learn.training.views import load_views, training_batch
from modot_ros.model import build_network
from modot_ros.predictor import Predictor
from modot_ros.scene.strokes import Stroke

SMALL = {"encoder_channels": (8, 8, 8, 8), "global_blocks": (0, 0, 0), "encoder_blocks": (1, 1, 1),
         "decoder_channels": (8, 8, 8), "fine_channels": 8, "fine_blocks": 1, "detail_channels": 4}


def boxes(seed, views=5, height=64, width=96):
    """Views of one bright box before a dark wall."""
    numbers = np.random.default_rng(seed)
    rgb, boundary = np.full((views, height, width, 3), 40, np.uint8), np.zeros((views, height, width), np.uint8)
    for k in range(views):
        top, left, side = *numbers.integers(5, 20, 2), numbers.integers(20, 40)
        box = (k, slice(top, top + side), slice(left, left + side))
        rgb[box], boundary[box] = 200, 1
        boundary[k, top + 1:top + side - 1, left + 1:left + side - 1] = 0
    return {"rgb": rgb, "depth_m": np.full((views, height, width), 2.0, np.float16), "boundary": boundary,
            "focal": np.full(views, 0.8, np.float32)}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for name, seed in (("train", 1), ("validation", 2)):
        (folder / name).mkdir()
        np.savez(folder / name / "views.npz", **boxes(seed))
    return folder


@pytest.fixture
def tiny(monkeypatch):
    """A fresh network is a tiny one, without the weights of modot_nano."""
    def beginning(options, views):
        torch.manual_seed(options.seed)
        return build_network(options.model, **SMALL), SMALL, {}
    monkeypatch.setattr(strokes, "_beginning", beginning)


def options(data, output, **other) -> StrokeOptions:
    values = {"steps": 6, "batch": 2, "width": 96, "height": 64, "validation_views": 2, "threads": 1,
              "save_every_minutes": 0.0, "validate_every_minutes": 1e6, "ema_decay": 0.5, **other}
    return StrokeOptions(train=str(data / "train"), validation=str(data / "validation"), output=str(output), **values)


def fresh(data, output, **other) -> tuple[StrokeRun, object]:
    wanted = options(data, output, **other)
    torch.manual_seed(0)
    return StrokeRun(wanted, (5,), build_network("scribble_nano", **SMALL), {}), load_views(wanted.train)


def batch_of(run, views, count=4):
    return training_batch(views, torch.arange(count), 96, 64, 0.8, torch.Generator().manual_seed(1), whole=1.0)


def test_strokes_of_the_first_stage_lie_on_true_lines_and_off_them(data, tmp_path):
    run, views = fresh(data, tmp_path)
    batch = batch_of(run, views)
    maps = np.stack([run.first_maps(batch) for _ in range(4)])
    assert maps.shape == (4, 4, 3, 64, 96) and set(np.unique(maps)) == {0, 1} and not maps[:, :, 2].any()
    on = maps[:, :, 0].astype(bool) & (batch.boundary[:, 0].numpy() == 1)
    assert on.any() and all(not maps[:, k, 0].any() or on[:, k].any() for k in range(4))


def test_strokes_of_the_second_stage_correct_the_first_pass(data, tmp_path, monkeypatch):
    run, views = fresh(data, tmp_path)
    batch = batch_of(run, views)
    monkeypatch.setattr(run.draws, "randint", lambda low, high: high if low == 0 else 0)       # five strokes, steady hands
    monkeypatch.setattr(strokes, "OTHER_STROKES", 0.0)
    for bias, missing in ((-9.0, True), (9.0, False)):                                          # nothing, or everything
        torch.nn.init.constant_(run.network.boundary_head.out.bias, bias)
        maps = run.second_maps(batch)
        assert maps[:, 0].any() == missing and (missing or not maps[:, 0].any())
        assert not maps[:, 2].any() if missing else True
    monkeypatch.setattr(strokes, "OTHER_STROKES", 1.1)
    torch.nn.init.constant_(run.network.boundary_head.out.bias, -9.0)
    swapped = run.second_maps(batch)
    monkeypatch.setattr(strokes, "OTHER_STROKES", 0.0)
    assert swapped[:, 0].any() and run.network.training is False


def test_where_no_boundary_is_known_nothing_is_corrected(data, tmp_path):
    run, views = fresh(data, tmp_path)
    batch = batch_of(run, views)
    batch.boundary[:] = 255
    assert not run.second_maps(batch)[:, :2].any()
    logits = run.network(run._input(batch.image, np.zeros((4, 3, 64, 96), np.float32)))
    assert not stroke_loss(logits, batch.boundary).any()


def test_six_outputs_cost_as_published():
    logits = [torch.full((1, 1, 4, 4), 0.3)] * 6
    labels = torch.eye(4)[None, None]
    torch.testing.assert_close(stroke_loss(logits, labels), interactive_losses(logits, labels).sum())
    assert float(stroke_loss([-8 * (1 - 2 * labels)], labels)) < float(stroke_loss([8 * (1 - 2 * labels)], labels))


def test_a_run_that_was_killed_repeats_the_curve(data, tmp_path, tiny, monkeypatch):
    losses, advance = [], StrokeRun.advance

    def spy(self, views):
        if self.step == spy.kill_at:
            raise KeyboardInterrupt
        losses.append(advance(self, views)["loss"])
        return {"loss": losses[-1], "width": 96}
    spy.kill_at = None
    monkeypatch.setattr(StrokeRun, "advance", spy)
    path = train_strokes(options(data, tmp_path / "whole"))
    whole, losses[:] = list(losses), []
    spy.kill_at = 4
    with pytest.raises(KeyboardInterrupt):
        train_strokes(options(data, tmp_path / "killed"))
    spy.kill_at = None
    train_strokes(options(data, tmp_path / "killed"))
    assert losses == whole and len(whole) == 6 and np.isfinite(whole).all()
    with pytest.raises(ValueError, match="belongs to another run .batch was 2, is 3"):
        train_strokes(options(data, tmp_path / "killed", batch=3))
    scores = json.loads((tmp_path / "whole" / "log.jsonl").read_text().splitlines()[-1])["validation"]
    assert scores["views"] == 2 and 0 <= scores["f_refined"] <= 1

    strokes_drawn = [Stroke("missing", [[9, 9], [30, 9]], 4)]
    refined = Predictor("scribble_nano", path, "cpu").refine(np.zeros((60, 90, 3), np.uint8), strokes_drawn)
    assert refined.boundary_probability.shape == (60, 90) and refined.depth_kind == "none"


def test_a_fresh_network_begins_with_modot_nano(data, tmp_path):
    views = load_views(data / "train")
    network, config, record = strokes._beginning(options(data, tmp_path), views)
    assert config == {} and record["started_from"]["weights"] == "modot_nano.safetensors"
    assert not network.stem.conv.weight[:, 3:].any() and network.stem.conv.weight[:, :3].any()


@pytest.mark.parametrize("other, said", [
    ({"model": "modot_nano"}, "takes no strokes: choose one of scribble_nano"), ({"steps": None}, "give exactly one"),
    ({"batch": 1}, "batch=1"), ({"learning_rate": 0.0}, "learning_rate=0.0"), ({"width": 100}, "100x64"),
    ({"more": (Share("x", 0.0),)}, "weight 0.0 of x")])
def test_values_that_cannot_work_are_named(data, tmp_path, other, said):
    with pytest.raises(ValueError, match=said):
        options(data, tmp_path, **other)
