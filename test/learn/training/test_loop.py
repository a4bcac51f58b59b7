# SPDX-License-Identifier: Apache-2.0
"""Training: the schedule, the parts of a step, and a run that was killed and continued. Tiny pictures, the real network."""
import json
import math
import resource
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from modot_ros.learn.training import loop as training
from modot_ros.learn.training.batch_renorm import BatchRenorm2d
from modot_ros.learn.training.loop import CHECKPOINT, Run, check, train
from modot_ros.learn.training.options import Share, Stage, TrainingOptions
from modot_ros.learn.training.ranks import Ranks
from modot_ros.learn.training.views import Batch, load_views, plain_batch, training_batch
from modot_ros.model import build_network, load_network, save_checkpoint

STEPS = 4


def boxes(seed, views=5, size=32):
    """Views of one bright box before a dark wall; boxes that are brighter are nearer."""
    numbers = np.random.default_rng(seed)
    rgb = np.full((views, size, size, 3), 40, np.uint8)
    depth_m = np.full((views, size, size), 4.0, np.float16)
    boundary = np.zeros((views, size, size), np.uint8)
    for k in range(views):
        (left, top), side, z_m = numbers.integers(2, 12, 2), numbers.integers(10, 17), numbers.uniform(1, 3)
        box = (k, slice(top, top + side), slice(left, left + side))
        rgb[box], depth_m[box], boundary[box] = round(250 - 50 * z_m), z_m, 1
        boundary[k, top + 1:top + side - 1, left + 1:left + side - 1] = 0
    return {"rgb": rgb, "depth_m": depth_m, "boundary": boundary, "focal": np.full(views, 0.8, np.float32)}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for name, seed in (("train", 1), ("validation", 2)):
        (folder / name).mkdir()
        np.savez(folder / name / "views.npz", **boxes(seed))
    return folder


def options(data, output, **other) -> TrainingOptions:
    values = {"steps": STEPS, "stages": (Stage(32, 32, 0.6), Stage(64, 32, 1.0)), "batch": 2, "validation_views": 2,
              "threads": 1, "save_every_minutes": 0.0, "validate_every_minutes": 1e6, "canonical_focal": 0.8, **other}
    return TrainingOptions(train=str(data / "train"), validation=str(data / "validation"), output=str(output), **values)


@pytest.fixture
def curve(monkeypatch):
    """What every step said, in the order in which steps were made; `kill_at` ends the run as if it was killed."""
    made, step = [], Run.advance

    def advance(run, views):
        if run.step == curve.kill_at:
            raise KeyboardInterrupt
        made.append({"step": run.step, **step(run, views)})
        return made[-1]
    curve = type("Curve", (), {"made": made, "kill_at": None})
    monkeypatch.setattr(Run, "advance", advance)
    return curve


def test_a_run_that_was_killed_and_continued_is_the_run_that_was_not(data, tmp_path, curve):
    whole = train(options(data, tmp_path / "whole"))
    in_one_go = list(curve.made)
    assert [parts["step"] for parts in in_one_go] == list(range(STEPS))
    assert [parts["width"] for parts in in_one_go] == [32, 32, 32, 64]

    curve.made.clear()
    curve.kill_at = STEPS // 2
    with pytest.raises(KeyboardInterrupt):
        train(options(data, tmp_path / "parts"))
    assert len(curve.made) == STEPS // 2 and not (tmp_path / "parts" / "modot_nano.safetensors").exists()
    curve.kill_at = None
    torch.manual_seed(99)                                   # what else the process does must not matter
    parts = train(options(data, tmp_path / "parts", validation_views=3, validate_every_minutes=7.0,
                          save_every_minutes=3.0))          # nor what does not shape the curve
    assert curve.made == in_one_go
    one, other = load_file(whole), load_file(parts)
    assert one.keys() == other.keys()
    assert [key for key in one if key != "boundary_head.out.bias" and not torch.equal(one[key], other[key])] == []


def test_steps_after_the_last_saving_are_repeated(data, tmp_path, curve):
    train(options(data, tmp_path / "whole"))
    in_one_go = list(curve.made)
    curve.made.clear()
    run, views = Run(options(data, tmp_path), (5,)), load_views(data / "train")
    for _ in range(2):
        run.advance(views)
    run.save(tmp_path / CHECKPOINT)
    run.advance(views)                                      # lost
    again = Run(options(data, tmp_path), (5,))
    again.load(tmp_path / CHECKPOINT)
    assert again.step == 2
    again.advance(views)
    assert curve.made[:3] == in_one_go[:3] and curve.made[3] == in_one_go[2]


