# SPDX-License-Identifier: Apache-2.0
"""Weights on disk: what was saved comes back, and every file that cannot be used is refused with its reason."""
import json
import os
import pickle
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file, save_file

from modot_ros.model import build_network, load_network, read_network, save_checkpoint
from modot_ros.model.checkpoint import WEIGHTS_FOLDER, load_order_network, shipped_config

TINY = {"encoder_channels": [8, 8, 8, 8, 8], "decoder_channels": [8, 8, 8], "detail_channels": 4}
FACTS = {"name": "modot_nano", "config": TINY, "depth_kind": "metric", "canonical_focal": 0.7, "working_size": [96, 64],
         "record": {"step": 7}}


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build_network("modot_nano", **TINY).eval()


@pytest.fixture
def state(network):
    return {key: value.clone() for key, value in network.state_dict().items()}


@pytest.fixture
def saved(network, tmp_path):
    path = tmp_path / "small.safetensors"
    save_checkpoint(path, network, "modot_nano", config=TINY, canonical_focal=0.7, working_size=(96, 64),
                    record={"step": 7})
    return path


def written(path, state, facts):
    save_file(state, path, metadata={"modot": facts if isinstance(facts, str) else json.dumps(facts)})
    return path


@torch.inference_mode()
def test_what_was_saved_comes_back(network, saved):
    loaded = load_network("modot_nano", saved, "cpu")
    assert (loaded.name, loaded.config, loaded.record, loaded.weights) == ("modot_nano", TINY, {"step": 7}, saved)
    assert (loaded.depth_kind, loaded.canonical_focal, loaded.working_size) == ("metric", 0.7, (96, 64))
    assert (loaded.max_depth_m, loaded.device, loaded.precision) == (20.0, torch.device("cpu"), "fp32")
    assert not loaded.network.training and not any(p.requires_grad for p in loaded.network.parameters())
    image = torch.randn(1, 3, 64, 96)
    torch.testing.assert_close(loaded.network(image), network(image), rtol=1e-4, atol=1e-4)
    assert os.listdir(saved.parent) == ["small.safetensors"]        # nothing half-written stays behind


def test_a_network_that_is_read_can_be_trained_on(network, saved):
    read, facts, path = read_network("modot_nano", saved)
    assert (facts["config"], facts["canonical_focal"], facts["working_size"], path) == (TINY, 0.7, (96, 64), saved)
    assert all(p.requires_grad for p in read.parameters())
    for key, value in network.state_dict().items():         # with its batch norms
        torch.testing.assert_close(read.state_dict()[key], value, rtol=0, atol=0)


@torch.inference_mode()
def test_a_halved_file_says_the_same_to_three_digits(network, saved, tmp_path):
    path = tmp_path / "half.safetensors"
    save_checkpoint(path, network, "modot_nano", config=TINY, canonical_focal=0.7, working_size=(96, 64), half=True)
    assert path.stat().st_size < 0.75 * saved.stat().st_size        # what is not half of it are names and vectors
    loaded = load_network("modot_nano", path, "cpu")
    assert {p.dtype for p in loaded.network.parameters()} == {torch.float32}
    image = torch.randn(1, 3, 64, 96)
    torch.testing.assert_close(loaded.network(image), network(image), rtol=2e-3, atol=2e-3)


def test_a_place_that_cannot_be_written_to_is_named_and_a_folder_made(network, tmp_path):
    (tmp_path / "file").touch()
    for wrong in (tmp_path / "file" / "small.safetensors", tmp_path):
        with pytest.raises(OSError, match=f"{wrong} can't be written"):
            save_checkpoint(wrong, network, "modot_nano", config=TINY, canonical_focal=0.7, working_size=None)
    save_checkpoint(tmp_path / "a" / "b.safetensors", network, "modot_nano", config=TINY, canonical_focal=0.7,
                    working_size=None)
    assert os.listdir(tmp_path / "a") == ["b.safetensors"]


def test_saving_again_replaces_the_file_as_a_whole(network, saved, monkeypatch):
    before = saved.read_bytes()

    def breaks(tensors, path, metadata):
        path.write_bytes(b"half")
        raise OSError("disk full")
    monkeypatch.setattr("modot_ros.model.checkpoint.save_file", breaks)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(saved, network, "modot_nano", canonical_focal=0.7, working_size=(96, 64))
    assert saved.read_bytes() == before


def test_the_packages_own_weights_load():
    loaded = load_network("modot_nano", device="cpu")
    assert loaded.weights == WEIGHTS_FOLDER / "modot_nano.safetensors"
    assert loaded.depth_kind == "metric" and loaded.weights.stat().st_size < 15e6


def test_loading_does_not_bring_in_torchs_compiler(saved):
    """It would cost the node a second of its start and 66 MB."""
    code = "import sys; from modot_ros.model import load_network; load_network('modot_nano', sys.argv[1], 'cpu'); " \
           "sys.exit('torch._dynamo' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code, str(saved)]).returncode == 0


