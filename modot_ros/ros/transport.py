# SPDX-License-Identifier: Apache-2.0
"""Environment with which Fast DDS carries camera images, for launch files and for the demo. No ROS import."""
from __future__ import annotations

import os
from pathlib import Path

PROFILE_VARIABLES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")     # Jazzy has the second
TRANSPORTS_VARIABLE = "FASTDDS_BUILTIN_TRANSPORTS"      # the user's choice of a transport, which a profile would override


def profile() -> Path:
    """config/fastdds.xml of this checkout, else of the installed package."""
    checkout = Path(__file__).resolve().parents[2] / "config" / "fastdds.xml"
    if checkout.is_file():
        return checkout
    from ament_index_python.packages import get_package_share_directory
    return Path(get_package_share_directory("modot_ros")) / "config" / "fastdds.xml"


def transport_environment() -> dict[str, str]:
    """The variable that names the profile; empty where the user has chosen a profile or a transport."""
    if any(os.environ.get(variable) for variable in (*PROFILE_VARIABLES, TRANSPORTS_VARIABLE)):
        return {}
    return {PROFILE_VARIABLES[os.environ.get("ROS_DISTRO") == "jazzy"]: str(profile())}
