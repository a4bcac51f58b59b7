# SPDX-License-Identifier: Apache-2.0
"""The launch files: what they declare and start. Recorders stand in for the `launch` package."""
import importlib.util
import re
import runpy
import sys
from dataclasses import fields
from pathlib import Path
from unittest.mock import MagicMock

import pytest
import yaml

pytest.importorskip("rclpy", reason="rclpy is not importable: no ROS here")

from modot_ros.ros.node.outputs import OUTPUTS  # noqa: E402
from modot_ros.ros.node.parameters import Parameters  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
LAUNCH_FILES = sorted((ROOT / "launch").glob("*.launch.py"))
LAUNCH_MODULES = ("launch", "launch.actions", "launch.conditions", "launch.launch_description_sources",
                  "launch.substitutions", "launch_ros", "launch_ros.actions",
                  "launch_ros.parameter_descriptions")
HAS_LAUNCH = importlib.util.find_spec("launch_ros") is not None


@pytest.fixture
def recorders(monkeypatch):
    """Stand-ins for launch and launch_ros that record what they are called with, by module name."""
    recorders = {name: MagicMock(name=name) for name in LAUNCH_MODULES}
    for name, recorder in recorders.items():
        monkeypatch.setitem(sys.modules, name, recorder)
    monkeypatch.setattr("ament_index_python.packages.get_package_share_directory", lambda package: str(ROOT))
    for variable in ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_BUILTIN_TRANSPORTS"):
        monkeypatch.delenv(variable, raising=False)
    return recorders


def described(recorders, name: str) -> dict:
    """Arguments that launch/NAME.launch.py declares, with their keywords."""
    module = runpy.run_path(str(ROOT / "launch" / f"{name}.launch.py"))
    module["generate_launch_description"]()
    calls = recorders["launch.actions"].DeclareLaunchArgument.call_args_list
    return {call.args[0]: call.kwargs for call in calls}


@pytest.mark.parametrize("name, wanted", [
    ("modot", {"image", "camera_info", "instances", "detections", "image_transport", "model", "weights", "device",
               "instances_type", "order_method", "order_model", "order_weights", "max_rate_hz", "params_file",
               "namespace", "use_sim_time", "rviz", "autostart", "log_level"}),
    ("cameras", {"cameras", "image", "camera_info", "params_file"}),
    ("demo", {"input", "output", "seconds", "rviz"}),
    ("nav2_example", {"image", "camera_info", "modot_params", "nav2_params", "modot_nav2_params", "use_sim_time"})])
def test_every_argument_has_a_description_and_a_default(recorders, name, wanted):
    arguments = described(recorders, name)
    assert wanted <= set(arguments)
    for keywords in arguments.values():
        assert len(keywords["description"]) > 10
        assert "default_value" in keywords


def test_arguments_that_override_the_parameter_file_are_parameters_of_the_node(recorders):
    module = runpy.run_path(str(ROOT / "launch" / "modot.launch.py"))
    types = {item.name: type(item.default) for item in fields(Parameters)}
    for name, (kind, _) in module["PARAMETERS"].items():
        assert types[name] is kind


@pytest.mark.parametrize("path", LAUNCH_FILES, ids=lambda path: path.name)
def test_executables_and_files_that_are_named_exist(path):
    text = path.read_text()
    pairs = re.search(r"foreach\(pair ([^)]*)\)", (ROOT / "CMakeLists.txt").read_text())[1]
    built = set(re.findall(r"(\w+):\w+", pairs))
    assert set(re.findall(r'executable="(\w+)"', text)) - {"rviz2"} <= built
    for folder, name in re.findall(r'"(config|launch)", "([\w.]+)"', text):
        assert (ROOT / folder / name).is_file()


