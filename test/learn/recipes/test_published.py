# SPDX-License-Identifier: Apache-2.0
"""The published recipe on tiny networks and pictures: both stages, a run that was killed, and what is refused."""
import json
import shutil

import cv2
import numpy as np
import pytest
import torch

from modot_ros.learn.recipes import published
from modot_ros.learn.recipes.first_weights import fill_encoder
from modot_ros.learn.recipes.pictures import batch_of, open_pictures
from modot_ros.learn.recipes.published import PublishedOptions, PublishedRun, rate_at, train_published
from modot_ros.model import build_network, load_network, save_checkpoint

TINY = {"channels": 32, "depths": (1, 1, 1, 1), "crf_channels": (32, 64, 128, 256), "psp_channels": 32, "image_channels": 16}


@pytest.fixture(scope="module", autouse=True)
def every_step_is_logged():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("modot_ros.learn.recipes.run.LOG_EVERY", 1)
        yield


@pytest.fixture(scope="module")
def rooms(tmp_path_factory):
    """24 views of 80x64: a square before a wall."""
    folder = tmp_path_factory.mktemp("rooms")
    rng = np.random.default_rng(0)
    depth, boundary = np.full((24, 64, 80), 4.0, np.float16), np.zeros((24, 64, 80), np.uint8)
    depth[:, 20:50, 20:50] = 2.0
    boundary[:, 20:50, (20, 49)] = boundary[:, (20, 49), 20:50] = 1
    depth[:, 0] = np.nan
    np.savez(folder / "0.npz", rgb=rng.integers(0, 255, (24, 64, 80, 3), np.uint8), depth_m=depth, boundary=boundary,
             focal=np.ones(24, np.float32))
    return folder


@pytest.fixture(scope="module")
def swin(tmp_path_factory):
    """An encoder as it comes from ImageNet, with a head."""
    torch.manual_seed(9)
    state = build_network("modot", **TINY).backbone.state_dict()
    state = {key: value for key, value in state.items() if not key.startswith("norm")}
    path = tmp_path_factory.mktemp("swin") / "swin.pth"
    torch.save({"model": {**state, "head.weight": torch.zeros(5, 256), "norm.weight": torch.zeros(256)}}, path)
    return path


def options(rooms, output, **more):
    return PublishedOptions(**{"data": str(rooms), "output": str(output), "config": TINY, "steps": 4, "batch": 2, "crop": 32,
                               "validate_every": 2, "threads": 1, **more})


@pytest.fixture(scope="module")
def first(rooms, swin, tmp_path_factory):
    output = tmp_path_factory.mktemp("first")
    train_published(options(rooms, output, backbone=str(swin)))
    return output


@pytest.fixture(scope="module")
def second(rooms, first, tmp_path_factory):
    output = tmp_path_factory.mktemp("second")
    train_published(second_stage(rooms, output, first))
    return output


def second_stage(rooms, output, first, **more):
    return options(rooms, output, model="modot_ssr", first_stage=str(first / "modot.safetensors"), config={}, **more)