PROGRAM = """
from modot_ros.learn.training import loop as training
training.LOG_EVERY = 1
training.train(chosen)
"""


def test_a_process_that_was_killed_continues_with_the_same_curve(data, tmp_path, processes):
    """kill -9 at any moment, maybe in the middle of saving, then the same again in another process."""
    steps, log = 6, tmp_path / "log.jsonl"
    chosen = options(data, tmp_path, steps=steps, stages=(Stage(32, 32, 1.0),))
    process = processes.Process(target=exec, args=(PROGRAM, {"chosen": chosen}))
    process.start()
    while not (log.exists() and len(log.read_text().splitlines()) >= 2):
        assert process.is_alive(), "it ended before it could be killed"
        time.sleep(0.01)
    process.kill()
    process.join()
    assert 2 <= len(log.read_text().splitlines()) < steps
    log.write_text(log.read_text() + '{"step": 5, "lo')     # as if in the middle of a line
    again = processes.Process(target=exec, args=(PROGRAM, {"chosen": chosen}))
    again.start()
    again.join()
    assert again.exitcode == 0

    run, views = Run(chosen, (5,)), load_views(data / "train")
    torch.set_num_threads(1)
    whole = [run.advance(views) for _ in range(steps)]
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["step"] for line in lines] == [*range(1, steps + 1), steps]    # each once, and the validation
    for line, parts in zip(lines, whole):
        assert {key: line[key] for key in parts} == parts


def test_a_run_with_another_curve_is_refused(data, tmp_path):
    Run(options(data, tmp_path), (5,)).save(tmp_path / CHECKPOINT)
    for other, said in (({"learning_rate": 1e-3}, "learning_rate was 0.002, is 0.001"), ({"seed": 7}, "seed was 0, is 7"),
                        ({"steps": 8}, "steps was 4, is 8"), ({"batch": 3}, "batch was 2, is 3"),
                        ({"stages": (Stage(32, 32, 1.0),)}, "stages was")):
        with pytest.raises(ValueError, match=said):
            Run(options(data, tmp_path, **other), (5,)).load(tmp_path / CHECKPOINT)
    with pytest.raises(ValueError, match="views was 5, is 9"):
        Run(options(data, tmp_path), (9,)).load(tmp_path / CHECKPOINT)
    free = Run(options(data, tmp_path / "elsewhere", threads=2, validation_views=9, validate_every_minutes=1.0,
                       save_every_minutes=1.0), (5,))
    free.load(tmp_path / CHECKPOINT)


def test_what_a_run_writes(data, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "LOG_EVERY", 3)
    path = train(options(data, tmp_path))
    assert path == tmp_path / "modot_nano.safetensors"
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [3, 4, 4] and all(line["loss"] > 0 for line in lines[:2])
    loaded = load_network("modot_nano", path, "cpu")
    assert loaded.working_size == (64, 32)
    # calibrated: the median view of the validation has the right scale
    assert loaded.canonical_focal == pytest.approx(0.8 / lines[-1]["validation"]["scale"])
    assert loaded.record["step"] == STEPS and loaded.record["training_views"] == 5
    assert loaded.record["validation"] == lines[-1]["validation"]
    assert train(options(data, tmp_path)) == path           # a finished run is done at once
    assert json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])["step"] == STEPS


def test_batch_norms_come_to_use_their_running_statistics(data, tmp_path):
    run, views = Run(options(data, tmp_path, warm_up=0.5), (5,)), load_views(data / "train")
    freedoms = []
    for _ in range(STEPS):
        run.advance(views)
        freedoms.append({module.freedom for module in run.network.modules() if isinstance(module, BatchRenorm2d)})
    assert freedoms == [{min(1.0, k / STEPS / 0.5)} for k in range(STEPS)]
    assert not any(type(module) is torch.nn.BatchNorm2d for module in run.network.modules())


def test_the_branches_that_are_left_out_depend_on_the_step_alone(data, tmp_path, monkeypatch):
    """And not on what else has drawn random numbers; of two processes each leaves out others."""
    views, losses, seeds = load_views(data / "train"), [], []
    for before in (1, 2):
        run = Run(options(data, tmp_path, batch=4), (5,))
        torch.manual_seed(before)
        losses.append([run.advance(views)["loss"] for _ in range(2)])
    assert losses[0] == losses[1]
    monkeypatch.setattr(torch, "manual_seed", seeds.append)
    for rank in (0, 1):
        run.ranks = Ranks(rank, 2, rank)
        run.advance(views)
    assert len({*seeds}) == 2


