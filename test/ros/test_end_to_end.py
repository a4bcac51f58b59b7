# SPDX-License-Identifier: Apache-2.0
"""The demo as `make demo` starts it: simulated camera, node with its shipped weights, and monitor."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("modot_ros.msg", reason="the messages are not built: run `make setup` or colcon build")

ROOT = Path(__file__).resolve().parents[2]


def test_from_camera_to_valid_output_with_scores_against_truth(tmp_path):
    if not (ROOT / "modot_ros" / "model" / "weights" / "modot_nano.safetensors").is_file():
        pytest.skip("no weights in modot_ros/model/weights")
    out = tmp_path / "out"
    run = subprocess.run([sys.executable, "-m", "modot_ros.ros.demo", "--output", str(out), "--seconds", "3"],
                         cwd=ROOT, env=os.environ | {"XDG_CACHE_HOME": str(tmp_path)}, capture_output=True,
                         text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    assert str(out) in run.stdout.splitlines()[-1]
    report = json.loads((out / "report.json").read_text())
    assert report["problems"] == []
    assert min(report["messages"].values()) >= 1
    assert report["frames_scored"] >= 1
    assert 0 < report["boundary_f"] <= 1
    assert report["abs_rel"] > 0
    assert (out / "contact_sheet.png").is_file() and (out / "overlays.mp4").is_file()
