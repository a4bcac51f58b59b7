# SPDX-License-Identifier: Apache-2.0
"""The rooms of the package and the one direction between them, read from the import statements."""
from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "modot_ros"

# Which rooms a room may import, itself aside. A module at the top of the package is a room of its own.
ARROWS = {
    "__init__": {"machine"},
    "classes": set(),
    "machine": set(),
    "prediction": set(),
    "model": {"classes", "prediction"},
    "scene": {"classes", "prediction"},
    "engine": {"classes", "machine", "prediction", "model"},
    "predictor": {"prediction", "model", "scene", "engine"},
    "learn": {"machine", "classes", "prediction", "model", "scene", "predictor"},
    "view": {"classes", "prediction", "model", "scene", "predictor"},
    "ros": {"classes", "machine", "prediction", "model", "scene", "engine", "predictor", "view", "msg", "srv"},
    "cli": {"classes", "machine", "prediction", "model", "scene", "engine", "predictor", "learn", "view", "ros"},
}
DEMO_CAMERA = PACKAGE / "ros" / "sources" / "sim_camera.py"     # the one module of `ros` that may show synthetic rooms

# The wings of a room, which are the folders in it.
WINGS = {
    "model": {"layers", "nano", "lite", "modot", "instaorder", "dnmmsi"},
    "engine": {"pool"},
    "scene": {"order", "drawing", "navigation"},
    "learn": {"training", "evaluation", "evaluation/quoted", "metrics", "orders", "datasets", "datasets/boundary_sets",
              "datasets/depth_sets", "datasets/order_sets", "synthetic", "synthetic/rooms", "mesh2ob", "interaction",
              "recipes"},
    "view": {"annotation"},
    "ros": {"node", "messages", "sources", "demo", "watch", "standins"},
    "cli": {"use", "make", "measure"},
}
LOOSE = {"learn": {"__init__"}}                         # rooms whose modules all live in wings
MOST_ENTRIES = 16                                       # modules and folders that a reader sees at one level

# Arrows inside a room, from a wing to those of the same room that it must not import.
NOT_FROM = {
    "model/layers": {"nano", "lite", "modot", "instaorder", "dnmmsi"},
    "model/nano": {"lite", "modot", "instaorder", "dnmmsi"},
    "model/lite": {"nano", "modot", "instaorder", "dnmmsi"},
    "model/modot": {"nano", "instaorder", "dnmmsi"},
    "model/instaorder": {"nano", "modot", "dnmmsi"},
    "model/dnmmsi": {"nano", "lite", "modot", "instaorder"},
    "scene/order": {"drawing", "navigation"},
    "scene/navigation": {"order", "drawing"},
    "learn/metrics": {"training", "evaluation", "datasets", "mesh2ob"},
    "learn/synthetic": {"training", "evaluation", "metrics", "orders", "datasets", "mesh2ob"},
    "learn/datasets": {"training", "evaluation", "mesh2ob"},
    "learn/interaction": {"training", "evaluation", "metrics", "orders", "datasets", "synthetic", "mesh2ob"},
    "ros/node": {"sources", "demo", "watch"},
    "ros/messages": {"node", "sources", "demo", "watch"},
    "ros/sources": {"node", "demo", "watch"},
}

# Foreign packages with a home: only these rooms may import them.
HOMES = {
    "rerun": {"view"}, "rerun_cli": {"view"},
    "torch": {"model", "engine", "predictor", "learn", "ros", "cli"},
    **dict.fromkeys(("onnx", "onnxruntime", "ray", "grpc", "google"), {"engine"}),
    **dict.fromkeys(("rclpy", "ament_index_python", "builtin_interfaces", "diagnostic_msgs", "geometry_msgs", "launch",
                     "launch_ros", "lifecycle_msgs", "rcl_interfaces", "sensor_msgs", "std_msgs", "cv_bridge",
                     "message_filters", "sensor_msgs_py", "tf2_ros", "vision_msgs", "visualization_msgs", "yolo_msgs"), {"ros"}),
}
ONLY_THROUGH_COMPAT = {"cv_bridge", "message_filters", "sensor_msgs_py"}

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "misc", "common", "msg", "srv"}
FORBIDDEN_WORDS = ("TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK", "NotImplemented" + "Error")
MOST_LINES = 500


def python_files(*folders: str) -> list[Path]:
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if "__pycache__" not in path.parts)


MODULES = python_files("modot_ros")
ALL_FILES = [*python_files("modot_ros", "test", "launch", "benchmarks", "requirements", "docs"), ROOT / "setup.py"]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def room_of(path: Path) -> str:
    """First part of a module's path below the package: ros/node/node.py -> ros, cli.py -> cli."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def folders_of(room: str) -> set[str]:
    """Folders below a room that hold Python modules."""
    return {str(path.parent.relative_to(PACKAGE / room)) for path in MODULES
            if path.is_relative_to(PACKAGE / room) and path.parent != PACKAGE / room}


def imports(source: str, package: tuple[str, ...]) -> set[str]:
    """Dotted names that a module of `package` imports, anywhere in it, relative ones resolved."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[:len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            # `from modot_ros import scene` imports the room, so every name may be a module.
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return names