def test_batch_norms_of_the_averaged_weights_are_measured_on_whole_views(data, tmp_path):
    run, views = Run(options(data, tmp_path, stages=(Stage(32, 32, 1.0),)), (5,)), load_views(data / "train")
    run.advance(views)
    state = {key: value.clone() for key, value in run.average.state.items()}
    network = run.averaged_network(views)
    with torch.no_grad():
        before = network.stem.conv(plain_batch(views, torch.arange(5), 32, 32, 0.8).image)
    torch.testing.assert_close(network.stem.bn.running_mean, before.mean((0, 2, 3)), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(network.stem.bn.running_var, before.var((0, 2, 3)), rtol=1e-3, atol=1e-4)
    for key, value in run.average.state.items():            # neither the average nor its other values are touched
        torch.testing.assert_close(value, state[key], rtol=0, atol=0)
        if "running_" not in key and "tracked" not in key:
            torch.testing.assert_close(network.state_dict()[key], value, rtol=0, atol=0)


@pytest.fixture
def trained(tmp_path):
    """Weights of another network than a fresh one, for another camera."""
    torch.manual_seed(9)
    path = tmp_path / "trained.safetensors"
    config = {"encoder_blocks": (1, 1, 1, 1)}
    save_checkpoint(path, build_network("modot_nano", **config), "modot_nano", config=config, canonical_focal=0.6,
                    working_size=(64, 32), record={"step": 70})
    return path


def test_a_run_may_start_from_trained_weights(data, tmp_path, trained, curve):
    chosen = options(data, tmp_path / "run", start=str(trained))
    run, views = Run(chosen, (5,)), load_views(data / "train")
    stored = load_file(trained)
    for key, value in run.average.state.items():
        torch.testing.assert_close(value, stored[key], rtol=0, atol=0)
    # The camera is the weights' own: metres mean from the first step on what they did.
    ratio = run.next_batch(views).depth_m / Run(replace(chosen, start=None), (5,)).next_batch(views).depth_m
    torch.testing.assert_close(ratio, torch.full_like(ratio, 0.6 / 0.8))

    path = train(chosen)
    written = load_file(path)
    for key, value in stored.items():                       # its statistics stay, its weights do not
        if "running_" in key:
            torch.testing.assert_close(written[key], value, rtol=0, atol=0)
    assert not torch.equal(written["stem.conv.weight"].float(), stored["stem.conv.weight"])
    loaded, lines = load_network("modot_nano", path, "cpu"), (path.parent / "log.jsonl").read_text().splitlines()
    assert loaded.config == {"encoder_blocks": [1, 1, 1, 1]}
    assert loaded.canonical_focal == pytest.approx(0.6 / json.loads(lines[-1])["validation"]["scale"])
    assert loaded.record["started_from"] == {"weights": "trained.safetensors", "step": 70}
    curve.made.clear()
    assert train(chosen) == path and not curve.made         # it goes on as any other
    with pytest.raises(ValueError, match=r"start was '.*trained.safetensors', is None"):
        train(replace(chosen, start=None))


def test_a_share_of_the_starting_weights_may_be_kept(data, tmp_path, trained, curve):
    chosen = options(data, tmp_path / "run", start=str(trained))
    none = load_file(train(chosen))
    curve.made.clear()
    path = train(replace(chosen, keep=0.25))                # what is written, and not the run
    assert not curve.made and load_network("modot_nano", path, "cpu").record["keep"] == 0.25
    written, stored = load_file(path), load_file(trained)
    for key, value in stored.items():
        if key != "boundary_head.out.bias":                 # is calibrated
            torch.testing.assert_close(written[key].float(), none[key].float().lerp(value.float(), 0.25), rtol=2e-3, atol=1e-4)
    save_checkpoint(trained, build_network("modot_nano"), "modot_nano", canonical_focal=0.6, working_size=(64, 32))     # others
    with pytest.raises(ValueError, match="another run .start_file was '[0-9a-f]{12}', is '[0-9a-f]{12}'"):
        train(replace(chosen, keep=0.25))


def test_the_packages_weights_may_be_trained_on_and_others_are_named(data, tmp_path, trained):
    assert Run(options(data, tmp_path, start=""), (5,)).beginning.record["started_from"]["weights"] == "modot_nano.safetensors"
    with pytest.raises(FileNotFoundError, match="nowhere.pth"):
        check(options(data, tmp_path, start="nowhere.pth"))
    with pytest.raises(ValueError, match="weights of 'modot_nano', not of 'modot'"):
        check(options(data, tmp_path, start=str(trained), model="modot"))


def test_pictures_without_calibration_are_of_the_starting_weights_camera(data, tmp_path, trained, monkeypatch):
    focals = []
    monkeypatch.setattr(training, "open_sample_views", lambda kind, path, focal, _: focals.append(focal) or load_views(path))
    train(options(data, tmp_path, start=str(trained), steps=1, more=(Share(f"pairs={data / 'train'}", 1.0),)))
    assert focals == [0.6]


def test_a_single_view_is_enough_to_train_on(data, tmp_path):
    (tmp_path / "one").mkdir()
    np.savez(tmp_path / "one" / "views.npz", **boxes(1, views=1))
    assert train(replace(options(data, tmp_path / "run", steps=1), train=str(tmp_path / "one"))).exists()


def test_the_loss_falls(data, tmp_path):
    run, views = Run(options(data, tmp_path, steps=24, stages=(Stage(32, 32, 1.0),), batch=4), (5,)), load_views(data / "train")
    torch.set_num_threads(1)
    losses = [run.advance(views)["loss"] for _ in range(24)]
    assert np.mean(losses[-6:]) < 0.7 * np.mean(losses[:3])


def test_a_step_with_a_broken_gradient_changes_nothing(data, tmp_path, monkeypatch):
    run, views = Run(options(data, tmp_path), (5,)), load_views(data / "train")
    before = {key: value.clone() for key, value in run.network.named_parameters()}
    average = {key: value.clone() for key, value in run.average.state.items()}

    def broken(network, batch, options):
        return sum(p.sum() for p in network.parameters()) * math.nan, {"loss": math.nan}
    monkeypatch.setattr(training, "total_loss", broken)
    assert math.isnan(run.advance(views)["norm"]) and run.step == 1
    assert all(torch.equal(before[key], value) for key, value in run.network.named_parameters())
    assert all(torch.equal(average[key], value) for key, value in run.average.state.items())


def test_a_broken_loss_does_not_reach_the_statistics(data, tmp_path, monkeypatch):
    run, views = Run(options(data, tmp_path), (5,)), load_views(data / "train")
    before = {key: value.clone() for key, value in run.network.named_buffers()}
    monkeypatch.setattr(run, "next_batch", lambda views: Batch(torch.full((2, 3, 32, 32), math.nan), torch.ones(2, 1, 32, 32),
                                                               torch.zeros(2, 1, 32, 32), *torch.ones(2, 2, dtype=torch.bool),
                                                               torch.zeros(2, 1, 32, 32, dtype=torch.uint8)))
    assert run.advance(views)["skipped"] == 1 and run.skipped_in_a_row == 1
    assert all(torch.equal(before[key], value) for key, value in run.network.named_buffers())
    monkeypatch.undo()
    assert "skipped" not in run.advance(views) and run.skipped_in_a_row == 0


def test_skipped_steps_are_reported_and_too_many_end_the_run(data, tmp_path, monkeypatch, capsys):
    def broken(network, batch, options):
        return sum(p.sum() for p in network.parameters()) * math.nan, {"loss": math.nan}
    monkeypatch.setattr(training, "total_loss", broken)
    monkeypatch.setattr(training, "MOST_SKIPPED", 3)
    with pytest.raises(FloatingPointError, match="step 2: 3 steps in a row.*loss nan"):
        train(options(data, tmp_path))
    assert "step 1: skipped, its gradient is not finite (loss nan)" in capsys.readouterr().out
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(line["step"], line["skipped"], line["loss"]) for line in lines] == [(1, 1, None), (2, 1, None)]


