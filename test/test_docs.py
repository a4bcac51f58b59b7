# SPDX-License-Identifier: Apache-2.0
"""The documentation builds without a warning, and what README and CONTRIBUTING link to is there."""
from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Folder of the built pages."""
    for package in ("sphinx", "myst_parser", "furo", "sphinxcontrib.mermaid"):
        pytest.importorskip(package, reason="`make setup` brings what the documentation needs")
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run([sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d", str(folder / "trees"),
                            str(ROOT / "docs"), str(folder / "html")], cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder / "html"


def test_the_reference_has_what_the_code_has(site):
    from modot_ros.cli.main import GROUPS, name_of

    commands = (site / "generated" / "commands.html").read_text()
    for module in (module for modules in GROUPS.values() for module in modules):
        assert f"usage: modot {name_of(module)}" in commands
    messages = (site / "generated" / "messages.html").read_text()
    assert all(name in messages for name in ("boundary_length_px", "depth_near_m", "hidden_by", "overlapping"))
    python = (site / "generated" / "python.html").read_text()
    for name in ("predictor.Predictor.predict", "prediction.OrderGraph", "scene.boundaries.thin",
                 "scene.order.graph.order_graph"):
        assert f'id="modot_ros.{name}"' in python


def test_no_line_is_taken_for_a_comment():
    """MyST leaves out a line that begins with a percent sign."""
    pages = [ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    assert not [page.name for page in pages if re.search("^%", page.read_text(), re.MULTILINE)]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_every_relative_link_exists(name):
    for link in re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text()):
        assert (ROOT / link).exists(), link


def test_every_fault_is_in_the_table_with_tests_that_exist():
    rows = re.findall(r"^\| (\d+) \|.*\| ([^|]+) \|$", (ROOT / "docs/guides/faults.md").read_text(), re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 48))
    for number, cell in rows:
        names = re.findall(r"`(test/[\w/]+\.py)::(\w+)`", cell)
        assert names and len(names) == cell.count("`") // 2, number
        for path, name in names:
            assert re.search(rf"^def {name}\(", (ROOT / path).read_text(), re.MULTILINE), f"{number}: {path}::{name}"


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_bytes()) <= 14_000, "say it in docs/ and link to it"


def test_the_listener_of_the_guide_slows_down_where_something_near_hides():
    pytest.importorskip("rclpy", reason="ROS is not importable")
    messages = pytest.importorskip("modot_ros.msg", reason="the package is not built")
    spec = importlib.util.spec_from_file_location("order_listener", ROOT / "docs" / "guides" / "order_listener.py")
    listener = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(listener)
    graph = messages.OrderGraph(instances=[messages.Instance(id=1, depth_near_m=1.0), messages.Instance(id=2, depth_near_m=3.0)])
    assert listener.speed_limit(graph) == 1.0
    graph.occlusions = [messages.OcclusionOrder(occluder=2, occludee=1, confidence=0.9, depth_gap_m=1.0)]
    assert listener.speed_limit(graph) == 1.0
    graph.occlusions = [messages.OcclusionOrder(occluder=1, occludee=2, confidence=0.9, depth_gap_m=1.0)]
    assert listener.speed_limit(graph) == 0.3


def test_rosdoc2_builds_the_same_folder():
    yaml = pytest.importorskip("yaml")
    _, config = yaml.safe_load_all((ROOT / "rosdoc2.yaml").read_text())
    assert [(ROOT / builder["sphinx"]["sphinx_sourcedir"] / "conf.py").is_file() for builder in config["builders"]] == [True]
