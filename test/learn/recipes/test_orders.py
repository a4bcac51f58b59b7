# SPDX-License-Identifier: Apache-2.0
"""InstaOrder's trainings on tiny networks and rooms: every network, a run that was killed, and what is refused."""
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from modot_ros.learn.recipes import orders
from modot_ros.learn.recipes.orders import OrderOptions, OrderRun, open_ordered, train_orders
from modot_ros.model import ORDER_MODELS, build_network, load_order_network
from modot_ros.model.checkpoint import save_order_checkpoint

RESNET = {"planes": 8, "blocks": (1, 1, 1, 1)}
MIDAS = {"planes": 8, "blocks": (1, 1, 1, 1), "groups": 2, "channels": 8}


def config_of(model):
    return RESNET if model.startswith("instaordernet") else {**MIDAS, "order_blocks": (1, 1, 1, 1)}


@pytest.fixture(scope="module", autouse=True)
def every_step_is_logged():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("modot_ros.learn.recipes.run.LOG_EVERY", 1)
        patch.setattr(orders, "HELD_OUT_BATCHES", 2)
        yield


@pytest.fixture(scope="module")
def rooms(tmp_path_factory):
    """24 views of a bright near square over a dark far one."""
    folder, count = tmp_path_factory.mktemp("rooms"), 24
    labels, rgb = np.zeros((count, 64, 80), np.uint16), np.full((count, 64, 80, 3), 90, np.uint8)
    for k in range(count):
        left = 8 + k
        labels[k, 10:40, left:left + 30], rgb[k, 10:40, left:left + 30] = 2, 20
        labels[k, 25:55, left + 15:left + 40], rgb[k, 25:55, left + 15:left + 40] = 1, 240
    views = np.arange(count)
    np.savez(folder / "0.npz", rgb=rgb, depth_m=np.where(labels == 1, 1.0, 3.0).astype(np.float16),
             boundary=np.zeros((count, 64, 80), np.uint8), focal=np.ones(count, np.float32), labels=labels,
             occlusions=np.stack([views, views * 0 + 1, views * 0 + 2, views * 0 + 30], 1),
             depth_orders=np.stack([views, views * 0 + 1, views * 0 + 2, views * 0, views % 2], 1))
    return folder


def options(rooms, output, model="instaordernet_o", **other):
    return OrderOptions(**{"data": str(rooms), "output": str(output), "model": model, "config": config_of(model), "size": 32,
                           "steps": 3, "batch": 4, "learning_rate": 0.01, "threads": 1, "validate_every": 2, **other})


@pytest.mark.parametrize("as_published", [False, True])
@pytest.mark.parametrize("model", ORDER_MODELS)
def test_every_order_network_trains_and_its_weights_load(rooms, tmp_path, model, as_published):
    path = train_orders(options(rooms, tmp_path, model, as_published=as_published, steps=2))
    network = load_order_network(model, path, "cpu")
    assert network.size == 32 and path.name == f"{model}.safetensors"
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 2]
    fresh = OrderRun(options(rooms, tmp_path / "other", model), open_ordered(str(rooms))).network.state_dict()
    trained = torch.load(tmp_path / orders.CHECKPOINT, weights_only=True)["network"]
    assert any(not torch.equal(fresh[key], trained[key]) for key in fresh if key.endswith("weight"))


def test_a_pair_is_learned(rooms, tmp_path):
    """The bright square hides the dark one, in every picture: the loss falls below that of a guess."""
    run = OrderRun(options(rooms, tmp_path, steps=30, batch=16, learning_rate=0.05), open_ordered(str(rooms)))
    torch.set_num_threads(1)
    begun = run.score()
    for _ in range(30):
        run.advance()
    assert run.score() < 0.7 * begun