def test_a_full_disk_leaves_the_old_checkpoint(data, tmp_path):
    """The limit on a file's size makes writing fail half-way, as a full disk does."""
    run = Run(options(data, tmp_path), (5,))
    run.save(tmp_path / CHECKPOINT)
    before = (tmp_path / CHECKPOINT).read_bytes()
    run.step = 3
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        with pytest.raises(OSError, match="could not be written, the one before is kept"):
            run.save(tmp_path / CHECKPOINT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / CHECKPOINT).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT]   # no half file takes up the room
    run.save(tmp_path / CHECKPOINT)
    assert torch.load(tmp_path / CHECKPOINT, weights_only=True)["step"] == 3


def test_a_checkpoint_that_cannot_be_written_ends_no_run_before_its_end(data, tmp_path, monkeypatch, capsys):
    tries = []

    def full(self, path):
        tries.append(self.step)
        raise OSError("no room")
    monkeypatch.setattr(Run, "save", full)
    with pytest.raises(OSError, match="no room"):
        train(options(data, tmp_path))
    assert tries == [1, 2, 3, 4] and "step 2: no room" in capsys.readouterr().out


def test_a_run_of_an_older_version_can_be_continued(data, tmp_path):
    run = Run(options(data, tmp_path), (5,))
    run.save(tmp_path / CHECKPOINT)
    state = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    old = {key: value for key, value in state.items() if key not in ("orders", "scaler", "processes")}
    old["options"] = {key: value for key, value in old["options"].items() if key not in ("more", "precision")}
    torch.save({**old, "order": torch.tensor([4, 1])}, tmp_path / CHECKPOINT)
    again = Run(options(data, tmp_path), (5,))
    again.load(tmp_path / CHECKPOINT)
    assert again.deck.draw(2, again.generator).tolist() == [4, 1]


