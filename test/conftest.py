# SPDX-License-Identifier: Apache-2.0
"""What every test may use: the folders beside the checkout, and a ROS domain that no other run shares."""
from __future__ import annotations

import importlib.util
import os
import socket
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"                         # optional: real pictures and goldens, not in the repository
HAS_ROS = importlib.util.find_spec("rclpy") is not None


def claim_domain() -> tuple[int, socket.socket]:
    """A free ROS_DOMAIN_ID, and the socket whose name reserves it among the test runs of this machine."""
    claim = socket.socket(socket.AF_UNIX)
    for domain in range(101, 0, -1):                    # above 101 ports meet Linux's ephemeral ones
        try:
            claim.bind(f"\0modot_ros_test_domain_{domain}")
        except OSError:
            continue
        return domain, claim
    raise RuntimeError("all ROS domains from 1 to 101 are taken by other test runs")


def pytest_configure(config):
    if HAS_ROS:
        domain, config.domain_claim = claim_domain()
        os.environ["ROS_DOMAIN_ID"] = str(domain)       # the processes that tests start inherit it
        os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")


def pytest_ignore_collect(collection_path):
    if not HAS_ROS and collection_path == ROOT / "test" / "ros":
        return True


def pytest_terminal_summary(terminalreporter):
    if not HAS_ROS:
        terminalreporter.write_line("test/ros was skipped: rclpy is not importable (`make test` brings it)")


def shared_folder(name: str) -> Path:
    """Folder beside the checkout; skips the test where it is absent."""
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"no folder ../shared/{name} beside the checkout")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real pictures: ../shared/data."""
    return shared_folder("data")


@pytest.fixture(scope="session")
def shared_golden() -> Path:
    """Results worked out independently of this package: ../shared/golden."""
    return shared_folder("golden")
