# SPDX-License-Identifier: Apache-2.0
"""What is written in several places agrees: messages and dataclasses, versions, requirements, executables."""
from __future__ import annotations

import dataclasses
import importlib.util
import re
import subprocess
import sys
import typing
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import modot_ros
from modot_ros import prediction
from modot_ros.scene.navigation.scale import Scale

ROOT = Path(__file__).resolve().parent.parent
DATACLASSES = {**{name: getattr(prediction, name) for name in ("Instance", "OcclusionOrder", "DepthOrder", "OrderGraph")},
               "DepthScale": Scale}
ALONE = {"OrderGraph": ("header",), "DepthScale": ("header", "source")}     # fields that only the message has
NAMES = tuple(DATACLASSES)
INPUTS = ("Scribble",)                                  # of the service alone, which reads it into a Stroke

# Message types that hold a field of the dataclass's type.
HOLDS = {
    int: {"uint16", "uint32"}, float: {"float32"}, bool: {"bool"}, str: {"string"},
    tuple[int, int, int, int]: {"uint32[4]"},
    **{tuple[kind, ...]: {f"{name}[]"} for name, kind in DATACLASSES.items()},
}


def message_fields(name: str) -> dict[str, tuple[str, str]]:
    """Field name -> (type, comment) of a message of msg/, in order."""
    lines = (ROOT / "msg" / f"{name}.msg").read_text().splitlines()
    matches = [re.fullmatch(r"(\S+) +(\w+)\s*(?:# *(.*))?", line) for line in lines if line and line[0] != "#"]
    return {match[2]: (match[1], match[3] or "") for match in matches}


@pytest.mark.parametrize("name", NAMES)
def test_message_mirrors_the_dataclass(name):
    dataclass, fields = DATACLASSES[name], message_fields(name)
    alone = {field: fields.pop(field)[0] for field in ALONE.get(name, ())}
    assert alone.get("header", "std_msgs/Header") == "std_msgs/Header"
    assert list(fields) == [field.name for field in dataclasses.fields(dataclass)]
    types = typing.get_type_hints(dataclass)
    for field, (kind, _) in fields.items():
        assert kind in HOLDS[types[field]], f"{name}.{field} is {types[field]} there and {kind} in the message"


def test_every_message_is_compiled():
    text = (ROOT / "CMakeLists.txt").read_text()
    listed = re.findall(r"msg/(\w+)\.msg", text)
    assert sorted(listed) == sorted((*NAMES, *INPUTS)) == sorted(path.stem for path in (ROOT / "msg").iterdir())
    assert re.findall(r"srv/(\w+)\.srv", text) == sorted(path.stem for path in (ROOT / "srv").iterdir())


@pytest.mark.parametrize("name", (*NAMES, *INPUTS))
def test_every_field_says_its_range(name):
    for field, (kind, comment) in message_fields(name).items():
        assert comment, f"{name}.{field} has no comment"
        if kind in ("bool", "float32"):
            assert re.search(r"true or false|0\.\.1|> 0|>= ", comment), f"{name}.{field} does not say its range"
        if field.endswith(("_m", "_px")):
            assert re.search("metres|pixels", comment), f"{name}.{field} does not say its unit"


@pytest.mark.parametrize("name", (*NAMES, *INPUTS))
def test_built_message_has_the_fields_of_the_checkout(name):
    pytest.importorskip("rclpy", reason="ROS is not importable")
    messages = pytest.importorskip("modot_ros.msg", reason="the package is not built")
    built = getattr(messages, name).get_fields_and_field_types()
    assert list(built) == list(message_fields(name)), "run `make setup`: msg/ is newer than what is built"


def test_versions_agree():
    version = modot_ros.__version__
    assert ElementTree.parse(ROOT / "package.xml").findtext("version") == version
    assert re.search(r"^\d+\.\d+\.\d+", (ROOT / "CHANGELOG.rst").read_text(), re.MULTILINE)[0] == version


def test_every_executable_has_its_module():
    pairs = re.search(r"foreach\(pair (.*?)\)", (ROOT / "CMakeLists.txt").read_text(), re.DOTALL)[1].split()
    for executable, module in (pair.split(":") for pair in pairs):
        source = (ROOT / "modot_ros" / "ros" / f"{module.replace('.', '/')}.py").read_text()
        assert re.search(r"^def main\(", source, re.MULTILINE), f"{executable}: {module} has no main()"


