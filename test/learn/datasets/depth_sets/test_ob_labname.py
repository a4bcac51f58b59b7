# SPDX-License-Identifier: Apache-2.0
"""OB-DIODE and OB-EntitySeg in their published layouts."""
import numpy as np
import pytest

from modot_ros.learn.datasets.depth_sets.ob_labname import ob_diode, ob_entityseg


@pytest.fixture
def blue(line):
    """The drawing in blue only, as the published ones are coloured."""
    return np.stack([line, 0 * line, 0 * line], axis=2)


def test_ob_diode(writer, line, blue):
    writer.text("diode_val50.txt", "imgs/one.png\nimgs/two.png\n")
    writer.picture("imgs/one.png")
    writer.values("gt/one.png", blue)
    pictures = ob_diode(writer.root)
    found = pictures[0]
    assert found.boundary.tolist() == (line > 0).tolist() and found.depth_m is None and not found.valid.any()
    assert [found.name for found in pictures] == ["one"] and "imgs/two.png is missing" in pictures.skipped["two"]


def test_ob_entityseg(writer, line, blue):
    writer.text("entityseg_val70.txt", "imgs/laion_00\n")
    writer.picture("imgs/laion_00.jpg")
    writer.values("gt/laion_00.png", blue)
    found = ob_entityseg(writer.root)[0]
    assert found.name == "laion_00" and found.boundary.tolist() == (line > 0).tolist()


@pytest.mark.parametrize("opener, listing", [(ob_diode, "diode_val50.txt"), (ob_entityseg, "entityseg_val70.txt")])
def test_what_is_missing_is_said(tmp_path, opener, listing):
    with pytest.raises(FileNotFoundError, match=f"(?s)xul-ops/IOBE.*{listing}"):
        opener(tmp_path)
    with pytest.raises(ValueError, match="choices: test"):
        opener(tmp_path, "train")
