# SPDX-License-Identifier: Apache-2.0
"""The Fast DDS profile: named by the distribution's variable, never against the user, small enough for a container."""
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from modot_ros.ros.transport import PROFILE_VARIABLES, TRANSPORTS_VARIABLE, profile, transport_environment

ROOT = Path(__file__).resolve().parents[2]
DOCKER_SHM_BYTES = 64 << 20                             # Docker's default size of /dev/shm


@pytest.mark.parametrize("distro, variable", [("jazzy", "FASTRTPS"), ("kilted", "FASTDDS")])
@pytest.mark.parametrize("chosen", [None, *PROFILE_VARIABLES, TRANSPORTS_VARIABLE])
def test_the_profile_is_set_unless_the_user_has_chosen(monkeypatch, distro, variable, chosen):
    for name in (*PROFILE_VARIABLES, TRANSPORTS_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ROS_DISTRO", distro)
    if chosen:
        monkeypatch.setenv(chosen, "mine")
    expected = {} if chosen else {f"{variable}_DEFAULT_PROFILES_FILE": str(ROOT / "config" / "fastdds.xml")}
    assert transport_environment() == expected and profile().is_file()


def number(path, name):
    found = [one for one in ElementTree.parse(path).iter() if one.tag.endswith(name)]
    return int(found[0].text)


def test_segments_of_five_processes_fit_into_a_container_and_hold_an_image():
    path = ROOT / "config" / "fastdds.xml"
    assert 5 * number(path, "segment_size") <= DOCKER_SHM_BYTES
    assert 1920 * 1080 * 4 <= number(path, "maxMessageSize") <= number(path, "segment_size")
    large = ROOT / "config" / "fastdds_4k.xml"
    assert 3840 * 2160 * 4 <= number(large, "maxMessageSize") <= number(large, "segment_size")