def imports_of(path: Path) -> set[str]:
    return imports(path.read_text(), path.relative_to(ROOT).parent.parts)


def test_imports_resolves_relative_and_lazy_ones():
    source = "from . import casm\nfrom ..scene import order\ndef f():\n    import torch.nn\n"
    assert imports(source, ("modot_ros", "model")) == {"modot_ros.model.casm", "modot_ros.scene.order", "torch.nn"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_follow_the_arrows(path):
    room = room_of(path)
    assert room in ARROWS, f"{room} is not a room; rooms: {', '.join(ARROWS)}"
    allowed = {room} | ARROWS[room] | ({"learn"} if path == DEMO_CAMERA else set())
    rooms = {name.split(".")[1] for name in imports_of(path) if name.startswith("modot_ros.")} - {"__version__"}
    assert rooms <= allowed, f"{room} must not import {', '.join(sorted(rooms - allowed))}"


@pytest.mark.parametrize("room", WINGS)
def test_wings_are_those_that_are_listed(room):
    assert folders_of(room) == WINGS[room]
    assert LOOSE.get(room) in (None, {path.stem for path in (PACKAGE / room).glob("*.py")})


@pytest.mark.parametrize("folder", sorted({path.parent for path in MODULES}), ids=name_of)
def test_a_level_has_few_entries(folder):
    entries = {path.relative_to(folder).parts[0] for path in MODULES if path.is_relative_to(folder)} - {"__init__.py"}
    assert len(entries) <= MOST_ENTRIES, f"part {name_of(folder)} into folders: {', '.join(sorted(entries))}"


@pytest.mark.parametrize("wing", NOT_FROM)
def test_wings_import_only_along_the_arrows(wing):
    room = wing.split("/")[0]
    for path in python_files(f"modot_ros/{wing}"):
        names = {name.split(".")[2] for name in imports_of(path) if name.startswith(f"modot_ros.{room}.")}
        assert not names & NOT_FROM[wing], f"{name_of(path)} must not import {', '.join(sorted(names & NOT_FROM[wing]))}"


def test_tests_mirror_modules():
    """A test file at the place of a module bears its name; tests of several modules lie in the folder of their room."""
    folders = {str(path.parent.relative_to(PACKAGE)) for path in MODULES}
    stray = {name_of(path) for path in python_files("test") if str(path.parent.relative_to(ROOT / "test")) not in folders}
    assert not stray


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_foreign_packages_stay_in_their_rooms(path):
    packages = {name.split(".")[0] for name in imports_of(path)}
    strangers = {package for package in packages if room_of(path) not in HOMES.get(package, {room_of(path)})}
    assert not strangers, f"{room_of(path)} must not import {', '.join(sorted(strangers))}"
    if path != PACKAGE / "ros" / "compat.py":
        assert not packages & ONLY_THROUGH_COMPAT, "import these from modot_ros.ros.compat"


@pytest.mark.parametrize("path", ALL_FILES, ids=name_of)
def test_files_are_short_named_and_described(path):
    source = path.read_text()
    assert len(source.splitlines()) <= MOST_LINES, "split it: one noun per file"
    assert not FORBIDDEN_NAMES & {path.stem, *path.relative_to(ROOT).parent.parts}, "name it by what it holds"
    assert source.startswith("# SPDX-License-Identifier: Apache-2.0\n"), "the licence comes first"
    assert path.stem.startswith("test_") or ast.get_docstring(ast.parse(source)), "say what the module is for"
    assert not [word for word in FORBIDDEN_WORDS if word in source]


@pytest.mark.parametrize("path", python_files("benchmarks"), ids=name_of)
def test_benchmarks_import_what_there_is(path):
    """They are not run here, and a module that moved would be missed when somebody runs them."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("modot_ros"):
            found = importlib.util.find_spec(node.module)
            assert found is not None, f"{node.module} is not there"
            module = ast.parse(Path(found.origin).read_text())
            names = {name for one in ast.walk(module) for name in _defined(one)}
            modules = {entry.stem for entry in Path(found.origin).parent.iterdir()} if found.submodule_search_locations else set()
            missing = {alias.name for alias in node.names} - names - modules
            assert not missing, f"{node.module} has no {', '.join(sorted(missing))}"


def _defined(node: ast.AST) -> set[str]:
    """Names that a statement of a module may bind."""
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {alias.asname or alias.name for alias in node.names}
    return {node.id} if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else set()