@pytest.mark.parametrize("wrapped", [False, True])
@torch.inference_mode()
def test_a_pth_file_of_tensors_loads(tmp_path, wrapped):
    torch.manual_seed(0)
    network = build_network("modot_nano").eval()
    state = {f"module.{key}": value for key, value in network.state_dict().items()}
    path = tmp_path / "nano.pth"
    torch.save({"model": state, "global_step": 3} if wrapped else state, path)
    image = torch.randn(1, 3, 32, 32)
    torch.testing.assert_close(load_network("modot_nano", path, "cpu").network(image), network(image), rtol=1e-4, atol=1e-4)


def test_a_missing_file_is_named(tmp_path):
    for path in (tmp_path / "nowhere.safetensors", tmp_path):
        with pytest.raises(FileNotFoundError, match=str(path)):
            load_network("modot_nano", path, "cpu")


@pytest.mark.parametrize("keep", [0, 4, 200, -1])
def test_a_truncated_safetensors_file_is_called_damaged(saved, keep):
    saved.write_bytes(saved.read_bytes()[:keep])
    with pytest.raises(ValueError, match="small.safetensors: damaged"):
        load_network("modot_nano", saved, "cpu")


@pytest.mark.parametrize("keep", [0, 4, 2000, -100])
def test_a_truncated_pth_file_is_called_damaged(state, tmp_path, keep):
    path = tmp_path / "cut.pth"
    torch.save(state, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match="cut.pth: (damaged|refused)"):
        load_network("modot_nano", path, "cpu")


def test_a_file_of_something_else_is_called_damaged(tmp_path):
    for name in ("text.safetensors", "text.pth"):
        (tmp_path / name).write_text("These are not the weights that you are looking for.\n" * 50)
        with pytest.raises(ValueError, match=f"{name}: (damaged|refused)"):
            load_network("modot_nano", tmp_path / name, "cpu")


POINTER = b"""version https://git-lfs.github.com/spec/v1
oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
size 24689152
"""


@pytest.mark.parametrize("ending", (".safetensors", ".pth", ".pth.tar"))
@pytest.mark.parametrize("content, said", [
    (POINTER, "is a git-lfs pointer to a file of 24689152 bytes.*git lfs pull"),
    (b"<!DOCTYPE html><html><head><title>Sign in</title>", "is an HTML or XML page"),
    (b"\xef\xbb\xbf\n  <HTML lang=en>", "is an HTML or XML page"),
    (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "is an HTML or XML page"), (b"", "damaged, it is empty")])
def test_what_a_download_left_in_the_place_of_weights_is_named(tmp_path, ending, content, said):
    path = tmp_path / f"weights{ending}"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"weights{ending}: {said}"):
        load_network("modot_nano", path, "cpu")
    with pytest.raises(ValueError, match=said):
        load_order_network("instaordernet_o", path, "cpu")


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def bare_pickle(thing, path):
    path.write_bytes(pickle.dumps(thing))


@pytest.mark.parametrize("dump", [torch.save, bare_pickle])
def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path, state, dump):
    mark, path = tmp_path / "it_ran", tmp_path / "bomb.pth"
    dump({**state, "extra": Bomb(mark)} if dump is torch.save else Bomb(mark), path)
    with pytest.raises(ValueError, match="bomb.pth: refused.*could run code"):
        load_network("modot_nano", path, "cpu")
    assert not mark.exists()
    # The same file does its harm where pickles are believed: the test has teeth.
    torch.load(path, weights_only=False) if dump is torch.save else pickle.loads(path.read_bytes())
    assert mark.is_dir()


@pytest.mark.parametrize("content", [[1, 2], {}, {"model": {}}, {"a": 1}, {"model": {"a": "text"}}, torch.zeros(3)])
def test_a_pickle_without_a_state_dict_is_named(tmp_path, content):
    path = tmp_path / "other.pth"
    torch.save(content, path)
    with pytest.raises(ValueError, match="other.pth: holds no state dict"):
        load_network("modot_nano", path, "cpu")


def test_an_unknown_suffix_is_named_with_the_choices(tmp_path):
    path = tmp_path / "weights.onnx"
    path.write_bytes(b"x")
    with pytest.raises(ValueError, match="'.onnx'.*safetensors or .pth"):
        load_network("modot_nano", path, "cpu")


def test_weights_of_another_model_are_named(state, tmp_path):
    path = written(tmp_path / "a.safetensors", state, {**FACTS, "name": "modot_ssr"})
    with pytest.raises(ValueError, match="weights of 'modot_ssr', not of 'modot_nano'"):
        load_network("modot_nano", path, "cpu")
    path = written(tmp_path / "b.safetensors", {"classifier.weight": torch.zeros(3)}, {**FACTS})
    with pytest.raises(ValueError, match="missing.*more"):
        load_network("modot_nano", path, "cpu")


