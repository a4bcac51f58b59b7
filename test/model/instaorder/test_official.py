# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of the order networks: the authors' keys in full, and files with small networks in their layout."""
import json
import logging
from functools import partial

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from modot_ros.cli import main
from modot_ros.model import (
    ORDER_BASELINES,
    ORDER_MODELS,
    build,
    build_network,
    import_checkpoint,
    load_order_network,
    order_pairs,
    save_order_checkpoint,
)
from modot_ros.model.instaorder.official import name_of, names_of, own_keys
from modot_ros.prediction import PairOrders

FILES = {"instaordernet_o": "InstaOrderNet_o", "instaordernet_d": "InstaOrderNet_d",
         "instaordernet_od": "InstaOrderNet_od", "instadepthnet_d": "InstaDepthNet_d",
         "instadepthnet_od": "InstaDepthNet_od", "ordernet": "OrderNet", "ordernet_ext": "OrderNet_ext",
         "pcnet_m": "pcnet_m", "midas_v21": "midas_v21"}
TINY = {"planes": 4, "blocks": (1, 1, 1, 1)}
TINY_MIDAS = {**TINY, "groups": 2, "channels": 8}
TINY_DEPTH = {**TINY_MIDAS, "order_blocks": (1, 1, 1, 1)}
CONFIGS = {**dict.fromkeys(FILES, TINY), "instadepthnet_d": TINY_DEPTH, "instadepthnet_od": TINY_DEPTH,
           "pcnet_m": {"planes": 4}, "midas_v21": TINY_MIDAS}


@pytest.fixture
def small(monkeypatch, lively):
    """Every order network is a small one; `small(name)` builds it."""
    for name, config in CONFIGS.items():
        monkeypatch.setitem(build._BUILDERS, name, partial(build._BUILDERS[name], **config))
    return lambda name: lively(build_network(name))


def official(network, prefix="module."):
    """State as the authors' files have it: wrapped, every order network's stem twice, and layers that nothing uses."""
    state = {}
    for key, value in network.state_dict().items():
        net, _, rest = key.partition(".")
        if net in ("gdo_net", "do_net", "oo_net") and rest.startswith(("layer1.0.", "layer1.1.")):
            alias = {"0": "conv1", "1": "bn1"}[rest.split(".")[1]]
            state[f"{prefix}{net}.{alias}.{rest.split('.', 2)[2]}"] = torch.zeros_like(value)     # the copy that loses
            state[f"{prefix}{net}.fc.weight"] = torch.ones(3, 2048)
        state[prefix + key] = value
    if any(".scratch." in key for key in state):
        state[f"{prefix}scratch.refinenet4.resConfUnit1.conv1.weight"] = torch.ones(8, 8, 3, 3)
    return state


def saved(path, state, **more):
    torch.save({"step": 58000, "state_dict": state, "optimizer": {"state": {}, "param_groups": []}, **more}, path)
    return path


@pytest.mark.parametrize("name", FILES)
def test_the_authors_keys_are_ours_one_for_one(order_golden, name):
    rows = json.loads((order_golden.folder / f"keys_{FILES[name]}.json").read_text())["rows"]
    with torch.device("meta"):
        network = build_network(name)
        state = {key: torch.empty(shape, dtype=getattr(torch, kind)) for key, shape, kind, _ in rows}
    own = network.state_dict()
    found = own_keys(state, own)
    assert {key: value.shape for key, value in found.items()} == {key: value.shape for key, value in own.items()}
    result = network.load_state_dict(state, strict=True)
    assert not result.missing_keys and not result.unexpected_keys
    aliases = [key for key, _, _, alias in rows if alias]
    unused = [key for key in state if "net.fc." in key or "refinenet4.resConfUnit1" in key]
    assert len(state) - len(own) == len(aliases) + len(unused)
    assert name in names_of(state)


