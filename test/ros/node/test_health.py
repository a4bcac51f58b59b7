# SPDX-License-Identifier: Apache-2.0
import pytest
from diagnostic_msgs.msg import DiagnosticStatus

from modot_ros.ros.node.health import NO_INPUT_S, WINDOW_S, Health

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


def values(status):
    return {pair.key: pair.value for pair in status.values}


@pytest.fixture
def health():
    """Active since 100 s, ten good frames in the last second."""
    health = Health()
    health.facts = {"model": "modot_nano", "device": "cpu", "image_topic": "/camera/image"}
    health.activated(100.0)
    for number in range(10):
        now_s = 109.1 + number / 10
        health.received(now_s)
        health.processed(now_s + 0.05, latency_s=0.010 * (number + 1), processing_s=0.008, network_s=0.005)
    return health


def test_a_node_that_works_says_its_rate_and_latency(health):
    status = health.status("node", "id", "active", 110.1)
    assert (status.level, status.message) == (OK, "2.0 Hz, latency 55 ms")
    assert (status.name, status.hardware_id) == ("node", "id")
    got = values(status)
    assert (got["frames_received"], got["frames_processed"], got["frames_dropped"]) == ("10", "10", "0")
    assert (got["rate_in_hz"], got["rate_out_hz"]) == ("2.0", "2.0")
    assert (got["latency_median_ms"], got["latency_p95_ms"]) == ("55.0", "95.5")
    assert (got["processing_median_ms"], got["network_median_ms"]) == ("8.0", "5.0")
    assert (got["state"], got["model"], got["image_topic"]) == ("active", "modot_nano", "/camera/image")


def test_rates_are_of_the_time_since_activation_when_that_is_short():
    health = Health()
    health.activated(10.0)
    for number in range(10):
        health.received(10.0 + number / 10)
    assert values(health.status("node", "id", "active", 11.0))["rate_in_hz"] == "10.0"


def test_drops_that_keep_up_with_the_camera_are_counted_and_fine(health):
    for reason in ("overload", "rate", "unpaired"):
        health.dropped(reason, 110.0, count=3)
    status = health.status("node", "id", "active", 110.1)
    assert status.level == OK
    assert values(status)["frames_dropped"] == "9" and values(status)["dropped_overload"] == "3"


def test_a_bad_frame_is_a_warning_with_its_reason_until_it_is_long_ago(health):
    health.dropped("truncated", 110.0, "data has 3 bytes")
    status = health.status("node", "id", "active", 110.1)
    assert status.level == WARN
    assert "1 frames could not be used: truncated: data has 3 bytes" in status.message
    for number in range(10):
        health.received(114.0 + number / 10)
        health.processed(114.0 + number / 10, 0.01, 0.01, 0.01)
    status = health.status("node", "id", "active", 110.0 + WINDOW_S + 0.1)
    assert status.level == OK
    assert values(status)["last_error"] == "truncated: data has 3 bytes"


def test_only_bad_frames_are_an_error():
    health = Health()
    health.activated(100.0)
    health.received(101.0)
    health.dropped("encoding", 101.0, "encoding '32FC1' is not supported")
    status = health.status("node", "id", "active", 101.1)
    assert status.level == ERROR and "'32FC1'" in status.message


def test_silence_is_a_warning_that_names_the_topic(health):
    health.received(110.0)
    assert health.status("node", "id", "active", 110.0 + 0.9 * NO_INPUT_S).level == OK
    status = health.status("node", "id", "active", 110.0 + 1.1 * NO_INPUT_S)
    assert status.level == WARN and "/camera/image" in status.message


def test_standing_warnings_come_and_go(health):
    health.warn("calibration", "no camera_info")
    status = health.status("node", "id", "active", 110.1)
    assert (status.level, status.message) == (WARN, "no camera_info")
    assert values(status)["warnings"] == "no camera_info"
    health.warn("calibration", "")
    assert health.status("node", "id", "active", 110.1).level == OK


def test_idle_frames_are_no_drops():
    health = Health()
    health.activated(100.0)
    health.received(100.5)
    health.idle()
    status = health.status("node", "id", "active", 101.0)
    assert (status.level, status.message) == (OK, "nobody subscribes")
    assert (values(status)["frames_idle"], values(status)["frames_dropped"]) == ("1", "0")


def test_a_failure_to_configure_is_an_error_and_inactive_is_not():
    health = Health()
    assert health.status("node", "id", "inactive", 1.0).level == OK
    health.failure = "/no/such.safetensors: no such weights file"
    status = health.status("node", "id", "unconfigured", 1.0)
    assert (status.level, status.message) == (ERROR, health.failure)