def test_a_run_that_was_killed_and_continued_is_the_run_that_was_not(rooms, tmp_path, monkeypatch):
    whole = train_orders(options(rooms, tmp_path / "whole", "instaordernet_od"))
    step = OrderRun.advance

    def dies(run):
        if run.step == 2:
            raise KeyboardInterrupt
        return step(run)
    monkeypatch.setattr(OrderRun, "advance", dies)
    with pytest.raises(KeyboardInterrupt):
        train_orders(options(rooms, tmp_path / "parts", "instaordernet_od"))
    monkeypatch.setattr(OrderRun, "advance", step)
    parts = train_orders(options(rooms, tmp_path / "parts", "instaordernet_od"))
    assert parts.read_bytes() == whole.read_bytes()
    with pytest.raises(ValueError, match=r"orders.pt belongs to another run \(seed was 0, is 1\)"):
        train_orders(options(rooms, tmp_path / "parts", "instaordernet_od", seed=1))
    (tmp_path / "parts" / orders.CHECKPOINT).unlink()
    with pytest.raises(ValueError, match="instaordernet_od.safetensors: exists, but no orders.pt"):
        train_orders(options(rooms, tmp_path / "parts", "instaordernet_od"))


def test_instadepthnet_begins_with_midas(rooms, tmp_path):
    torch.manual_seed(5)
    midas = build_network("midas_v21", **MIDAS)
    save_order_checkpoint(tmp_path / "midas.safetensors", midas, "midas_v21", config=MIDAS)
    opened = open_ordered(str(rooms))
    run = OrderRun(options(rooms, tmp_path, "instadepthnet_d", backbone=str(tmp_path / "midas.safetensors")), opened)
    own = run.network.state_dict()
    assert all(torch.equal(value, own[key]) for key, value in midas.state_dict().items())
    other = build_network("instaordernet_o", **RESNET)
    save_order_checkpoint(tmp_path / "other.safetensors", other, "instaordernet_o", config=RESNET)
    with pytest.raises(ValueError, match="other.safetensors: is of another network than MiDaS v2.1"):
        OrderRun(options(rooms, tmp_path, "instadepthnet_d", backbone=str(tmp_path / "other.safetensors")), opened)


@pytest.mark.parametrize("step, falls, expected", [
    (0, True, 0.01), (31_999, True, 0.01), (32_000, True, 1e-3), (48_000, True, 1e-4), (48_000, False, 0.01)])
def test_the_rate_falls_to_a_tenth_twice_but_not_on_kins(rooms, tmp_path, step, falls, expected):
    run = OrderRun(options(rooms, tmp_path, steps=60_000), open_ordered(str(rooms)))
    run.step, run.falls = step, falls
    run.advance()
    assert run.optimiser.param_groups[0]["lr"] == pytest.approx(expected)


def test_sets_without_depth_orders_have_their_own_length_and_teach_occlusion_alone(rooms, tmp_path):
    opened = open_ordered(str(rooms))
    kins = replace(opened, kind="kins", depths={})
    run = OrderRun(options(rooms, tmp_path, steps=None), kins)
    assert (run.steps, run.falls) == (32_000, False)
    with pytest.raises(ValueError, match="has no depth orders, which instaordernet_od learns: choose instaordernet_o"):
        OrderRun(options(rooms, tmp_path, "instaordernet_od"), kins)


@pytest.mark.parametrize("change, match", [
    ({"model": "modot"}, "model 'modot' predicts no orders: choose one of instaordernet_o"),
    ({"backbone": "x.pt"}, "--backbone x.pt: only InstaDepthNet begins with MiDaS"),
    ({"learning_rate": -1.0}, "learning_rate=-1.0: must be positive")])
def test_options_that_cannot_work(rooms, tmp_path, change, match):
    with pytest.raises(ValueError, match=match):
        OrderOptions(**{"data": str(rooms), "output": str(tmp_path), **change})


def test_data_that_cannot_be_learned_from(rooms, tmp_path):
    with pytest.raises(ValueError, match="kind of pictures 'rose' in 'rose=x' is unknown: choose one of instaorder"):
        open_ordered("rose=x")
    shard = dict(np.load(rooms / "0.npz"))
    (tmp_path / "plain").mkdir()
    np.savez(tmp_path / "plain" / "0.npz", **{key: shard[key] for key in ("rgb", "depth_m", "boundary", "focal")})
    with pytest.raises(ValueError, match="plain: 0 of 24 views have two instances"):
        open_ordered(str(tmp_path / "plain"))
    with pytest.raises(ValueError, match="batch=1: 1 processes need a multiple of 1 and two pairs each"):
        OrderRun(options(rooms, tmp_path, batch=1), open_ordered(str(rooms)))