def test_the_stem_inside_the_first_stage_counts_and_the_other_will_do(small):
    network = small("instadepthnet_d")
    state = official(network)
    fresh = build_network("instadepthnet_d")
    fresh.load_state_dict(state)
    assert torch.equal(fresh.gdo_net.layer1[0].weight, network.gdo_net.layer1[0].weight)
    without = {key: value for key, value in state.items() if ".gdo_net.layer1.0." not in key}
    without["module.gdo_net.conv1.weight"] = torch.full_like(network.gdo_net.layer1[0].weight, 7.0)
    fresh.load_state_dict(without)
    assert (fresh.gdo_net.layer1[0].weight == 7.0).all()


def test_the_bare_module_takes_its_own_and_the_authors_keys_and_names_the_rest(small):
    network = small("instaordernet_od")
    for state in (network.state_dict(), official(network), official(network, "module.module.")):
        build_network("instaordernet_od").load_state_dict(state, strict=True)
    counters = {key: value for key, value in official(network).items() if "num_batches" not in key}
    build_network("instaordernet_od").load_state_dict(counters, strict=True)
    with pytest.raises(RuntimeError, match="(?s)Missing.*fc_occ.weight.*Unexpected.*wing"):
        state = official(network)
        del state["module.fc_occ.weight"]
        build_network("instaordernet_od").load_state_dict({**state, "module.wing": torch.zeros(1)})


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_the_authors_loads_and_imports_to_the_same_answers(small, tmp_path, name):
    network = small(name)
    file = saved(tmp_path / f"InstaOrder_{FILES[name]}.pth.tar", official(network))
    if name == "midas_v21":
        file = tmp_path / "model-f6b98070.pt"
        torch.save(official(network, ""), file)
    output = tmp_path / "out.safetensors"
    assert import_checkpoint(file, output) == name
    rgb = np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)
    masks = np.zeros((3, 40, 50), bool)
    masks[0, 5:20, 5:20] = masks[1, 20:35, 5:30] = masks[2, 3:30, 30:45] = True
    expected = order_pairs(network, rgb, masks, size=64)
    for path in (file, output):
        loaded = load_order_network(name, path, "cpu")
        assert not loaded.training and (loaded.mode, loaded.size) == (network.mode, network.size)
        found = order_pairs(loaded, rgb, masks, size=64)
        for field in PairOrders.__dataclass_fields__:
            if getattr(expected, field) is not None:
                np.testing.assert_allclose(getattr(found, field), getattr(expected, field), atol=1e-5, err_msg=field)


def test_the_file_of_one_network_is_not_taken_for_anothers(small, tmp_path):
    file = saved(tmp_path / "InstaOrder_InstaOrderNet_od.pth.tar", official(small("instaordernet_od")))
    with pytest.raises(ValueError, match="weights of 'instaordernet_od', not of 'instaordernet_o'"):
        load_order_network("instaordernet_o", file, "cpu")
    import_checkpoint(file, tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match="a.safetensors: these are weights of 'instaordernet_od'"):
        load_order_network("instadepthnet_d", tmp_path / "a.safetensors", "cpu")


@pytest.mark.parametrize("path, wanted, found", [
    ("InstaOrder_InstaOrderNet_d.pth.tar", None, "instaordernet_d"), ("KINS_OrderNet.pth.tar", None, "ordernet"),
    ("OrderNet/checkpoints/ckpt_iter_60000.pth.tar", None, "ordernet"), ("mine.pth", "ordernet", "ordernet"),
    ("InstaOrder/InstaOrderNet_d/ckpt_iter_60000.pth.tar", None, "instaordernet_d"),
    ("mine.pth", "instaordernet_d", "instaordernet_d"), ("COCOA_OrderNet.pth.tar", "instaordernet_d", "ordernet")])
def test_of_two_that_look_alike_the_name_of_the_file_decides(small, tmp_path, path, wanted, found):
    assert name_of(official(small("ordernet")), tmp_path / path, wanted) == found


def test_without_such_a_name_the_import_asks(small, tmp_path):
    file = saved(tmp_path / "mine.pth.tar", official(small("ordernet")))
    with pytest.raises(ValueError, match="mine.pth.tar: InstaOrderNet_d and OrderNet look alike"):
        import_checkpoint(file, tmp_path / "out.safetensors")
    assert load_order_network("ordernet", file, "cpu").classes == {"class": 3}