def test_half_precision_trains_the_same_weights(data, tmp_path):
    """bfloat16 inside, float32 weights and losses: near the curve in full precision."""
    views, curves = load_views(data / "train"), []
    torch.set_num_threads(1)
    for precision in ("fp32", "bf16"):
        run = Run(options(data, tmp_path, precision=precision, stages=(Stage(32, 32, 1.0),)), (5,))
        curves.append([run.advance(views)["loss"] for _ in range(2)])
        assert {p.dtype for p in run.network.parameters()} == {torch.float32}
    assert curves[0] != curves[1] and curves[0] == pytest.approx(curves[1], rel=0.05)
    with pytest.raises(ValueError, match="'fp16' does not work on cpu"):
        Run(options(data, tmp_path, precision="fp16"), (5,))


def test_folders_are_mixed_by_weight(data, tmp_path):
    (tmp_path / "other").mkdir()
    np.savez(tmp_path / "other" / "views.npz", **boxes(3, views=3, size=48))
    (tmp_path / "mine").mkdir()                             # a picture with depth and without boundaries
    cv2.imwrite(str(tmp_path / "mine" / "a.png"), np.full((60, 80, 3), 90, np.uint8))
    np.save(tmp_path / "mine" / "a_depth.npy", np.full((60, 80), 2.0))
    train(options(data, tmp_path / "out", more=(Share(str(tmp_path / "other"), 2.0), Share(f"pairs={tmp_path / 'mine'}", 9.0))))
    state = torch.load(tmp_path / "out" / CHECKPOINT, weights_only=True)
    assert state["views"] == [5, 3, 1] and len(state["orders"]) == 3
    with pytest.raises(ValueError, match="more was .*other.*, is \\[\\]; views was \\[5, 3, 1\\], is 5"):
        train(options(data, tmp_path / "out"))
    assert (tmp_path / "out" / "samples" / "0000004.png").exists()


def test_one_part_can_be_trained_alone(data, tmp_path):
    run = Run(chosen := options(data, tmp_path, start="", only="boundary_head"), (5,))
    before = {key: value.clone() for key, value in run.network.state_dict().items()}
    run.advance(load_views(data / "train"))
    changed = {key.split(".")[0] for key, value in run.network.state_dict().items() if not torch.equal(value, before[key])}
    assert changed == {"boundary_head"}
    with pytest.raises(ValueError, match="only='wings': the network has no such part, choose one of .*boundary_head"):
        Run(replace(chosen, only="wings"), (5,))


def test_a_pretrained_encoder_can_stay_as_it_is(data, tmp_path):
    save_checkpoint(tmp_path / "w.safetensors", build_network("modot_lite"), "modot_lite", canonical_focal=0.8, working_size=None)
    run = Run(options(data, tmp_path, model="modot_lite", start=str(tmp_path / "w.safetensors"), encoder_rate=0.0), (5,))
    assert {name.split(".")[0] for name, p in run.network.named_parameters() if not p.requires_grad} == {"encoder"}


def test_learning_rate_by_hand():
    rates = [training.learning_rate(progress, 2.0, 0.2) for progress in (0.0, 0.1, 0.2, 0.6, 1.0)]
    assert rates == pytest.approx([0.02, 1.0, 2.0, 2.0 * 0.505, 0.02])
    assert training.learning_rate(0.0, 2.0, 0.0) == 2.0


class Says(nn.Module):
    """A network that says the same whatever it sees."""

    min_depth_m, max_depth_m = 0.1, 20.0

    def __init__(self, *maps):
        super().__init__()
        self.maps = maps

    def forward(self, image):
        return self.maps