def test_a_missing_an_unknown_and_a_misshapen_tensor_are_named(state, tmp_path):
    del state["stem.conv.weight"]
    state["wing.weight"] = torch.zeros(2)
    state["depth_head.out.bias"] = torch.zeros(5)
    path = written(tmp_path / "odd.safetensors", state, FACTS)
    with pytest.raises(ValueError) as caught:
        load_network("modot_nano", path, "cpu")
    for text in ("stem.conv.weight is missing", "wing.weight is unknown", "depth_head.out.bias is [5], must be [4]"):
        assert text in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_named(state, tmp_path, value):
    state["stem.conv.weight"][0, 0, 0, 0] = value
    path = written(tmp_path / "nan.safetensors", state, FACTS)
    with pytest.raises(ValueError, match="stem.conv.weight has values that are not finite"):
        load_network("modot_nano", path, "cpu")


@pytest.mark.parametrize("change, said", [
    ({"depth_kind": "guess"}, "guess"), ({"canonical_focal": 0.0}, "canonical_focal"),
    ({"canonical_focal": "wide"}, "wide"), ({"canonical_focal": float("nan")}, "NaN|nan"),
    ({"canonical_focal": float("inf")}, "inf"), ({"working_size": [96]}, "working_size"),
    ({"working_size": [0, 64]}, "working_size"), ({"working_size": 5}, "5"), ({"working_size": ["a", "b"]}, "'a'"),
    ({"config": [1]}, "config"), ({"config": {"wings": 2}}, "wings"), ({"config": {"encoder_channels": [8]}}, "unpack"),
    ({"config": {"encoder_blocks": [1, 2]}}, "shorter"),
    ({"config": {"max_depth_m": "far"}}, "far"), ({"config": {"decoder_channels": [8, -8, 8]}}, "-8"),
    ({"config": {"detail_channels": 2.5}}, "2.5")])
def test_metadata_that_cannot_be_used_is_named(state, tmp_path, change, said):
    path = written(tmp_path / "facts.safetensors", state, {**FACTS, **change})
    with pytest.raises(ValueError, match=f"(?s)facts.safetensors: metadata.*({said})"):
        load_network("modot_nano", path, "cpu")


@pytest.mark.parametrize("text, said", [("{broken", "damaged"), ("[1, 2]", "not an object"), ("7", "not an object")])
def test_metadata_that_is_no_object_is_named(state, tmp_path, text, said):
    path = written(tmp_path / "facts.safetensors", state, text)
    with pytest.raises(ValueError, match=f"facts.safetensors.*{said}"):
        load_network("modot_nano", path, "cpu")


def test_a_file_without_metadata_gets_the_defaults(tmp_path):
    path = tmp_path / "bare.safetensors"
    save_file(build_network("modot_nano").state_dict(), path)
    loaded = load_network("modot_nano", path, "cpu")
    assert (loaded.depth_kind, loaded.canonical_focal, loaded.working_size) == ("metric", 0.8, (256, 192))


def test_unknown_models_devices_and_precisions_are_named_with_the_choices(saved, monkeypatch):
    with pytest.raises(ValueError, match="'modot_giant'.*modot_nano"):
        load_network("modot_giant", saved)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    for device in ("cuda", "cuda:0", "tpu", ""):
        with pytest.raises(ValueError, match=f"'{device}'.*auto or one of cpu$"):
            load_network("modot_nano", saved, device)
    for precision in ("fp16", "int8", ""):
        with pytest.raises(ValueError, match=f"'{precision}' does not work on cpu.*fp32, bf16"):
            load_network("modot_nano", saved, "cpu", precision)
    assert load_network("modot_nano", saved, "auto").device == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match="'cuda:7'.*cpu, cuda:0, cuda:1"):
        load_network("modot_nano", saved, "cuda:7")


@torch.inference_mode()
def test_bf16_is_close_to_fp32(saved):
    image = torch.randn(1, 3, 64, 96)
    exact, _ = load_network("modot_nano", saved, "cpu").network(image)
    short = load_network("modot_nano", saved, "cpu", "bf16").network
    assert {p.dtype for p in short.parameters()} == {torch.bfloat16}
    torch.testing.assert_close(short(image.bfloat16())[0], exact, rtol=0.02, atol=0.0)


def test_saving_does_not_change_a_tensor(network, saved):
    stored = load_file(saved)
    assert stored.keys() == network.state_dict().keys()
    assert all(torch.equal(stored[key], value) for key, value in network.state_dict().items())


def test_a_fresh_network_is_as_large_as_the_one_that_ships():
    fresh = build_network("modot_nano", **shipped_config("modot_nano"))
    assert count(fresh) == count(read_network("modot_nano")[0]) != count(build_network("modot_nano"))
    assert shipped_config("modot") == {}


def count(network):
    return sum(p.numel() for p in network.parameters())
