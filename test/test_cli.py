# SPDX-License-Identifier: Apache-2.0
"""The `modot` command as a user types it."""
import json
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from modot_ros import cli
from modot_ros.learn.synthetic.shards import FIRST_SEED, training_view, write_shard
from modot_ros.scene.order.nearness import WEIGHTS

FILES = {"depth.npy", "depth_mm.png", "boundary_prob.npy", "boundary.png", "labels.png", "graph.json", "classes.png",
         "overlay.png"}


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    cv2.imwrite(str(folder / "room.png"), training_view(3, 160, 120).rgb[:, :, ::-1])
    return folder / "room.png"


def test_predict_writes_every_file(picture, tmp_path):
    assert cli.main(["predict", str(picture), "-o", str(tmp_path), "--focal-px", "140", "--device", "cpu"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {f"room_{kind}" for kind in FILES}
    depth_m = np.load(tmp_path / "room_depth.npy")
    assert depth_m.shape == (120, 160) and depth_m.dtype == np.float32
    millimetres = cv2.imread(str(tmp_path / "room_depth_mm.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_allclose(millimetres, 1000 * depth_m, atol=0.51)
    assert np.load(tmp_path / "room_boundary_prob.npy").dtype == np.float32
    assert set(np.unique(cv2.imread(str(tmp_path / "room_boundary.png"), 0))) <= {0, 255}
    labels = cv2.imread(str(tmp_path / "room_labels.png"), cv2.IMREAD_UNCHANGED)
    assert labels.dtype == np.uint16
    graph = json.loads((tmp_path / "room_graph.json").read_text())
    assert {instance["id"] for instance in graph["instances"]} == set(np.unique(labels).tolist()) - {0}
    assert cv2.imread(str(tmp_path / "room_overlay.png")) is not None


def test_predict_takes_a_folder_and_its_labels(picture, tmp_path):
    pictures, labels, out = tmp_path / "in", tmp_path / "labels", tmp_path / "out"
    pictures.mkdir(), labels.mkdir()
    mask = np.zeros((120, 160), np.uint16)
    mask[30:90, 40:100] = 517
    for name in ("a", "b"):
        (pictures / f"{name}.png").write_bytes(picture.read_bytes())
        cv2.imwrite(str(labels / f"{name}.png"), mask)
    assert cli.main(["predict", str(pictures), "-o", str(out), "--instances", str(labels), "--device", "cpu", "--panel"]) == 0
    assert len(list(out.iterdir())) == 2 * (len(FILES) + 1) and (out / "b_panel.jpg").exists()
    assert [instance["id"] for instance in json.loads((out / "b_graph.json").read_text())["instances"]] == [517]


@pytest.mark.parametrize("frames", (False, True))
def test_predict_makes_a_video_and_lines_of_a_video(picture, tmp_path, frames, capsys):
    writer = cv2.VideoWriter(str(tmp_path / "v.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (160, 120))
    shown = cv2.imread(str(picture))
    for shift in (0, 2, 4):
        writer.write(np.roll(shown, shift, 1))
    writer.release()
    out = tmp_path / "out"
    assert cli.main(["predict", str(tmp_path / "v.avi"), "-o", str(out), "--device", "cpu",
                     *(["--frames", "--panel"] if frames else [])]) == 0
    assert len(list(out.iterdir())) == 2 + 3 * (len(FILES) + 1) * frames
    video = out / ("v_panel.mp4" if frames else "v_overlay.mp4")
    said = capsys.readouterr()
    assert "3 frames in " in said.out and video.name in said.out and "3/3" in said.err
    lines = [json.loads(line) for line in (out / "v_graph.jsonl").read_text().splitlines()]
    assert [(line["frame"], line["time_s"]) for line in lines] == [(0, 0.0), (1, 0.1), (2, 0.2)]
    ids = [{instance["id"] for instance in line["instances"]} for line in lines]
    assert ids[0] & ids[2] and max(instance["age"] for instance in lines[2]["instances"]) == 3, "ids are tracked"
    assert cv2.VideoCapture(str(video)).get(cv2.CAP_PROP_FRAME_COUNT) == 3
    if frames:
        labels = cv2.imread(str(out / "v_000002_labels.png"), cv2.IMREAD_UNCHANGED)
        assert set(np.unique(labels)) - {0} == {one["id"] for one in lines[2]["instances"] if not one["hidden_by"]}


def test_predict_takes_a_camera_until_it_is_interrupted(picture, tmp_path, capsys, monkeypatch):
    class Camera:
        """Stands in for cv2.VideoCapture(0): three pictures, then somebody types Ctrl-C."""

        def __init__(self, device):
            assert device == 0
            self.left = 4                               # Device reads one to see that it gives pictures

        def isOpened(self):
            return True

        def set(self, key, value):
            pass

        def release(self):
            pass

        def read(self):
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            return True, cv2.imread(str(picture))

    monkeypatch.setattr("modot_ros.ros.sources.device.cv2", SimpleNamespace(VideoCapture=Camera, CAP_PROP_BUFFERSIZE=38))
    assert cli.main(["predict", "0", "-o", str(tmp_path), "--device", "cpu", "--frames"]) == 0
    assert "3 frames in " in capsys.readouterr().out
    assert len((tmp_path / "0_graph.jsonl").read_text().splitlines()) == 3
    assert cv2.VideoCapture(str(tmp_path / "0_overlay.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) >= 1
    assert {path.name for path in tmp_path.glob("*_labels.png")} == {f"0_{number:06d}_labels.png" for number in range(3)}


def test_order_prints_the_graph_and_writes_it(picture, tmp_path, capsys):
    labels = np.zeros((120, 160), np.uint8)
    labels[10:60, 20:140], labels[60:110, 20:140] = 7, 30
    cv2.imwrite(str(tmp_path / "labels.png"), labels)
    out = tmp_path / "out"
    assert cli.main(["order", str(picture), "--instances", str(tmp_path / "labels.png"), "-o", str(out),
                     "--device", "cpu"]) == 0
    printed = capsys.readouterr().out
    assert "room: 2 instances" in printed and "1 depth orders (geometric)" in printed
    assert {path.name for path in out.iterdir()} == {"room_graph.json", "room_graph.graphml", "room_graph.dot",
                                                     "room_overlay.png"}
    assert [instance["id"] for instance in json.loads((out / "room_graph.json").read_text())["instances"]] == [7, 30]
    assert cv2.imread(str(out / "room_overlay.png")).shape == (120, 160, 3)


def test_order_prints_without_a_folder_and_finds_regions(picture, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["order", str(picture), "--device", "cpu"]) == 0
    assert "instances, near to far" in capsys.readouterr().out and not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["order", "predict"])
@pytest.mark.parametrize("arguments, message", [
    (["--order-method", "learned"], "choose one of instaordernet_o,"),
    (["--order-method", "guess"], "choose one of geometric, learned, fused"),
    (["--order-model", "instaordernet_x"], "instaordernet_x"),
    (["--order-model", "instaordernet_o", "--order-weights", "nowhere.pth"], "nowhere.pth"),
    (["--order-max-instances", "1"], "order_max_instances is 1"),
])
def test_orders_that_cannot_be_had_are_said_in_one_line(picture, tmp_path, capsys, command, arguments, message):
    assert cli.main([command, str(picture), "-o", str(tmp_path), "--device", "cpu", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


@pytest.mark.parametrize("arguments, message", [
    (["nowhere.png"], "'nowhere.png' does not exist"),
    (["PICTURE", "--model", "modot_giant"], "choose"),
    (["PICTURE", "--weights", "nowhere.safetensors"], "nowhere.safetensors"),
    (["PICTURE", "--device", "cuda:99"], "cuda:99"),
    (["PICTURE", "--instances", "nowhere.png"], "'nowhere.png' does not exist"),
    (["PICTURE", "--focal-px", "-3"], "focal_px is -3.0"),
    (["PICTURE", "--focal-px", "2"], "a field of view of"),
    (["FOLDER"], "is the input folder"),
    (["97"], "source '97': no camera or stream there that gives pictures"),
])
def test_what_cannot_work_is_said_in_one_line(picture, tmp_path, capsys, arguments, message):
    places = {"PICTURE": str(picture), "FOLDER": f"{tmp_path}/."}
    arguments = [places.get(argument, argument) for argument in arguments]
    assert cli.main(["predict", *arguments, "-o", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


def test_pictures_of_a_folder_that_cannot_be_told_apart_or_read_are_named(picture, tmp_path, capsys):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    (folder / "a.png").write_bytes(picture.read_bytes()), (folder / "b.png").write_bytes(b"no picture")
    cv2.imwrite(str(folder / "c.png"), np.zeros((9, 9), np.uint16))
    assert cli.main(["predict", str(folder), "-o", str(out), "--device", "cpu"]) == 0
    said = capsys.readouterr()
    assert "1 predictions" in said.out and "2 passed over" in said.err
    assert "b.png (is no picture, or corrupt), c.png (has one channel of 16 bits" in said.err
    cv2.imwrite(str(folder / "a.jpg"), cv2.imread(str(picture)))
    assert cli.main(["predict", str(folder), "-o", str(out), "--device", "cpu"]) == 2
    assert "two pictures are called 'a'" in capsys.readouterr().err


@pytest.mark.parametrize("labels, said", [
    (np.zeros((60, 80), np.uint8), "labels.png' is 80x60, the picture 'room' 160x120"),
    (np.zeros((120, 160, 3), np.uint8), "labels.png' is no label image of one channel, it has 3"), (None, "is no picture")])
def test_labels_that_do_not_fit_are_named(picture, tmp_path, capsys, labels, said):
    (tmp_path / "labels.png").write_bytes(b"" if labels is None else cv2.imencode(".png", labels)[1].tobytes())
    assert cli.main(["order", str(picture), "--instances", str(tmp_path / "labels.png"), "--device", "cpu"]) == 2
    assert said in capsys.readouterr().err


def test_all_labels_that_are_given_are_taken(picture, tmp_path, capsys):
    v, u = np.mgrid[:120, :160]
    cv2.imwrite(str(tmp_path / "labels.png"), (1 + v // 12 * 10 + u // 16).astype(np.uint8))
    assert cli.main(["order", str(picture), "--instances", str(tmp_path / "labels.png"), "--device", "cpu"]) == 0
    assert "room: 100 instances" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--seconds", "3", "--input", "a.png"], ["--help"], []])
def test_the_demo_gets_its_options(monkeypatch, arguments):
    pytest.importorskip("rclpy", reason="rclpy is not importable: no ROS here")
    from modot_ros.ros.demo import demo
    monkeypatch.setattr(demo, "main", lambda given: 0 if given == arguments else 1)
    assert cli.main(["demo", *arguments]) == 0


def test_bench_ends_in_a_json_line(capsys):
    assert cli.main(["bench", "--size", "96x64", "--runs", "2", "--device", "cpu"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["runs"] == 2 and result["total_ms"][1] > 0 and "network" in result["stage_ms"]


def test_train_orders_renders_looks_and_trains(tmp_path, capsys):
    for split in ("train", "validation"):                               # small rooms instead of those it would render
        folder = tmp_path / "data" / split
        folder.mkdir(parents=True)
        write_shard(folder / f"{split}_256x192_00000.npz", FIRST_SEED[split], 6, 64, 48, instances=True)
    command = ["train-orders", "-o", str(tmp_path), "--views", "40", "--validation-views", "40", "--workers", "1"]
    assert cli.main([*command, "--epochs", "0"]) == 2 and "--epochs is 0" in capsys.readouterr().err
    assert cli.main([*command, "--epochs", "2"]) == 0
    said = capsys.readouterr().out
    assert "looking: 1 of 1 shards" in said and "epoch 2: cross-entropy" in said
    with np.load(tmp_path / "nearness.npz") as stored, np.load(WEIGHTS) as shipped:
        assert {name: stored[name].shape for name in stored.files} == {name: shipped[name].shape for name in shipped.files}


@pytest.fixture
def stroke_weights(tmp_path):
    """Weights of a small network that takes strokes."""
    from modot_ros.model import build_network, save_checkpoint
    config = {"channels": 32, "depths": [1, 1, 2, 1], "window": 4}
    save_checkpoint(tmp_path / "s.safetensors", build_network("dnmmsi_small", **config), "dnmmsi_small", config=config,
                    depth_kind="none", canonical_focal=None, working_size=None)
    return ["--model", "dnmmsi_small", "--weights", str(tmp_path / "s.safetensors"), "--device", "cpu"]


def test_refine_writes_what_strokes_give_and_goes_on_from_there(picture, stroke_weights, tmp_path, capsys):
    out, strokes = tmp_path / "out", tmp_path / "strokes.json"
    drawn = [{"kind": "missing", "points": [[20, 30], [60, 34]]}]
    strokes.write_text(json.dumps({"width": 160, "height": 120, "strokes": drawn}))
    refine = ["refine", str(picture), "-o", str(out), *stroke_weights]
    assert cli.main(refine) == 0
    assert {path.name for path in out.iterdir()} == {"room_boundary_prob.npy", "room_boundary.png", "room_refined.png"}
    first = np.load(out / "room_boundary_prob.npy")
    assert first.shape == (120, 160) and first.dtype == np.float32
    assert cli.main([*refine, "--strokes", str(strokes), "--previous", str(out / "room_boundary_prob.npy")]) == 0
    assert "1 strokes" in capsys.readouterr().out
    assert not np.array_equal(np.load(out / "room_boundary_prob.npy"), first)
    overlay, plain = cv2.imread(str(out / "room_refined.png")).astype(int), cv2.imread(str(picture)).astype(int)
    assert (overlay - plain)[32, 40, 1] > (overlay - plain)[32, 40, 2]              # green over the stroke


@pytest.mark.parametrize("strokes, reason", [
    ({"width": 640, "height": 480, "strokes": []}, "strokes of a picture of 640x480, this one is 160x120"),
    ({"width": 160, "height": 120, "strokes": [{"kind": "false", "points": [[3, 3]]}]}, "stroke 1 (false): its length is 0 px"),
    ([], "no strokes"),
])
def test_refine_refuses_strokes_by_file_and_number(picture, stroke_weights, tmp_path, capsys, strokes, reason):
    path = tmp_path / "strokes.json"
    path.write_text(json.dumps(strokes))
    assert cli.main(["refine", str(picture), "-o", str(tmp_path / "out"), "--strokes", str(path), *stroke_weights]) == 2
    assert f"{path}: {reason}" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_refine_names_a_model_without_strokes_and_weights_that_lack(picture, tmp_path, capsys):
    assert cli.main(["refine", str(picture), "-o", str(tmp_path), "--model", "modot_nano"]) == 2
    assert "modot_nano takes no strokes: choose one of scribble_nano, dnmmsi_small" in capsys.readouterr().err
    assert cli.main(["refine", str(picture), "-o", str(tmp_path), "--device", "cpu", "--model", "dnmmsi_base"]) == 2
    assert "the package brings none, name a file" in capsys.readouterr().err


def test_serve_names_what_it_needs(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    monkeypatch.delitem(__import__("sys").modules, "modot_ros.engine.pool.service", raising=False)
    assert cli.main(["serve"]) == 2
    assert "pip install modot_ros[serve]" in capsys.readouterr().err


@pytest.mark.parametrize("arguments, said", [
    (["nowhere"], "nowhere: no such folder"), ([".", "--model", "modot_nano"], "takes no strokes: choose one of scribble_nano"),
    ([".", "--port", "70000"], "--port is 70000"), ([".", "--device", "cpu"], "no picture in it")])
def test_annotate_names_what_it_can_not_serve(tmp_path, monkeypatch, capsys, arguments, said):
    pytest.importorskip("fastapi"), pytest.importorskip("uvicorn")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["annotate", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_view_saves_what_a_page_would_show(picture, tmp_path, capsys):
    pytest.importorskip("rerun", reason="rerun-sdk is not installed: `make view` brings it")
    file = tmp_path / "look.rrd"
    assert cli.main(["view", str(picture), "--no-page", "--save", str(file), "--device", "cpu"]) == 0
    assert "1 frames" in capsys.readouterr().out and file.stat().st_size > 10_000
    assert cli.main(["view", str(picture), "--no-page", "--device", "cpu"]) == 2
    assert "path to save" in capsys.readouterr().err