def test_the_total_weighs_its_parts(data, tmp_path):
    chosen = options(data, tmp_path, depth_weight=5.0, relative_weight=7.0, boundary_weight=3.0, boundary_negative_weight=1 / 1.1,
                     constraint_weight=2.0)
    true_m, boundary = torch.full((1, 1, 8, 8), 2.0), torch.zeros(1, 1, 8, 8)
    true_m[..., 4:], boundary[..., 3] = 4.0, 1.0
    flat = torch.full_like(true_m, 2.0)
    zeros = [torch.zeros(1, 1, 8, 8)] * 4
    batch = Batch(torch.zeros(1, 3, 8, 8), true_m, boundary, *torch.ones(2, 1, dtype=torch.bool),
                  torch.zeros(1, 1, 8, 8, dtype=torch.uint8))
    total, parts = training.total_loss(Says(flat, zeros), batch, chosen)
    # Difference -ln 2 on half of the pixels; a boundary on 1/8 of them, so that both classes weigh 7/64 ln 2.
    step = math.log(2)
    assert parts["log"] == pytest.approx(step / 2)
    assert parts["relative"] == pytest.approx(step / 2)      # its median is one of the two halves
    assert parts["gradient"] == pytest.approx(step * (1 / 7 + 1 / 3 + 1), rel=1e-5)
    assert parts["boundary"] == pytest.approx(2 * 7 / 64 * step, rel=1e-5)
    assert (parts["jump"], parts["smooth"]) == (pytest.approx(1.0), 0.0)
    expected = 5.0 * parts["log"] + 7.0 * parts["relative"] + 0.5 * parts["gradient"] + 3.0 * 1.6 * parts["boundary"] + 2.0 * 1.0
    assert float(total) == parts["loss"] == pytest.approx(expected, rel=1e-5)


def test_the_default_stages_grow_to_the_working_size(data):
    stages = TrainingOptions(train="a", validation="b", output="c", steps=1).stages
    assert [(stage.width, stage.height) for stage in stages] == [(128, 96), (256, 192), (256, 192)]
    assert [stage.whole for stage in stages] == [0.0, 0.65, 1.0]       # the last views are as those that a user has
    run, seen = Run(replace(options(data, "c", steps=20), stages=stages), (5,)), []
    for run.step in range(20):
        seen.append(run.stage)
    assert [seen.count(stage) for stage in stages] == [9, 7, 4]


def test_the_stage_says_how_many_views_are_whole(data, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(training, "training_batch", lambda *arguments: asked.append(arguments[-1]) or training_batch(*arguments))
    stages = (Stage(32, 32, 0.5), Stage(32, 32, 1.0, whole=0.4))
    train(options(data, tmp_path, stages=stages))
    assert asked == [0.0, 0.0, 0.4, 0.4]


def test_minutes_are_a_budget_of_their_own(data, tmp_path):
    run = Run(options(data, tmp_path, steps=None, minutes=2.0), (5,))
    run.elapsed_s = 60.0
    assert run.progress == 0.5 and run.stage.until == 0.6
    run.elapsed_s = 90.0
    assert run.stage == Stage(64, 32, 1.0)


def test_missing_views_are_named_before_anything_is_trained(data, tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing_here"):
        train(replace(options(data, tmp_path), train=str(tmp_path / "nothing_here")))


@pytest.mark.parametrize("model", ["modot", "modot_ssr"])
def test_the_published_networks_train_and_are_saved_with_their_config(data, tmp_path, model, curve):
    small = {"channels": 32, "depths": (1, 1, 2, 1), "crf_channels": (32, 64, 128, 256), "psp_channels": 32,
             "image_channels": 16}
    chosen = options(data, tmp_path, model=model, config=small, learning_rate=1e-3, steps=2, stages=(Stage(32, 32, 1.0),))
    path = train(chosen)
    assert path.name == f"{model}.safetensors" and len(curve.made) == 2
    assert all(math.isfinite(step["loss"]) for step in curve.made)
    loaded = load_network(model, path, "cpu")
    assert loaded.config["depths"] == [1, 1, 2, 1] and loaded.working_size == (32, 32)
    fresh = Run(chosen, (5,)).network.state_dict()
    assert any(not torch.equal(fresh[key], value) for key, value in load_file(path).items() if key.endswith("qkv.weight"))
    assert train(chosen) == path and len(curve.made) == 2          # a finished run is not run again
