# SPDX-License-Identifier: Apache-2.0
"""The bond by which Nav2's lifecycle manager notices that a node is gone, made with bondpy where that is installed."""
from __future__ import annotations

from typing import Any

TOPIC = "bond"
HEARTBEAT_PERIOD_S, HEARTBEAT_TIMEOUT_S = 0.1, 4.0      # as Nav2's own nodes have them (nav2_util::LifecycleNode)


def form_bond(node: Any) -> Any:
    """A started bond of a node that became active, under the node's name; `shutdown` breaks it. None without bondpy."""
    try:
        from bondpy.bondpy import Bond
    except ImportError:
        return None
    bond = Bond(TOPIC, node.get_name(), node)
    bond.heartbeat_period, bond.heartbeat_timeout = HEARTBEAT_PERIOD_S, HEARTBEAT_TIMEOUT_S
    bond.start()
    return bond
