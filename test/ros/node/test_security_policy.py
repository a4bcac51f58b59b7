# SPDX-License-Identifier: Apache-2.0
"""The SROS2 policy allows what a running node opens, and nothing in it is left over."""
import runpy
from pathlib import Path
from xml.etree import ElementTree

import pytest

from modot_ros.ros.node.topics import TRANSPORTS

ROOT = Path(__file__).resolve().parents[3]
POLICY = ROOT / "config" / "security_policy.xml"
OPTIONAL = {"/clock", "/tf", "/tf_static", "/bond", "/detections", "/modot_node/depth_relative/image"}   # by package or setting


def allowed(kind: str, right: str) -> set[str]:
    """Full names of what a right ("publish", "subscribe", "reply") is given for."""
    names = [one.text for block in ElementTree.parse(POLICY).iter(kind) if block.get(right) == "ALLOW" for one in block]
    return {name.replace("~/", "/modot_node/") if name.startswith("~") else "/" + name.lstrip("/") for name in names}


def test_the_policy_is_what_the_code_writes():
    written = runpy.run_path(str(ROOT / "docs" / "security_policy.py"))["policy"]()
    assert POLICY.read_text() == written, "write it anew: python docs/security_policy.py"


def test_the_policy_names_all_that_a_running_node_opens(rig, fake_predictor):
    predictor = fake_predictor()
    predictor.has_uncertainty = predictor.has_semantics = True
    running = rig(predictor, range_type="depth_image", frontier_frame_id="map", scale_source="range")
    running.start()

    def opened(what: str) -> set[str]:
        ask = getattr(running.peer, f"get_{what}_names_and_types_by_node")
        return {name for node in ("modot_node", "_modot_node_refining") for name, _ in ask(node, "/")}
    running.until(lambda: running.peer.get_service_names_and_types_by_node("_modot_node_refining", "/"))
    images = {"/image" + ending for ending, _, _ in TRANSPORTS.values()}
    for what, kind, right in (("publisher", "topics", "publish"), ("subscriber", "topics", "subscribe"),
                              ("service", "services", "reply")):
        names, permitted = opened(what), allowed(kind, right)
        assert names <= permitted, f"{right}: add them in docs/security_policy.py"
        assert permitted - names - OPTIONAL - images <= {"/parameter_events"}, f"{right}: left over"
    assert opened("client") == set()


def test_sros2_takes_the_policy():
    sros2 = pytest.importorskip("sros2.policy", reason="sros2 is not importable: no security tools here")
    assert sros2.load_policy(POLICY).getroot().tag == "policy"