def test_nav2_gets_its_own_parameters_with_ours_laid_over(recorders, tmp_path):
    module = runpy.run_path(str(ROOT / "launch" / "nav2_example.launch.py"))
    mine = {"local_costmap": {"local_costmap": {"ros__parameters": {"width": 7, "plugins": ["static_layer"]}}},
            "planner": {"a": 1}}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(mine))
    given = {"nav2_params": str(tmp_path / "mine.yaml"), "modot_nav2_params": str(ROOT / "config" / "nav2_modot.yaml")}
    recorders["launch.substitutions"].LaunchConfiguration.side_effect = lambda name: MagicMock(
        perform=lambda context: given.get(name))
    module["start_nav2"](None)
    arguments = dict(recorders["launch.actions"].IncludeLaunchDescription.call_args.kwargs["launch_arguments"])
    merged = yaml.safe_load(Path(arguments["params_file"]).read_text())
    Path(arguments["params_file"]).unlink()
    costmap = merged["local_costmap"]["local_costmap"]["ros__parameters"]
    assert costmap["width"] == 7 and costmap["plugins"] == ["voxel_layer", "inflation_layer"]
    assert merged["planner"] == {"a": 1} and "collision_monitor" in merged


# Declared by nav2_costmap_2d and nav2_collision_monitor 1.3.13 (Jazzy), 1.4.2 (Kilted) and 1.5.1 (Lyrical) alike.
OF_SOURCES = {"topic", "sensor_frame", "observation_persistence", "expected_update_rate", "data_type", "min_obstacle_height",
              "max_obstacle_height", "inf_is_valid", "marking", "clearing", "obstacle_max_range", "obstacle_min_range",
              "raytrace_max_range", "raytrace_min_range"}
OF_LAYERS = {"plugin", "enabled", "footprint_clearing_enabled", "min_obstacle_height", "max_obstacle_height",
             "combination_method", "observation_sources", "z_voxels", "origin_z", "z_resolution", "unknown_threshold",
             "mark_threshold", "publish_voxel_map"}
OF_MONITOR = {"base_frame_id", "odom_frame_id", "cmd_vel_in_topic", "cmd_vel_out_topic", "state_topic", "transform_tolerance",
              "source_timeout", "base_shift_correction", "stop_pub_timeout", "polygons", "observation_sources"}
OF_POLYGONS = {"type", "points", "action_type", "min_points", "slowdown_ratio", "linear_limit", "angular_limit", "visualize",
               "time_before_collision", "simulation_time_step", "polygon_pub_topic", "polygon_sub_topic", "footprint_topic",
               "enabled", "sources_names"}
OF_MONITOR_SOURCES = {"type", "topic", "enabled", "source_timeout", "min_height", "max_height", "min_range", "use_global_height"}


def test_nav2s_parameters_are_those_that_nav2_declares():
    settings = yaml.safe_load((ROOT / "config" / "nav2_modot.yaml").read_text())
    costmap = settings["local_costmap"]["local_costmap"]["ros__parameters"]
    layer, monitor = costmap["voxel_layer"], settings["collision_monitor"]["ros__parameters"]
    sources = layer["observation_sources"].split()
    assert set(layer) <= OF_LAYERS | set(sources)
    polygons, watched = monitor["polygons"], monitor["observation_sources"]
    assert set(monitor) <= OF_MONITOR | set(polygons) | set(watched)
    for table, names, known in ((layer, sources, OF_SOURCES), (monitor, polygons, OF_POLYGONS),
                                (monitor, watched, OF_MONITOR_SOURCES)):
        for name in names:
            assert set(table[name]) <= known, name
    assert {name for polygon in polygons for name in monitor[polygon]["sources_names"]} == set(watched)
    topics = {table[name]["topic"] for table, names in ((layer, sources), (monitor, watched)) for name in names}
    assert topics <= {output.topic.replace("~", "/modot_node") for output in OUTPUTS}


def test_only_our_own_nodes_get_the_profile_for_large_messages(recorders):
    for name in ("modot", "demo"):
        described(recorders, name)
    assert not recorders["launch.actions"].SetEnvironmentVariable.called
    nodes = recorders["launch_ros.actions"].Node.call_args_list
    assert len(nodes) == 5 and all(call.kwargs["additional_env"] for call in nodes)


