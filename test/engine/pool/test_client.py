# SPDX-License-Identifier: Apache-2.0
"""The robot's side against a pool in this process that is slow, busy, gone, back, or another one."""
import socket
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

grpc = pytest.importorskip("grpc", reason="grpcio is not installed: pip install .[pool]")

from modot_ros.engine import make_engine  # noqa: E402
from modot_ros.engine.pool import client  # noqa: E402
from modot_ros.engine.pool.client import PoolEngine, WrongNetwork  # noqa: E402
from modot_ros.engine.pool.pool_pb2 import Picture  # noqa: E402
from modot_ros.engine.pool.wire import LOOK  # noqa: E402
from modot_ros.prediction import Unanswered  # noqa: E402

WAIT_S = 15.0
NETWORK = "ab" * 32


@pytest.fixture(autouse=True)
def quick_probes(monkeypatch):
    monkeypatch.setattr(client, "PROBE_S", 0.1)


@pytest.fixture
def engine():
    """Makes a PoolEngine whose local network gives the string "local"."""
    made = []

    def make(*addresses, budget_s=0.5, network=NETWORK):
        local = SimpleNamespace(facts=SimpleNamespace(name="local"),
                            maps=lambda pictures, depth, boundary, classes: ["local"] * len(pictures))
        made.append(PoolEngine(addresses, "stand_in", network, lambda: local, budget_s))
        return made[-1]
    yield make
    for one in made:
        one.close()


def until(condition):
    end_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.02)


def test_maps_are_those_of_the_network_there(pool, engine, picture):
    there = pool()
    robot = engine(there.address)
    assert robot.facts.name == "stand_in" and robot.warning == "" and robot.now() is robot._addresses[0]
    found = robot.maps([picture, picture[:3]])
    np.testing.assert_allclose(found[0].depth, picture[..., 0] / 100, rtol=5e-4)
    np.testing.assert_allclose(found[1].probability, picture[:3, :, 1] / 255, atol=0.002)
    assert robot.maps([picture], depth=False)[0].depth is None and there.seen == [(6, 8, 3), (3, 8, 3), (6, 8, 3)]


def test_what_comes_too_late_is_dropped_and_counted_and_three_in_a_row_lead_home(pool, engine, picture):
    there = pool()
    robot = engine(there.address, budget_s=0.1)
    there.delay_s = 0.3
    for _ in range(3):
        start_s = time.monotonic()
        with pytest.raises(Unanswered) as caught:
            robot.maps([picture])
        assert caught.value.reason == "pool_late" and time.monotonic() - start_s < 5
    assert robot.counts["pool_late"] == 3
    # the pool still describes itself, so it may already be back; the local network is what follows the third miss
    assert robot.maps([picture]) == ["local"] or robot.warning == ""


def test_a_pool_that_stops_is_replaced_within_three_frames_and_found_again(pool, engine, picture):
    there = pool()
    robot = engine(there.address)
    robot.maps([picture])
    there.stop()
    missed = 0
    while robot.now() is not robot._fallback:
        with pytest.raises(Unanswered):
            robot.maps([picture])
        missed += 1
    assert missed == 3 and robot.maps([picture]) == ["local"]
    assert "no machine of the pool answers, local runs here" in robot.warning
    there.start()
    until(lambda: robot.warning == "")
    assert robot.maps([picture])[0].depth.shape == (6, 8)


def test_the_next_address_comes_before_the_local_network_and_the_first_is_gone_back_to(pool, engine, picture):
    first, second = pool(), pool()
    robot = engine(first.address, second.address)
    first.stop()
    for _ in range(3):
        with pytest.raises(Unanswered):
            robot.maps([picture])
    until(lambda: robot.now() is robot._addresses[1])
    assert robot.maps([picture])[0].depth.shape == (6, 8) and len(second.seen) == 1
    assert second.address in robot.warning
    first.start()
    until(lambda: robot.now() is robot._addresses[0])
    assert robot.warning == ""


