# SPDX-License-Identifier: Apache-2.0
"""`benchmarks/fleet_events.py` and the plan of `fleet_simulation.py`, with numbers from paper."""
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from fleet_events import Fleet, Simulation, batch_times_s, replicas_needed  # noqa: E402
from fleet_simulation import plan  # noqa: E402


def simulated(*arguments, seconds=10.0, **options):
    return Simulation(Fleet(*arguments, **options), even=True).run(seconds)


def test_one_camera_that_is_slower_than_the_network():
    found = simulated(1, 10, [0.03], way_s=0.02)
    assert found.rate_hz == pytest.approx(10, abs=0.11) and found.ages_s == pytest.approx([0.05] * len(found.ages_s))
    assert found.mean_batch == 1 and found.lost_share == 0 and found.busy_s == pytest.approx(3.0, abs=0.04)


def test_a_camera_that_is_faster_loses_frames_not_time():
    """A frame each 100 ms, 250 ms for each: the newest waits, so 4 a second, none older than a period and its own time."""
    found = simulated(1, 10, [0.25])
    assert found.rate_hz == pytest.approx(4, abs=0.11) and found.replaced == pytest.approx(60, abs=1)
    assert max(found.ages_s) <= 0.1 + 0.25 + 1e-9


def test_own_work_of_a_robot_is_between_an_answer_and_its_next_frame():
    assert simulated(1, 10, [0.05], own_s=0.15).rate_hz == pytest.approx(5, abs=0.11)


def test_what_waits_is_the_next_batch():
    """Four cameras, 25 ms apart; a batch takes 44 ms whatever its size: while one runs 44 / 25 frames come for the next."""
    found = simulated(4, 10, [0.044] * 4)
    assert found.mean_batch == pytest.approx(1.76, abs=0.02) and found.rate_hz == pytest.approx(40, abs=0.5)
    assert max(found.ages_s) <= 0.088 + 1e-9 and found.lost_share == 0


def test_windows_make_batches_of_one_however_many_wait():
    """The same with Serve's rule: frames 25 ms apart are never within 5 ms."""
    found = simulated(4, 10, [0.1] * 4, wait_s=0.005, windows=True)
    assert found.mean_batch < 1.1 and found.rate_hz == pytest.approx(10, abs=0.5)
    # within 30 ms two are; a full batch does not wait
    assert simulated(4, 10, [0.01] * 4, wait_s=0.03, windows=True).mean_batch == pytest.approx(2, abs=0.05)
    assert simulated(4, 10, [0.01] * 2, wait_s=9.0, windows=True).ages_s == pytest.approx([0.01, 0.035] * 200, abs=0.026)


def test_an_idle_replica_waits_for_more():
    """Two cameras 50 ms apart: waiting 60 ms brings both into a batch, so the first is 60 + 10 ms old, the second 10 + 10."""
    found = simulated(2, 10, [0.01] * 2, wait_s=0.06)
    assert found.mean_batch == 2 and sorted({round(age_s, 6) for age_s in found.ages_s}) == [0.02, 0.07]


def test_late_answers_are_given_up_and_never_delivered():
    found = simulated(1, 10, [0.25], budget_s=0.2)
    assert not found.ages_s and found.late == pytest.approx(50, abs=2)


def test_a_line_that_is_longer_than_the_budget_keeps_the_network_busy_in_vain():
    """Four cameras at one network of 0.3 s and a budget of 0.85 s: what begins has waited too long. Two at once are in time."""
    found = simulated(4, 10, [0.3], budget_s=0.85)
    assert found.rate_hz == 0 and found.late > 5 and found.busy_s == pytest.approx(10, abs=0.4)
    found = simulated(4, 10, [0.3], budget_s=0.85, capacity=2)
    assert found.rate_hz == pytest.approx(10 / 3, abs=0.3) and max(found.ages_s) <= 0.85 + 0.1 + 1e-9


def test_a_full_pool_refuses():
    found = simulated(8, 10, [0.1], capacity=2)
    assert found.refused > 100 and found.rate_hz == pytest.approx(10, abs=0.3) and max(found.ages_s) < 0.31


def test_two_replicas_serve_twice_as_much():
    one, two = (simulated(8, 10, [0.05], replicas=replicas).rate_hz for replicas in (1, 2))
    assert one == pytest.approx(20, abs=0.5) and two == pytest.approx(40, abs=1)


def test_batch_times_between_measured_ones_are_straight_lines():
    assert batch_times_s({1: 0.02, 2: 0.03, 4: 0.05}, 4) == pytest.approx([0.02, 0.03, 0.04, 0.05])
    with pytest.raises(ValueError, match="1 and 8 must be"):
        batch_times_s({1: 0.02, 4: 0.05}, 8)


def test_replicas_of_a_fleet():
    """100 pictures a second, one at a time in 50 ms: 5 are the fewest that could do."""
    replicas, found = replicas_needed(Fleet(10, 10, [0.05], budget_s=1.0), 0.01)
    assert 5 <= replicas <= 8 and found.lost_share <= 0.01
    with pytest.raises(ValueError, match="no number of replicas"):
        replicas_needed(Fleet(10, 10, [0.5], budget_s=0.3), 0.01)


def test_a_plan_counts_gateways_and_the_network():
    """60 pictures a second of 256x192x3 bytes: 0.0708 Gbit/s; at 5 ms each 0.3 of a core, half of what a gateway may take."""
    found = plan(Fleet(6, 10, [0.01], budget_s=1.0), 0.005)
    assert found["gateways"] == 1 and found["gbit_s_each_way"] == pytest.approx(0.07078, abs=1e-4)