def test_what_is_wrong_with_a_file_is_named(small, tmp_path):
    state = official(small("instaordernet_o"))
    key = "module.layer2.0.conv1.weight"

    def refusal(content, **more):
        file = saved(tmp_path / "f.pth.tar", content, **more)
        for attempt in (lambda: load_order_network("instaordernet_o", file, "cpu"),
                        lambda: import_checkpoint(file, tmp_path / "out.safetensors")):
            with pytest.raises(ValueError) as error:
                attempt()
            assert "f.pth.tar" in str(error.value) and not (tmp_path / "out.safetensors").exists()
        return str(error.value)

    assert "layer2.0.conv1.weight is missing" in refusal({k: v for k, v in state.items() if k != key})
    assert "wing is unknown" in refusal({**state, "module.wing": torch.zeros(1)})
    assert "conv1.weight is [3], must be" in refusal({**state, key: torch.zeros(3)})
    assert "not finite" in refusal({**state, key: torch.full_like(state[key], torch.inf)})
    assert "twice" in refusal({**state, key.removeprefix("module."): state[key]})
    assert "could run code" in refusal(state, callback=logging.getLogger)

    whole = saved(tmp_path / "f.pth.tar", state).read_bytes()
    for keep in (0, 100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "f.pth.tar").write_bytes(whole[:keep])
        with pytest.raises(ValueError, match="f.pth.tar: (damaged|refused)"):
            load_order_network("instaordernet_o", tmp_path / "f.pth.tar", "cpu")
    with pytest.raises(FileNotFoundError, match="nowhere.pth.tar: no such weights file for instaordernet_o"):
        load_order_network("instaordernet_o", tmp_path / "nowhere.pth.tar", "cpu")
    with pytest.raises(FileNotFoundError, match="brings no weights"):
        load_order_network("instaordernet_o", None, "cpu")
    with pytest.raises(ValueError, match=f"'modot'.*{', '.join((*ORDER_MODELS, *ORDER_BASELINES))}"):
        load_order_network("modot", None, "cpu")
    with pytest.raises(ValueError, match="precision 'fp16' does not work on cpu"):
        load_order_network("instaordernet_o", None, "cpu", "fp16")


def test_a_network_trained_on_other_input_says_so(small, tmp_path):
    network, path = small("instaordernet_o"), tmp_path / "own.safetensors"
    network.mode, network.size = "resize", 128
    save_order_checkpoint(path, network, "instaordernet_o", config=TINY, record={"step": 5})
    loaded = load_order_network("instaordernet_o", path, "cpu")
    assert (loaded.mode, loaded.size) == ("resize", 128)
    for facts, said in (({"mode": "crop"}, "'crop'"), ({"size": 100}, "100"), ({"size": "big"}, "big"),
                        ({"config": {"wings": 2}}, "wings")):
        save_file(network.state_dict(), path, metadata={"modot": json.dumps({"name": "instaordernet_o", **facts})})
        with pytest.raises(ValueError, match=f"own.safetensors: metadata.*{said}"):
            load_order_network("instaordernet_o", path, "cpu")


def test_half_precision_is_that_of_the_weights(small, tmp_path):
    file = saved(tmp_path / "x.pth.tar", official(small("instadepthnet_od")))
    loaded = load_order_network("instadepthnet_od", file, "cpu", "bf16")
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.bfloat16}


def test_the_command_imports_and_says_how_to_go_on(small, tmp_path, capsys):
    for name, said in (("instadepthnet_od", "--order-model instadepthnet_od --order-weights"),
                       ("midas_v21", "--model midas_v21 --weights"), ("pcnet_m", "load_order_network('pcnet_m'")):
        file = saved(tmp_path / f"InstaOrder_{FILES[name]}.pth.tar", official(small(name)))
        assert main(["weights", "import", str(file), "-o", str(tmp_path / "out.safetensors")]) == 0
        assert said in capsys.readouterr().out