def curve(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_the_rate_falls_with_a_power_to_a_tenth():
    assert rate_at(0, 100, 3e-5) == pytest.approx(3e-5)
    assert rate_at(50, 100, 1.0) == pytest.approx(0.9 * 0.5 ** 0.9 + 0.1)
    assert rate_at(100, 100, 3e-5) == pytest.approx(3e-6)


@pytest.mark.parametrize("stage", ["first", "second"])
def test_the_weights_can_be_used_and_the_log_has_every_loss(stage, request):
    folder = request.getfixturevalue(stage)
    name = {"first": "modot", "second": "modot_ssr"}[stage]
    loaded = load_network(name, folder / f"{name}.safetensors", "cpu")
    depth, logits = loaded.network(torch.zeros(1, 3, 64, 64))
    assert depth.shape == logits[-1].shape == (1, 1, 64, 64) and loaded.record["recipe"] == "published"
    steps = [line for line in curve(folder) if "depth" in line]
    assert [line["step"] for line in steps] == [1, 2, 3, 4] and {"loss", "boundary", "constraint"} < set(steps[0])


def test_the_second_stage_leaves_weights_of_the_first_but_moves_its_statistics(rooms, first, tmp_path):
    run = PublishedRun(second_stage(rooms, tmp_path, first), open_pictures(str(rooms)))
    before = {key: value.clone() for key, value in run.network.first.state_dict().items()}
    refiner = run.network.conv_down.weight.detach().clone()
    run.advance()
    for key, value in run.network.first.state_dict().items():
        if key.endswith("running_var") and "crf" not in key and "disp" not in key and "upsamples" not in key and "end" not in key:
            assert not torch.equal(value, before[key]), key
        elif not key.endswith(("running_mean", "running_var", "num_batches_tracked")):
            assert torch.equal(value, before[key]), key
    assert not torch.equal(run.network.conv_down.weight, refiner)


@pytest.mark.parametrize("stage", ["modot", "modot_ssr"])
def test_a_run_that_was_killed_repeats_the_curve(stage, rooms, swin, first, second, tmp_path, monkeypatch):
    """The log and the weights, as if nothing had happened."""
    whole, wanted = ((first, options(rooms, tmp_path, backbone=str(swin))) if stage == "modot" else
                     (second, second_stage(rooms, tmp_path, first)))
    advance = PublishedRun.advance

    def killed(self):
        if self.step == 3:
            raise KeyboardInterrupt
        return advance(self)

    monkeypatch.setattr(PublishedRun, "advance", killed)
    with pytest.raises(KeyboardInterrupt):
        train_published(wanted)
    monkeypatch.setattr(PublishedRun, "advance", advance)
    train_published(wanted)
    assert curve(tmp_path) == curve(whole)
    states = [torch.load(folder / published.CHECKPOINT, weights_only=True)["network"] for folder in (tmp_path, whole)]
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())


def test_the_wrong_stage_is_refused_by_name_and_nothing_is_overwritten(rooms, first, second, tmp_path):
    for found, other in ((first, second_stage(rooms, first, first)), (second, options(rooms, second))):
        before = {path.name: path.read_bytes() for path in found.iterdir() if path.is_file()}
        with pytest.raises(ValueError, match=f"{published.CHECKPOINT}: is a run of stage ., expected was one of stage"):
            train_published(other)
        assert before == {path.name: path.read_bytes() for path in found.iterdir() if path.is_file()}


def test_a_second_stage_goes_on_only_with_the_file_that_it_began_with(rooms, first, second, tmp_path):
    torch.manual_seed(3)
    other = tmp_path / "modot.safetensors"
    save_checkpoint(other, build_network("modot", **TINY), "modot", config=TINY, canonical_focal=None, working_size=None)
    with pytest.raises(ValueError, match="published.pt: that run began with .*modot.safetensors"):
        train_published(second_stage(rooms, second, tmp_path))
    shutil.copytree(second, tmp_path / "copy")
    with pytest.raises(ValueError, match="belongs to another run .*batch was 2, is 4"):
        train_published(second_stage(rooms, tmp_path / "copy", first, batch=4))


def test_the_backbone_is_read_and_another_network_refused_by_name(swin, tmp_path):
    encoder = build_network("modot", **TINY).backbone
    outputs = encoder.norm0.weight.clone()
    fill_encoder(encoder, swin)
    state = torch.load(swin, weights_only=True)["model"]
    assert torch.equal(encoder.patch_embed.proj.weight, state["patch_embed.proj.weight"])
    assert torch.equal(encoder.norm0.weight, outputs)
    key = "layers.0.blocks.0.attn.relative_position_bias_table"
    torch.save({**state, key: torch.ones(23 * 23, 1)}, tmp_path / "window12.pth")
    fill_encoder(encoder, tmp_path / "window12.pth")
    assert torch.allclose(encoder.state_dict()[key], torch.ones(169, 1), atol=1e-5)
    torch.save({"conv1.weight": torch.zeros(3)}, tmp_path / "resnet.pth")
    with pytest.raises(ValueError, match="resnet.pth: is of another network.*conv1.weight"):
        fill_encoder(encoder, tmp_path / "resnet.pth")
    torch.save({**state, "patch_embed.proj.bias": torch.zeros(96)}, tmp_path / "small.pth")
    with pytest.raises(ValueError, match=r"small.pth: is of another network.*\(96,\), expected was \(32,\)"):
        fill_encoder(encoder, tmp_path / "small.pth")
    save_checkpoint(tmp_path / "a.safetensors", encoder, "modot_nano", canonical_focal=None, working_size=None)
    with pytest.raises(ValueError, match="a.safetensors: these are weights of 'modot_nano'"):
        fill_encoder(encoder, tmp_path / "a.safetensors")
    with pytest.raises(FileNotFoundError, match="absent.pth"):
        fill_encoder(encoder, tmp_path / "absent.pth")


