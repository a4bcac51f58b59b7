# SPDX-License-Identifier: Apache-2.0
"""Code, config/modot.yaml and the reference pages agree, and what cannot work is refused with value and choices."""
import re
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import pytest
import rclpy
import yaml
from rcl_interfaces.msg import ParameterType

from modot_ros.ros.node import outputs, parameters
from modot_ros.ros.node.parameters import Parameters, meaning_of

ROOT = Path(__file__).resolve().parents[3]


def between(text: str, name: str) -> str:
    """What a page has between <!-- name --> and <!-- /name -->."""
    _, found, rest = text.partition(f"<!-- {name} -->")
    assert found, f"docs/reference/{name}.md lacks <!-- {name} -->"
    return rest.partition(f"<!-- /{name} -->")[0].strip()


def test_the_yaml_has_every_parameter_with_the_defaults_of_the_code():
    values = yaml.safe_load((ROOT / "config" / "modot.yaml").read_text())["/**"]["ros__parameters"]
    assert values == {item.name: item.default for item in fields(Parameters)}
    assert [type(value) for value in values.values()] == [type(item.default) for item in fields(Parameters)]


def test_the_yaml_is_the_one_that_the_code_writes():
    assert (ROOT / "config" / "modot.yaml").read_text() == parameters.yaml_text(), \
        "write it anew: python -m modot_ros.ros.node.parameters > config/modot.yaml"


@pytest.mark.parametrize("name, table", [("parameters", parameters.markdown_table),
                                         ("topics", outputs.markdown_table)])
def test_the_reference_has_the_tables_that_the_code_writes(name, table):
    page = ROOT / "docs" / "reference" / f"{name}.md"
    assert between(page.read_text(), name) == table(), "write it anew: python docs/tables.py"


def test_every_number_has_a_unit_in_its_name_or_none_at_all():
    for item in fields(Parameters):
        unit = meaning_of(item).unit.lower().replace("/", "p")         # m/s: _mps
        assert unit in ("", "path") or item.name.endswith(f"_{unit}"), item.name


@pytest.mark.parametrize("name, value, words", [
    ("device", "gpu", "device is 'gpu'.*auto, cpu, cuda, cuda:N"), ("device", "cuda:x", "cuda:x"),
    ("precision", "fp8", "'fp8'.*fp32, fp16, bf16"), ("depth_encoding", "8UC1", "'8UC1'.*32FC1, 16UC1"),
    ("image_transport", "theora", "'theora'.*raw, compressed"), ("max_rate_hz", -1.0, "-1.0.*0.0 to 1000.0"),
    ("max_rate_hz", float("nan"), "nan"), ("boundary_threshold", 0.0, "0.0.*0.01 to 1.0"),
    ("points_stride_px", 0, "is 0.*1 to 32"), ("max_instances", 10_000, "10000.*1 to 1024")])
def test_bad_values_are_refused_with_value_and_choices(name, value, words):
    with pytest.raises(ValueError, match=f"{name} is .*") as caught:
        Parameters(**{name: value})
    assert re.search(words, str(caught.value))


def test_ranges_of_depth_that_hold_nothing_are_refused():
    with pytest.raises(ValueError, match="max_depth_m is 1.0.*min_depth_m.*2.0"):
        Parameters(min_depth_m=2.0, max_depth_m=1.0)
    assert Parameters(min_depth_m=2.0).max_depth_m == 0


def test_what_navigation_needs_is_checked():
    with pytest.raises(ValueError, match="obstacle_max_height_m is 0.1.*obstacle_min_height_m.*0.2"):
        Parameters(obstacle_min_height_m=0.2, obstacle_max_height_m=0.1)
    with pytest.raises(ValueError, match="camera_height_m 0.0"):
        Parameters(scale_source="camera_height")


@pytest.mark.parametrize("device", ("auto", "cpu", "cuda", "cuda:0", "cuda:11"))
def test_devices(device):
    assert Parameters(device=device).device == device


def test_the_struct_cannot_be_changed_in_place():
    with pytest.raises(FrozenInstanceError):
        Parameters().model = "other"


def test_changes_pass_over_what_is_others():
    news = [rclpy.Parameter("max_rate_hz", value=5.0), rclpy.Parameter("use_sim_time", value=True)]
    assert parameters.changed(Parameters(), news) == replace(Parameters(), max_rate_hz=5.0)


def test_the_declaration_says_everything_to_ros_tools(rig):
    node = rig().node
    for item in fields(Parameters):
        meaning, descriptor = meaning_of(item), node.describe_parameter(item.name)
        assert descriptor.description == meaning.description
        assert descriptor.read_only == meaning.reload
        assert descriptor.additional_constraints == ", ".join(map(str, meaning.choices))
        ranges = [*descriptor.integer_range, *descriptor.floating_point_range]
        assert [(one.from_value, one.to_value) for one in ranges] == (
            [] if meaning.low is None else [(meaning.low, meaning.high)])
        assert descriptor.type == {bool: ParameterType.PARAMETER_BOOL, int: ParameterType.PARAMETER_INTEGER,
                                   float: ParameterType.PARAMETER_DOUBLE, str: ParameterType.PARAMETER_STRING
                                   }[type(item.default)]


def test_live_changes_are_taken_or_rejected_with_the_reason(rig):
    node = rig().node

    def set_(**values):
        results = node.set_parameters([rclpy.Parameter(name, value=value) for name, value in values.items()])
        return [(result.successful, result.reason) for result in results]

    assert set_(max_rate_hz=5.0) == [(True, "")]
    assert node.parameters.max_rate_hz == 5.0
    [(taken, reason)] = set_(depth_encoding="8UC1")
    assert not taken and "'8UC1'" in reason and "32FC1, 16UC1" in reason
    [(taken, reason)] = set_(boundary_threshold=2.0)
    assert not taken and "2.0" in reason and "1.0" in reason
    [(taken, reason)] = set_(device="cpu")
    assert not taken and "read-only" in reason
    [(taken, reason)] = set_(points_stride_px="many")
    assert not taken and "type" in reason
    assert set_(min_depth_m=0.5, max_depth_m=0.4)[1][0] is False
    assert node.parameters == replace(Parameters(), max_rate_hz=5.0, min_depth_m=0.5)


@pytest.mark.parametrize("name, value", [("depth_encoding", "8UC1"), ("boundary_threshold", 2.0),
                                         ("max_rate_hz", "fast")])
def test_bad_values_at_start_name_parameter_and_value(name, value, rig):
    with pytest.raises(Exception, match=f"(?s){name}.*{value}"):
        rig(**{name: value})
