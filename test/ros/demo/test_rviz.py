# SPDX-License-Identifier: Apache-2.0
"""RViz starts in the frame of the first image; a stand-in for rviz2 writes down how it was called."""
import os
import subprocess
import sys

import pytest

from modot_ros.ros.demo.rviz import command


def test_the_command_names_config_frame_and_clock():
    assert command("a.rviz", "cam", True) == ["rviz2", "-d", "a.rviz", "-f", "cam", "--ros-args", "-p", "use_sim_time:=true"]
    assert "-f" not in command("a.rviz", "", False)


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    script = tmp_path / "rviz2"
    script.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "called"


def start(*parameters):
    pairs = [text for one in ("config:=a.rviz", *parameters) for text in ("-p", one)]
    return subprocess.Popen([sys.executable, "-m", "modot_ros.ros.demo.rviz", "--ros-args", *pairs])


def test_the_frame_is_that_of_the_first_image(rig, make_image, stand_in):
    process = start()
    rig = rig()
    image = make_image(stamp=1.0)
    image.header.frame_id = "/realsense_optical"
    rig.send("image", image)
    while process.poll() is None:
        rig.send("image", image)
        rig.spin_for(0.1)
    assert process.returncode == 0 and "-f realsense_optical" in stand_in.read_text()


def test_a_frame_that_is_given_and_a_camera_that_is_silent_start_it_as_well(stand_in):
    assert start("fixed_frame:=map").wait(20) == 0 and "-f map" in stand_in.read_text()
    assert start("wait_s:=0.2").wait(20) == 0 and "-f" not in stand_in.read_text()
