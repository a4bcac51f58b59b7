# SPDX-License-Identifier: Apache-2.0
import math

import pytest

from modot_ros.ros.demo.tally import Tally, heading, line


def test_nothing_yet_is_dashes():
    assert line(Tally().row(0.0)).split() == ["0.0", "0", "0", "0", "-", "-", "-", "-", "-", "-"]


def test_rate_counts_intervals():
    tally = Tally(outputs=[(10.0, 0.1), (10.5, 0.1), (11.0, 0.1), (13.0, 0.1)])
    assert tally.rate_hz() == pytest.approx(1.0)                     # 3 intervals in 3 s
    assert tally.rate_hz(since_s=10.5) == pytest.approx(0.8)         # 2 in 2.5 s
    assert math.isnan(tally.rate_hz(since_s=11.5))


def test_latency_is_median_and_95_percent_quantile():
    tally = Tally(outputs=[(float(n), n / 100) for n in range(101)])
    assert tally.latency_s() == pytest.approx((0.5, 0.95))
    assert tally.latency_s(since_s=100.0) == pytest.approx((1.0, 1.0))


def test_row_in_the_order_of_the_heading():
    tally = Tally(frames_in=7, dropped=2, outputs=[(1.0, 0.010), (2.0, 0.030)], boundary_f=[0.5, 0.7, 0.9],
                  abs_rel=[0.1, float("nan")], delta1=[float("nan")])
    assert heading().splitlines()[0].split() == [
        "time", "frames", "processed", "dropped", "rate", "latency", "latency", "boundary", "depth", "depth"]
    numbers = ["2.0", "7", "2", "2", "1.0", "20.0", "29.0", "0.700", "0.100", "-"]
    assert line(tally.row(2.04)).split() == numbers


def test_rows_line_up_with_the_heading():
    row = Tally(frames_in=10, outputs=[(0.0, 1.0)] * 3).row(59.9)
    assert {len(text) for text in (*heading().splitlines(), line(row))} == {83}
