# SPDX-License-Identifier: Apache-2.0
"""How the demo treats its processes, with stand-ins for them; the real ones run in test_end_to_end.py."""
import os
import signal
import subprocess
import sys
import time

import pytest

from modot_ros.ros.demo import demo

STAY = [sys.executable, "-c", "import time; time.sleep(120)"]
STUBBORN = [sys.executable, "-c", "import signal, time; signal.signal(2, signal.SIG_IGN); time.sleep(120)"]


def ends(code: int, text: str = "") -> list[str]:
    return [sys.executable, "-c", f"import sys; print({text!r}); sys.exit({code})"]


def run(tmp_path, seconds=1.0, **steps) -> int:
    return demo.run(steps, tmp_path / "out", seconds, dict(os.environ))


@pytest.mark.parametrize("code", [0, 1])
def test_ends_as_the_monitor_does(tmp_path, code):
    assert run(tmp_path, camera=STAY, node=STAY, monitor=ends(code)) == code


def test_what_failed_is_named_with_its_last_words(tmp_path, capfd):
    assert run(tmp_path, camera=ends(1, "no such camera"), node=STAY, monitor=STAY) == 1
    errors = capfd.readouterr().err
    assert "camera ended with code 1" in errors


def test_last_words_of_all_are_shown_when_there_was_no_output(tmp_path, capfd):
    assert run(tmp_path, camera=STAY, node=ends(0, "weights not found"), monitor=[
        sys.executable, "-c", "import sys, time; time.sleep(1); sys.exit(1)"]) == 1
    assert "weights not found" in capfd.readouterr().err


def test_nothing_is_left_running(tmp_path, monkeypatch):
    started = []
    true_popen = subprocess.Popen

    def remember(*arguments, **options):
        started.append(true_popen(*arguments, **options))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", remember)
    monkeypatch.setattr(demo, "ENDING_S", 0.5)
    run(tmp_path, camera=STUBBORN, node=STAY, monitor=ends(0))
    assert len(started) == 3
    assert all(child.poll() is not None for child in started)


def test_children_end_where_there_are_no_groups_of_processes(tmp_path, monkeypatch):
    """As on Windows."""
    monkeypatch.delattr(os, "killpg")
    processes = demo.Processes(dict(os.environ), tmp_path)
    processes.start("camera", STUBBORN)
    processes.stop("camera")
    assert processes.children["camera"].poll() is not None


def test_interrupt_ends_the_children_first(tmp_path):
    script = ("import os, sys; from modot_ros.ros.demo import demo; from pathlib import Path; "
              f"demo.run(dict(camera={STAY!r}, monitor=[sys.executable, '-c', "
              "'import os, time; print(os.getpid(), flush=True); time.sleep(120)']), "
              f"Path({str(tmp_path)!r}), 30.0, dict(os.environ))")
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))  # ignored below `&`
    child = int(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0
    deadline_s = time.monotonic() + 10
    while os.path.exists(f"/proc/{child}") and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{child}")


def test_commands_name_the_input():
    steps = demo.commands("it's/a:picture.png", demo.Path("/out"), 12)
    assert list(steps) == ["camera", "node", "monitor"]
    assert steps["camera"][2] == "modot_ros.ros.sources.image_source"
    assert "source:='it''s/a:picture.png'" in steps["camera"]
    assert "duration_s:=12.0" in steps["monitor"]
    assert demo.commands(None, demo.Path("/out"), 12)["camera"][2] == "modot_ros.ros.sources.sim_camera"


@pytest.mark.parametrize("seconds", ["0", "-1", "61", "nan"])
def test_seconds_out_of_range_are_refused(capsys, seconds):
    with pytest.raises(SystemExit):
        demo.main(["--seconds", seconds])
    assert "must be above 0 and at most" in capsys.readouterr().err


def test_several_cameras_have_namespaces_and_one_process(tmp_path):
    steps = demo.commands(None, tmp_path, 5.0, cameras=2)
    assert list(steps) == ["camera_1", "camera_2", "node", "monitor"]
    assert steps["camera_2"][2:] == ["modot_ros.ros.sources.sim_camera", "--ros-args", "-r", "__ns:=/camera_2"]
    assert "modot_ros.ros.multi" in steps["node"] and "cameras:=[camera_1, camera_2]" in steps["node"]
    assert "modot_ros.ros.demo.cameras" in steps["monitor"]