def test_every_requirement_is_pinned():
    for path in (ROOT / "requirements").glob("*.txt"):
        for line in path.read_text().splitlines():
            assert not line or re.match(r"#|[\w-]+==[\d.]+(post\d+)?(;.*)?( +# import [\w.]+)?$", line), f"{path.name}: {line}"


@pytest.fixture(scope="module")
def environment():
    """The module requirements/environment.py, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("environment", ROOT / "requirements" / "environment.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_wheel_prefixes_are_rewritten(environment):
    text = ('"/opt/python/cp311-cp311/include/python3.11;'
            '/opt/python/cp311-cp311/lib/python3.11/site-packages/numpy/_core/include" /usr/lib64/libtinyxml2.so')
    assert environment.rewrite_prefixes(text, "/py", "/numpy", "/lib/tiny.so") == '"/py;/numpy" /lib/tiny.so'


def test_sourced_distribution_is_recognised(environment, monkeypatch, tmp_path):
    (tmp_path / "share" / "rclpy").mkdir(parents=True)
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{environment.VENV}:{tmp_path}")
    assert environment.distribution_prefix() == tmp_path
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{environment.VENV}:{tmp_path / 'workspace'}")
    assert environment.distribution_prefix() is None


def test_only_what_python_lacks_is_required(environment, monkeypatch, tmp_path):
    (tmp_path / "library.txt").write_text("# any\nnumpy==9.9\nopencv-nowhere==1.0  # import nowhere_to_be_found\n")
    (tmp_path / "test.txt").write_text("absent_module==1.0\npytest==0.1\nabsent-part==1.0  # import pytest.absent\n")
    monkeypatch.setattr(environment, "REQUIREMENTS", tmp_path)
    assert environment.lacking_requirements(sys.executable) == [
        "opencv-nowhere==1.0", "absent_module==1.0", "absent-part==1.0"]


@pytest.mark.parametrize("found, says", [
    (None, "found no Python"),
    (((3, 9), True, True), r"3\.10 to 3\.14; found .*python3\.9"),
    (((3, 11), False, True), r"apt install python3\.11-venv\n?$"),
    (((3, 12), False, False), r"apt install python3\.12-venv python3\.12-dev\n?$"),
])
def test_what_the_system_lacks_is_named(environment, monkeypatch, found, says):
    monkeypatch.setattr(environment, "probe", lambda python: found)
    monkeypatch.setattr(environment.shutil, "which", lambda name: f"/bin/{name}")
    with pytest.raises(SystemExit, match=says):
        environment.choose_wheel_python()


def test_machine_without_wheels_is_pointed_to_a_distribution(environment, monkeypatch):
    monkeypatch.setattr(environment.platform, "machine", lambda: "aarch64")
    with pytest.raises(SystemExit, match="x86_64, and this is Linux aarch64.*Source a ROS 2 distribution"):
        environment.choose_wheel_python()


def test_environment_keeps_what_the_user_has_set(environment, monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "ENVIRONMENT", tmp_path / "environment.sh")
    environment.write_environment({"PYTHONPATH": ["/a b", "/c"], "ROS_DISTRO": "kilted"})
    command = f". {tmp_path}/environment.sh; echo $PYTHONPATH; echo $FASTDDS_DEFAULT_PROFILES_FILE"
    for mine, expected in (({}, ["/a b:/c", str(ROOT / "config" / "fastdds.xml")]),
                           ({"PYTHONPATH": "/d e", "FASTDDS_DEFAULT_PROFILES_FILE": "/mine"}, ["/a b:/c:/d e", "/mine"])):
        out = subprocess.run(["sh", "-c", command], env=mine, stdout=subprocess.PIPE, check=True, text=True).stdout
        assert out.splitlines() == expected


def test_what_pip_installs_is_what_the_library_and_the_command_import():
    """The modot command must start without ROS and without what only the tests bring."""
    setup = (ROOT / "setup.py").read_text()
    wanted = set(re.findall(r'^        "([A-Za-z0-9_-]+)', setup[setup.index("install_requires"):], re.M))
    pinned = {re.split("[=<>]", line)[0] for line in (ROOT / "requirements" / "library.txt").read_text().splitlines()
              if line and not line.startswith("#")}
    assert wanted == pinned
    program = ("import sys; sys.modules.update(dict.fromkeys(('rclpy', 'rosbags', 'pytest', 'sensor_msgs'))); "
               "import modot_ros.ros.sources.media, modot_ros.predictor, modot_ros.scene.drawing.prediction_files, "
               "modot_ros.learn.training.loop, tqdm")
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
