# SPDX-License-Identifier: Apache-2.0
"""Writes config/security_policy.xml, the node's SROS2 policy, from the tables of topics: `python docs/security_policy.py` (needs
rclpy). Format: policy 0.2.0 of https://design.ros2.org/articles/ros2_access_control_policies.html."""
from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from modot_ros.ros.node.outputs import INPUTS, OUTPUTS
from modot_ros.ros.node.topics import TRANSPORTS

POLICY = Path(__file__).resolve().parents[1] / "config" / "security_policy.xml"

PARAMETERS = ("describe_parameters", "get_parameter_types", "get_parameters", "list_parameters", "set_parameters",
              "set_parameters_atomically", "get_type_description")
LIFECYCLE = ("change_state", "get_available_states", "get_available_transitions", "get_state", "get_transition_graph")
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<!-- What modot_node may do under SROS2, see docs/guides/security.md. Written by docs/security_policy.py: copy it before you edit.
     Relative names lie in `ns`, those with ~ under `ns` and `node`. Put the names that you remap `image` and the others to in the
     place of the names here, and take out what you don't use. -->
<policy version="0.2.0">
  <enclaves>
    <enclave path="/modot_node">
      <profiles>
        <profile ns="/" node="modot_node">
"""
TAIL = """        </profile>
      </profiles>
    </enclave>
  </enclaves>
</policy>
"""


def policy() -> str:
    """The file's text."""
    images = ["image" + ending for ending, _, _ in TRANSPORTS.values()]
    inputs = list(dict.fromkeys(images + [name for name, _, _ in INPUTS]))
    outputs = [output.topic for output in OUTPUTS] + ["~/semantics/names"]
    return HEAD + "".join((
        _block("the camera and what stands beside it", "topics", 'subscribe="ALLOW"', inputs),
        _block("time, and transforms for mounts, maps and range sensors", "topics", 'subscribe="ALLOW"',
               ["/clock", "/tf", "/tf_static"]),
        _block("outputs", "topics", 'publish="ALLOW"', outputs),
        _block("of every node, and of managed ones", "topics", 'publish="ALLOW"',
               ["/diagnostics", "/rosout", "~/transition_event"]),
        _block("parameters, and the bond of Nav2's lifecycle manager", "topics", 'publish="ALLOW" subscribe="ALLOW"',
               ["/parameter_events", "/bond"]),
        _block("services", "services", 'reply="ALLOW"', [f"~/{name}" for name in ("refine_boundaries", *LIFECYCLE, *PARAMETERS)]),
    )) + TAIL


def _block(comment: str, kind: str, rights: str, names: list[str]) -> str:
    """One list of names that have the same rights; kind: "topics" or "services"."""
    lines = [f"<!-- {comment} -->", f"<{kind} {rights}>", *(f"  <{kind[:-1]}>{escape(name)}</{kind[:-1]}>" for name in names),
             f"</{kind}>"]
    return "".join(f"          {line}\n" for line in lines)


if __name__ == "__main__":
    POLICY.write_text(policy())
