# SPDX-License-Identifier: Apache-2.0
"""A node that a manager leads forms the bond that Nav2's manager waits for, where bondpy is installed."""
import sys
from types import ModuleType

import pytest


class Bond:
    """What bondpy.bondpy.Bond is used for."""

    made: list["Bond"] = []

    def __init__(self, topic, name, node) -> None:
        self.topic, self.name, self.calls = topic, name, []
        Bond.made.append(self)

    def start(self) -> None:
        self.calls.append("start")

    def shutdown(self) -> None:
        self.calls.append("shutdown")


@pytest.fixture
def bonds(monkeypatch):
    module = ModuleType("bondpy.bondpy")
    module.Bond, Bond.made = Bond, []
    monkeypatch.setitem(sys.modules, "bondpy", ModuleType("bondpy"))
    monkeypatch.setitem(sys.modules, "bondpy.bondpy", module)
    return Bond.made


def test_a_bond_lasts_from_activation_to_deactivation(running, bonds):
    rig = running(autostart=False)
    (bond,) = bonds
    assert (bond.topic, bond.name, bond.calls) == ("bond", "modot_node", ["start"])
    assert (bond.heartbeat_period, bond.heartbeat_timeout) == (0.1, 4.0)
    rig.node.trigger_deactivate()
    assert bond.calls == ["start", "shutdown"]
    rig.node.trigger_activate()
    assert len(bonds) == 2


def test_a_node_that_leads_itself_forms_none(running, bonds):
    running()
    assert not bonds


def test_without_bondpy_the_log_says_what_to_set(rig, monkeypatch):
    monkeypatch.setitem(sys.modules, "bondpy", None)
    monkeypatch.setitem(sys.modules, "bondpy.bondpy", None)
    one = rig(autostart=False)
    lines = []
    monkeypatch.setattr(one.node.get_logger().__class__, "info", lambda _, text: lines.append(text))
    one.start()
    assert any("bond_timeout to 0.0" in line for line in lines)