def test_arguments_end_with_the_file_that_declares_them(recorders):
    """All of modot.launch.py is one scope: what it declares is not found by files that are included after it."""
    described(recorders, "modot")
    group, declare = recorders["launch.actions"].GroupAction, recorders["launch.actions"].DeclareLaunchArgument
    assert recorders["launch"].LaunchDescription.call_args.args == ([group.return_value],)
    assert group.call_args.args[0].count(declare.return_value) == declare.call_count > 20


def test_rviz_shows_topics_that_are_published():
    shown = [display["Topic"]["Value"] for display in
             yaml.safe_load((ROOT / "config" / "modot.rviz").read_text())["Visualization Manager"]["Displays"]
             if "Topic" in display]
    assert {"modot_node/overlay", "modot_node/depth/image", "modot_node/boundary/image", "modot_node/points",
            "modot_node/frontiers", "modot_node/frontiers/markers", "modot_node/order_graph/markers"} <= set(shown)
    assert set(shown) <= {output.topic.replace("~", "modot_node") for output in OUTPUTS}


# What rviz_default_plugins/plugins_description.xml says that a display shows.
SHOWN_BY = {"Image": "Image", "PointCloud2": "PointCloud2", "MarkerArray": "MarkerArray", "Axes": None}


def test_every_display_of_rviz_is_one_for_the_messages_of_its_topic():
    manager = yaml.safe_load((ROOT / "config" / "modot.rviz").read_text())["Visualization Manager"]
    types = {output.topic.replace("~", "modot_node"): output.type.__name__ for output in OUTPUTS}
    for display in manager["Displays"]:
        package, name = display["Class"].split("/")
        assert package == "rviz_default_plugins" and SHOWN_BY[name] == types.get(display.get("Topic", {}).get("Value")), display
    assert {tool["Class"] for tool in manager["Tools"]} <= {f"rviz_default_plugins/{name}" for name in
                                                            ("MoveCamera", "Select", "FocusCamera")}
    assert manager["Views"]["Current"]["Class"] == "rviz_default_plugins/Orbit"


def test_no_display_of_rviz_waits_for_a_frame_of_its_own():
    """RViz starts in the frame of the first image; a display that named another frame would stay empty."""
    manager = yaml.safe_load((ROOT / "config" / "modot.rviz").read_text())["Visualization Manager"]
    shown = [*manager["Displays"], manager["Views"]["Current"]]
    frames = [value for one in shown for key, value in one.items() if "Frame" in key]
    assert len(frames) == 2 + 2 and set(frames) <= {"<Fixed Frame>", True}


@pytest.mark.skipif(not HAS_LAUNCH, reason="launch_ros is not importable: only a ROS distribution brings it")
@pytest.mark.parametrize("given, expected", [
    ({}, {}), ({"device": "cpu", "max_rate_hz": "5", "autostart": "false"},
               {"device": "cpu", "max_rate_hz": 5.0, "autostart": False})])
def test_only_given_arguments_override_the_parameter_file(given, expected):
    from launch import LaunchContext
    module = runpy.run_path(str(ROOT / "launch" / "modot.launch.py"))
    context = LaunchContext()
    for argument in module["generate_launch_description"]().get_launch_arguments():
        argument.execute(context)
    context.launch_configurations.update(given)
    node, = module["start_node"](context)
    node._perform_substitutions(context)
    files = [Path(path) for path, is_file in node._Node__expanded_parameter_arguments if is_file]
    assert files[0].name == "modot.yaml"
    overrides = {}
    for path in files[1:]:
        for section in yaml.safe_load(path.read_text()).values():
            overrides |= section["ros__parameters"]
    assert overrides.pop("use_sim_time") is False and overrides.pop("exit_on_failure") is True
    assert overrides == expected
