# SPDX-License-Identifier: Apache-2.0
"""The pool on a Ray cluster of this machine: batches, overload, a replica that is killed, a cluster that stops.

Skipped where Ray is not installed: it is 0.5 GB, and the cluster takes half a minute to start.
"""
import os
import signal
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("ray.serve", reason="Ray is not installed: pip install .[serve]")
pytest.importorskip("grpc", reason="grpcio is not installed: pip install .[serve]")

from ray import serve  # noqa: E402

from modot_ros.engine.pool import service  # noqa: E402
from modot_ros.engine.pool.client import PoolEngine  # noqa: E402
from modot_ros.model import Maps  # noqa: E402
from modot_ros.prediction import Unanswered  # noqa: E402
from modot_ros.predictor import Predictor  # noqa: E402

pytestmark = pytest.mark.xdist_group("ray")
NETWORK, BATCH_S = "ab" * 32, 0.02


def stand_in():
    """Pickled by value: the cluster's processes can't import this file."""
    from modot_ros.engine.engine import Facts

    def make():
        class Engine:
            facts = Facts("stand_in", "metric", "axis", 0.8, (96, 64), False, "cpu", "fp32")

            def maps(self, pictures, depth=True, boundary=True, classes=False):
                import time

                import numpy as np
                time.sleep(BATCH_S)
                return [Maps(rgb[..., 0] / np.float32(100), np.full(rgb.shape[:2], len(pictures) / 255, np.float32), None)
                        for rgb in pictures]
        return Engine(), NETWORK
    return make


@pytest.fixture(scope="module")
def address():
    port = service.start({"replicas": 2, "port": 0, "cpus": 0.1, "batch_wait_ms": 10.0}, stand_in())
    yield f"127.0.0.1:{port}"
    service.stop()


def robot(address, budget_s=1.0):
    local = SimpleNamespace(facts=SimpleNamespace(name="local"),
                            maps=lambda pictures, depth, boundary, classes: ["local"] * len(pictures))
    return PoolEngine([address], "stand_in", NETWORK, lambda: local, budget_s)


def drive(robots, seconds, rate_hz):
    """Each robot asks at this rate from a thread; by robot: ages of answers, sizes of their batches, reasons for none."""
    found = [SimpleNamespace(ages_s=[], batches=[], reasons=[], local=0) for _ in robots]

    def run(engine, mine):
        picture = np.full((64, 96, 3), 50, np.uint8)
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            start_s = time.monotonic()
            try:
                answer = engine.maps([picture])[0]
                if isinstance(answer, str):
                    mine.local += 1
                else:
                    mine.ages_s.append(time.monotonic() - start_s)
                    mine.batches.append(round(255 * float(answer.probability[0, 0])))
            except Unanswered as error:
                mine.reasons.append(error.reason)
            if rate_hz:
                time.sleep(max(0.0, 1 / rate_hz - (time.monotonic() - start_s)))
    threads = [threading.Thread(target=run, args=pair) for pair in zip(robots, found)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + 60)
    return found


def inside():
    return serve.get_app_handle("modot").inside.remote().result(timeout_s=10)


def test_answers_are_right_and_pictures_share_batches(address):
    robots = [robot(address) for _ in range(16)]
    found = drive(robots, 3.0, 0)
    ages_s, batches = (sum((getattr(one, name) for one in found), []) for name in ("ages_s", "batches"))
    assert np.mean(batches) > 2 and max(batches) <= 8 and max(ages_s) < 1.5, "none is older than its budget and the way back"
    assert robots[0].maps([np.full((64, 96, 3), 50, np.uint8)])[0].depth[0, 0] == 0.5 and inside() == 0
    for one in robots:
        one.close()


def test_overload_is_refused_and_no_queue_grows(address):
    robots = [robot(address, budget_s=2.0) for _ in range(80)]
    found = drive(robots, 3.0, 0)
    reasons = sum((one.reasons for one in found), [])
    assert "pool_refused" in reasons and any(one.ages_s for one in found) and inside() == 0
    for one in robots:
        one.close()


def test_a_killed_replica_is_replaced_while_the_other_answers(address):
    engine = robot(address)
    pid = serve.get_deployment_handle("Network", "modot").pid.remote().result(timeout_s=10)
    os.kill(pid, signal.SIGKILL)
    (found,) = drive([engine], 6.0, 10)
    assert len(found.ages_s) > len(found.reasons) and max(found.ages_s) < 1.5
    (found,) = drive([engine], 4.0, 10)
    assert found.ages_s and not found.reasons[5:], "answers again"
    engine.close()


def test_a_wrong_hash_is_named(address):
    with pytest.raises(ValueError, match="start the pool with the same weights file"):
        PoolEngine([address], "stand_in", "cd" * 32, lambda: None, 1.0)


@pytest.mark.parametrize("values, problem", [({"replica": 2}, "replica unknown"), ({"replicas": 0}, "1 or more")])
def test_settings_that_cannot_work_are_named(values, problem):
    with pytest.raises(ValueError, match=problem):
        service.Settings.of(values)


def test_the_real_network_gives_the_local_predictions_and_a_stopped_pool_the_fallback(address):
    """Last of this file: it puts another application in the place of the first and then stops it."""
    port = service.start({"replicas": 1, "port": 0, "cpus": 0.1})
    pooled = Predictor(device="cpu", engine="ray", engine_addresses=[f"127.0.0.1:{port}"], engine_budget_s=10.0)
    assert pooled.engine.warning == ""
    picture = np.random.default_rng(0).integers(0, 256, (120, 160, 3), np.uint8)
    found, expected = (one.predict(picture, parts=("depth", "boundary")) for one in (pooled, Predictor(device="cpu")))
    assert np.median(np.abs(found.depth / expected.depth - 1)) < 1e-3
    np.testing.assert_allclose(found.boundary_probability, expected.boundary_probability, atol=0.003)
    service.stop()
    missed = 0
    while pooled.engine.warning == "":
        try:
            pooled.predict(picture)
        except Unanswered:
            missed += 1
    assert missed <= 3 and pooled.predict(picture).depth.shape == (120, 160) and "modot_nano runs here" in pooled.engine.warning
