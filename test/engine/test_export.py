# SPDX-License-Identifier: Apache-2.0
"""Exported networks against torch, through ONNX Runtime; small ones, but for the default."""
import json

import numpy as np
import pytest
import torch

from modot_ros import cli
from modot_ros.engine.export import EXPORTS, METADATA_KEY, TOLERANCE, export, export_network, largest_difference
from modot_ros.engine.onnx_session import session
from modot_ros.model import build_network, save_checkpoint, save_order_checkpoint

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

SMALL_MODOT = {"channels": 32, "depths": [2, 2, 2, 2], "crf_channels": [32, 128, 128, 128], "psp_channels": 32,
               "image_channels": 16}
SMALL_MIDAS = {"planes": 8, "groups": 8, "channels": 16}
CONFIGS = {"modot_lite": {}, "modot": SMALL_MODOT, "modot_ssr": SMALL_MODOT,
           "instaordernet_o": {"planes": 8}, "instaordernet_d": {"planes": 8}, "instaordernet_od": {"planes": 8},
           "instadepthnet_d": {**SMALL_MIDAS, "blocks": [1, 1, 1, 1], "order_blocks": [1, 1, 1, 1]},
           "instadepthnet_od": {**SMALL_MIDAS, "blocks": [1, 1, 1, 1], "order_blocks": [1, 1, 1, 1]},
           "ordernet": {"planes": 8}, "ordernet_ext": {"planes": 8}, "midas_v21": {**SMALL_MIDAS, "blocks": [1, 1, 1, 1]}}


def saved(path, name, lively):
    torch.manual_seed(0)                                # of the biases: with some, all that a network gives is cut off at 0
    network = lively(build_network(name, **CONFIGS[name]), gain=1.0)
    if "modot" in name:
        save_checkpoint(path, network, name, config=CONFIGS[name], canonical_focal=None, working_size=(96, 64))
    else:
        network.size = 64
        save_order_checkpoint(path, network, name, config=CONFIGS[name])
    return path


def test_every_network_but_pcnet_and_depth_anything_is_exported_here():
    assert set(EXPORTS) == {"modot_nano", *CONFIGS}


@pytest.mark.parametrize("name", CONFIGS)
def test_an_export_gives_what_torch_gives_alone_and_in_a_batch(tmp_path, name, lively):
    exported = export(name, saved(tmp_path / "small.safetensors", name, lively), (100, 100) if name == "modot_ssr" else (96, 64))
    with torch.inference_mode():
        outputs = exported.network(*exported.inputs)
    assert all(output[0].sub(output[1]).abs().max() > TOLERANCE for output in outputs), "examples that differ"
    assert largest_difference(exported) <= TOLERANCE


def test_the_command_writes_the_default_network_and_what_its_numbers_mean(tmp_path, capsys):
    assert cli.main(["export", "-o", str(tmp_path / "nano.onnx"), "--size", "1280x720"]) == 0
    assert "differs from torch by" in capsys.readouterr().out
    runtime = session(tmp_path / "nano.onnx", "cpu")
    assert runtime.get_inputs()[0].shape == ["batch", 3, 192, 320]
    facts = json.loads(runtime.get_modelmeta().custom_metadata_map[METADATA_KEY])
    assert facts["name"] == "modot_nano" and facts["depth_kind"] == "metric" and 0.5 < facts["canonical_focal"] < 1
    assert facts["size"] == [320, 192] and facts["mean"] == [0.485, 0.456, 0.406]


def test_what_differs_is_not_written(tmp_path, monkeypatch, capsys, lively):
    saved(tmp_path / "small.safetensors", "ordernet", lively)
    monkeypatch.setattr("modot_ros.engine.export.largest_difference", lambda exported: 2e-4)
    assert cli.main(["export", "-o", str(tmp_path / "a.onnx"), "--model", "ordernet",
                     "--weights", str(tmp_path / "small.safetensors")]) == 2
    assert "0.0002" in capsys.readouterr().err and not (tmp_path / "a.onnx").exists()


@pytest.mark.parametrize("arguments, problem", [
    (("pcnet_m",), "choose one of modot_nano"), (("modot_lite",), "no such weights"), (("instaordernet_o",), "name a file")])
def test_what_cannot_be_exported_is_named(arguments, problem):
    with pytest.raises((ValueError, FileNotFoundError), match=problem):
        export(*arguments)


def test_a_difference_is_found(lively):
    network = lively(build_network("modot_nano", encoder_channels=(8, 8, 8, 8, 8), decoder_channels=(8, 8, 8),
                                   detail_channels=4), gain=1.0)
    exported = export_network(network, {"working_size": None}, (96, 64))
    assert largest_difference(exported) < TOLERANCE
    with torch.no_grad():
        network.depth_head.out.bias += 0.1
    assert largest_difference(exported) > TOLERANCE and np.isfinite(largest_difference(exported))