def test_refusals_are_counted_and_no_reason_to_leave(pool, engine, picture):
    there = pool(most=1)
    there.delay_s = 0.2
    robots = [engine(there.address, budget_s=5.0) for _ in range(6)]
    refused = []

    def ask(robot):
        try:
            robot.maps([picture])
        except Unanswered as error:
            refused.append(error.reason)
    threads = [threading.Thread(target=ask, args=(robot,)) for robot in robots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert refused and set(refused) == {"pool_refused"} and len(refused) + len(there.seen) == 6
    assert all(robot.now() is not robot._fallback for robot in robots) and there.gateway.inside == 0


def test_a_robot_starts_without_its_pool(engine, picture):
    robot = engine("127.0.0.1:9")
    assert robot.maps([picture]) == ["local"] and "127.0.0.1:9: unavailable" in robot.warning


def test_another_network_is_named_at_the_start_and_later(pool, engine, picture):
    there = pool()
    with pytest.raises(WrongNetwork, match="runs stand_in of weights abababababab, not stand_in of cdcdcdcdcdcd"):
        engine(there.address, network="cd" * 32)
    robot = engine(there.address)
    there.stop()
    there.network = "ef" * 32
    there.start()
    until(lambda: _reason(robot, picture) == "pool_other_network")
    assert engine(there.address, network="").network == ""      # whatever runs there is right


def test_another_network_at_the_next_address_leads_home(pool, engine, picture):
    first, second = pool(), pool()
    robot = engine(first.address, second.address)
    second.stop()
    second.network = "ef" * 32
    second.start()
    first.stop()
    for _ in range(3):
        with pytest.raises(Unanswered):
            robot.maps([picture])
    assert robot.maps([picture]) == ["local"]
    until(lambda: f"{second.address} runs stand_in of weights efefef" in robot.warning)
    assert robot.maps([picture]) == ["local"]


def test_no_frame_waits_for_the_next_address(pool, engine, picture, monkeypatch):
    """It takes connections and never answers, as behind a broken tunnel: asking it takes its whole handshake."""
    monkeypatch.setattr(client, "HANDSHAKE_S", 0.3)
    asked_in = []
    check = client._Address.check

    def noted(address, *arguments):
        asked_in.append(threading.current_thread().name)
        return check(address, *arguments)
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        first = pool()
        robot = engine(first.address, f"127.0.0.1:{hanging.getsockname()[1]}")
        monkeypatch.setattr(client._Address, "check", noted)
        first.stop()
        for _ in range(3):
            with pytest.raises(Unanswered):
                robot.maps([picture])
        assert robot.now() is robot._fallback and robot.maps([picture]) == ["local"]
        assert f"{first.address} answers no more, local runs here" in robot.warning
        until(lambda: f"127.0.0.1:{hanging.getsockname()[1]}: deadline exceeded" in robot.warning)
        assert robot.maps([picture]) == ["local"] and set(asked_in) == {"modot pool probe"}


def test_answers_that_are_no_maps_count_as_none_and_lead_home(pool, engine, picture, monkeypatch):
    robot = engine(pool().address)

    def broken(*_):
        raise ValueError("depth has 3 bytes, must have 96")
    monkeypatch.setattr(client.wire, "maps_of", broken)
    monkeypatch.setattr(PoolEngine, "look_for_better", lambda self: None)
    for _ in range(3):
        with pytest.raises(Unanswered, match="depth has 3 bytes") as caught:
            robot.maps([picture])
        assert caught.value.reason == "pool_error"
    # it still describes itself and is tried again; what matters is that three in a row are noticed
    assert robot.counts["pool_error"] == 3 and robot.counts["answered"] == 0 and robot.maps([picture]) == ["local"]


def _reason(robot, picture):
    try:
        robot.maps([picture])
    except Unanswered as error:
        return error.reason
    return ""


def test_a_failing_network_is_an_answer_that_does_not_come(pool, engine, picture):
    there = pool()
    there.error = RuntimeError("out of memory")
    with pytest.raises(Unanswered, match="RuntimeError: out of memory"):
        engine(there.address).maps([picture])


@pytest.mark.parametrize("message, code", [
    (b"", "INVALID_ARGUMENT"), (b"\xff" * 100, "INVALID_ARGUMENT"), (b"GET / HTTP/1.1\r\n", "INVALID_ARGUMENT"),
    (Picture(network=NETWORK, width=8, height=6, rgb=bytes(144), budget_ms=500).SerializeToString()[:-20], "INVALID_ARGUMENT"),
    (Picture(network=NETWORK, width=2 ** 32 - 1, height=2 ** 32 - 1).SerializeToString(), "INVALID_ARGUMENT"),
    (Picture(network="x", width=1, height=1, rgb=b"123").SerializeToString(), "NOT_FOUND"),
    (bytes(100_000_000), "RESOURCE_EXHAUSTED")])
def test_hostile_messages_get_an_error_and_change_nothing(pool, message, code):
    there = pool()
    with grpc.insecure_channel(there.address) as channel:
        look = channel.unary_unary(LOOK, lambda data: data, lambda data: data)
        with pytest.raises(grpc.RpcError) as caught:
            look(message, timeout=WAIT_S)
        assert caught.value.code().name == code
        good = Picture(network=NETWORK, width=8, height=6, rgb=bytes(144), depth=True, budget_ms=5000).SerializeToString()
        assert look(good, timeout=WAIT_S)
    assert there.seen == [(6, 8, 3)] and there.gateway.inside == 0


@pytest.mark.parametrize("addresses", [(), ("somewhere",), ("host:port",), (":9000",)])
def test_addresses_are_host_and_port(addresses):
    with pytest.raises(ValueError, match="host:port"):
        make_engine("ray", "modot_nano", device="cpu", addresses=addresses)
