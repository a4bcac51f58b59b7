# SPDX-License-Identifier: Apache-2.0
"""The authors' files of DNMMSI: recognised by their keys, imported whole or refused with the reason."""
import pytest
import torch

from modot_ros import cli
from modot_ros.model import build_network, import_checkpoint, load_network
from modot_ros.model.dnmmsi.official import OB_FUTURE, facts_of


def blank(name, **config):
    """State without memory."""
    with torch.device("meta"):
        return build_network(name, **config).state_dict()


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return build_network("dnmmsi_small").eval().requires_grad_(False)


@pytest.mark.parametrize("name, config", [
    ("dnmmsi_small", {}), ("dnmmsi_base", {}), ("dnmmsi_large", {}), ("dnmmsi_large_v2", {}),
    ("dnmmsi_small", {"version": 2}), ("dnmmsi_base", {"previous": False}), ("dnmmsi_small", {"version": 2, "previous": False})])
def test_keys_tell_the_network(name, config):
    facts = facts_of(blank(name, **config), "a.pth")
    assert (facts["name"], facts["config"], facts["depth_kind"]) == (name, config, "none")


def test_pictures_of_ob_future_have_colours_of_their_own():
    state = blank("dnmmsi_small")
    preprocessing = facts_of(state, "a.pth", "ob-future")["record"]["preprocessing"]
    assert (tuple(preprocessing["mean"]), tuple(preprocessing["deviation"])) == OB_FUTURE
    assert facts_of(state, "a.pth", "ob-diode")["record"]["preprocessing"] == facts_of(state, "a.pth")["record"]["preprocessing"]
    with pytest.raises(ValueError, match="'kitti' is unknown: choose one of ob-future, ob-diode"):
        facts_of(state, "a.pth", "kitti")


def test_a_width_of_no_size_and_a_file_of_half_a_network_are_refused():
    with pytest.raises(ValueError, match="a.pth: the first stage has 32 channels: a DNMMSI has 96, 128, 192"):
        facts_of(blank("dnmmsi_small", channels=32), "a.pth")
    state = blank("dnmmsi_small")
    del state["encoder_sides.0.conv1.0.weight"]
    with pytest.raises(ValueError, match="encoder_sides.0.conv1.0.weight is missing"):
        facts_of(state, "a.pth")


@torch.inference_mode()
def test_an_imported_file_gives_the_networks_outputs(small, tmp_path, capsys):
    source, output = tmp_path / "12_st.pth", tmp_path / "a.safetensors"
    torch.save({f"module.{key}": value for key, value in small.state_dict().items()}, source)
    assert cli.main(["weights", "import", str(source), "-o", str(output)]) == 0
    assert "weights of dnmmsi_small; use them with modot refine --model dnmmsi_small" in capsys.readouterr().out
    x = torch.rand(1, 6, 64, 96)
    for path in (source, output):
        loaded = load_network("dnmmsi_small", path, "cpu")
        assert loaded.record["source"] == "12_st.pth"
        torch.testing.assert_close(loaded.network(x)[-1], small(x)[-1], atol=5e-4, rtol=0)
    with pytest.raises(ValueError, match="weights of 'dnmmsi_small', not of 'dnmmsi_base'"):
        load_network("dnmmsi_base", output, "cpu")


def test_a_file_that_does_not_fit_is_refused_by_the_key(small, tmp_path):
    state = small.state_dict()
    lacking, more = dict(state), {**state, "extra.weight": torch.zeros(1)}
    del lacking["backbone.patch_embed_coords.norm.bias"]
    for changed, reason in ((lacking, "backbone.patch_embed_coords.norm.bias is missing"), (more, "extra.weight is unknown")):
        source = tmp_path / "5_st.pth"
        torch.save(changed, source)
        with pytest.raises(ValueError, match=reason):
            import_checkpoint(source, tmp_path / "b.safetensors")
    assert not (tmp_path / "b.safetensors").exists()