def test_a_bad_backbone_writes_nothing(rooms, tmp_path):
    torch.save({"conv1.weight": torch.zeros(3)}, tmp_path / "resnet.pth")
    with pytest.raises(ValueError, match="resnet.pth"):
        train_published(options(rooms, tmp_path / "run", backbone=str(tmp_path / "resnet.pth")))
    assert not (tmp_path / "run").exists()


def test_weights_of_another_run_are_not_overwritten(rooms, tmp_path):
    (tmp_path / "modot.safetensors").write_bytes(b"precious")
    with pytest.raises(ValueError, match="modot.safetensors: exists"):
        train_published(options(rooms, tmp_path))
    assert (tmp_path / "modot.safetensors").read_bytes() == b"precious"


def test_the_best_validation_is_kept(rooms, tmp_path, monkeypatch):
    scores = iter([2.0, 3.0])
    monkeypatch.setattr(PublishedRun, "score", lambda self: next(scores))
    train_published(options(rooms, tmp_path))
    assert load_network("modot", tmp_path / "modot.safetensors", "cpu").record["step"] == 2


def test_pictures(rooms, tmp_path):
    pictures = open_pictures(f"rooms={rooms}")
    assert pictures.held_out == (0, 20) and len(pictures.shown) == 22
    image, depth, boundary = batch_of(pictures, [1, 2], None, None)
    assert image.shape == (2, 3, 64, 80) and image.abs().max() < 3 and depth[0, 0, 0].isnan().all()
    assert depth[0, 0, 30, 30] == 2.0 and boundary.sum() == 2 * 116
    with pytest.raises(ValueError, match="view 1 of .*80x64: smaller than the crop of 96x96"):
        batch_of(pictures, [1], 96, [0])
    with pytest.raises(ValueError, match="moons.*choose one of nyud_mt"):
        open_pictures("moons=there")
    with pytest.raises(FileNotFoundError, match="absent"):
        open_pictures(str(tmp_path / "absent"))


def test_a_published_set_is_trained_on_and_a_file_that_is_missing_or_of_another_size_is_named(tmp_path):
    folder = tmp_path / "NYUD-MT"
    for part in ("images", "edge", "depth"):
        (folder / "NYUDv2" / part).mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(1, 5):
        cv2.imwrite(str(folder / f"NYUDv2/images/{number:04d}.png"), rng.integers(0, 255, (33, 40, 3), np.uint8))
        cv2.imwrite(str(folder / f"NYUDv2/edge/{number:04d}.png"), np.eye(33, 40, dtype=np.uint8) * 255)
        np.save(folder / f"NYUDv2/depth/{number:04d}.npy", np.full((33, 40), 2.5) * (np.arange(40) > 3))
    for name in ("train_list.txt", "val_list.txt"):
        (folder / name).write_text("00000\n00001\n00002\n00003\n")
    wanted = options(f"nyud_mt={folder}", tmp_path / "run", crop=None, batch=3, steps=1)
    run = PublishedRun(wanted, open_pictures(wanted.data))
    assert run.crop is None and run.rate == 3e-5 and run.dataset == "nyud-mt"
    assert batch_of(run.pictures, [1], None, None)[1][0, 0, 0].tolist() == [255.0] * 4 + [2.5] * 36
    assert "skipped" not in run.advance() and run.step == 1
    (folder / "NYUDv2/depth/0003.npy").unlink()
    with pytest.raises(ValueError, match="0003.npy"):
        train_published(wanted)
    np.save(folder / "NYUDv2/depth/0003.npy", np.ones((9, 9)))
    with pytest.raises(ValueError, match="NYUD-MT train, 0003: .*9"):
        train_published(wanted)
    assert not (tmp_path / "run" / "modot.safetensors").exists()


@pytest.mark.parametrize("bad, named", [
    ({"model": "modot_nano"}, "modot_nano.*choose one of modot, modot_ssr"), ({"model": "modot_ssr"}, "--first-stage"),
    ({"first_stage": "a"}, "--first-stage a"), ({"steps": 0}, "steps=0"), ({"batch": 1}, "batch=1")])
def test_options_that_cannot_work(bad, named):
    with pytest.raises(ValueError, match=named):
        PublishedOptions(**{"data": "rooms", "output": "run", **bad})
