# SPDX-License-Identifier: Apache-2.0
"""ODS, OIS and AP of maps whose quality is known."""
import numpy as np
import pytest

from modot_ros.learn.metrics.boundary_benchmark import PIPELINES, BoundaryBenchmark, _best_between


def line(size=60, column=30, value=1.0) -> np.ndarray:
    drawn = np.zeros((size, size), np.float32)
    drawn[:, column] = value
    return drawn


def scored(pipeline, *pairs, **options):
    benchmark = BoundaryBenchmark(pipeline, **options)
    for probability, truth in pairs:
        benchmark.add(probability, truth)
    return benchmark.curve()


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_the_truth_scores_one_but_for_the_fading_border(pipeline):
    curve = scored(pipeline, (line(), line()))
    # The last 5 pixels of both ends fade to 0: at 0.01 only the outermost are gone.
    assert curve.recall[0] == pytest.approx(58 / 60) and curve.precision[0] == 1.0
    assert curve.ods == curve.ois == pytest.approx(2 * 58 / (58 + 60), abs=1e-6)


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_shift_within_the_tolerance_is_forgiven(pipeline):
    truth = line(200, 100)                                  # the diagonal allows 2.1 pixels
    assert scored(pipeline, (line(200, 102), truth)).ods > 0.98
    assert scored(pipeline, (line(200, 103), truth)).ods == 0.0


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_an_empty_prediction_scores_zero(pipeline):
    curve = scored(pipeline, (np.zeros((60, 60)), line()))
    assert (curve.ods, curve.ois, curve.ap) == (0.0, 0.0, 0.0)


def test_counts_by_hand():
    probability = line(value=0.8) + line(column=10, value=0.4)
    benchmark = BoundaryBenchmark("doobnet")
    counts = benchmark.add(probability, line())
    assert (counts[:, 0] == counts[:, 3]).all()
    # Faded by k / 5: of each line 52 pixels have its own value, and the next ones 0.8, 0.6 .. of it.
    at = {threshold: counts[round(threshold * 100) - 1, :3].tolist() for threshold in (0.2, 0.4, 0.5, 0.8)}
    assert at[0.8] == [50, 50, 60]
    assert at[0.5] == [52, 52, 60]                          # 0.64 on either end too
    assert at[0.2] == [56, 56 + 54, 60]                     # 0.32 at k = 2; of the other line 0.24 at k = 3
    assert at[0.4] == [54, 54 + 50, 60]
    assert len(benchmark) == 1


def test_ods_is_one_threshold_for_all_and_ois_one_for_each():
    """In the first picture the truth says 0.9 and a false line 0.5, in the second the truth 0.4."""
    first = line(value=0.9) + line(column=10, value=0.5), line()
    second = line(value=0.4), line()
    for pipeline in PIPELINES:
        curve = scored(pipeline, first, second)
        assert curve.ois > curve.ods + 0.1
        assert scored(pipeline, first).ods == pytest.approx(scored(pipeline, first).ois, abs=0.02)


def test_average_precision_of_two_plateaus():
    """Half of the truth is found surely, the rest among as many false pixels."""
    truth = line(200, 50) + line(200, 150)
    probability = line(200, 50, 0.9) + line(200, 150, 0.3) + line(200, 100, 0.3) + line(200, 20, 0.3)
    curve = scored("doobnet", (probability, truth))
    assert curve.precision[-15] == 1.0 and 0.45 < curve.recall[-15] < 0.5
    assert curve.precision[0] == pytest.approx(0.5, abs=0.01)
    # As in the benchmark: straight from nothing found (0, 0) to the first plateau (0.49, 1) and on to (0.98, 0.5).
    assert curve.ap == pytest.approx(0.49 * 0.5 + 0.49 * 0.75, abs=0.015)
    released = scored("doobnet", (probability, truth), first=0.51)
    assert len(released.thresholds) == 49 and released.ap < curve.ap


def test_what_the_released_scripts_leave_out_counts_as_nothing_found():
    """At all thresholds that are left 50 to 58 of 60 pixels and nothing false: a ramp from (0, 0), then a level."""
    truth = line()
    whole, released = (scored("doobnet", (line(), truth), first=first) for first in (0.01, 0.51))
    lowest, highest = released.recall[-1], released.recall[0]
    at = np.arange(101) / 100
    expected = np.where(at <= lowest, at / lowest, 1.0)[at <= highest].sum() / 100
    assert released.ap == pytest.approx(expected, abs=1e-9) and lowest < 0.9 < whole.recall[0]
    assert whole.ap < released.ap                           # the whole curve has no point at 0


def test_the_best_f_is_looked_for_at_100_points_between_thresholds():
    """As in the benchmark, both ends counted, so that the middle is none of them."""
    f, at = _best_between(np.array([1.0, 0.1]), np.array([0.1, 1.0]), np.array([0.3, 0.4]))
    recall, precision = 1 - 0.9 * 49 / 99, 0.1 + 0.9 * 49 / 99
    assert f == pytest.approx(2 * recall * precision / (recall + precision), abs=1e-12) and f < 0.55
    assert at == pytest.approx(0.3 + 0.1 * 49 / 99)


def test_one_threshold_needs_one_mask_only(monkeypatch):
    from modot_ros.learn.metrics import boundary_benchmark
    calls, one = [], boundary_benchmark.largest_matching
    monkeypatch.setattr(boundary_benchmark, "largest_matching", lambda *a: calls.append(1) or one(*a))
    scored("bsds", (line(), line()))
    assert len(calls) <= 7                                  # levels 1, 0.8 .. of the fading border, and their smoothing


def test_what_cannot_work_is_named():
    with pytest.raises(ValueError, match="'matlab'.*doobnet, bsds"):
        BoundaryBenchmark("matlab")
    with pytest.raises(ValueError, match=r"\(60, 60\) and \(3, 3\)"):
        BoundaryBenchmark().add(line(), np.zeros((3, 3)))
    with pytest.raises(ValueError, match="first is 1.0: the highest threshold is 0.99"):
        BoundaryBenchmark(first=1.0)
    with pytest.raises(ValueError, match="no pictures"):
        BoundaryBenchmark().curve()


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_several_people_are_all_to_be_recalled_and_any_of_them_makes_a_pixel_right(pipeline):
    """One drew both lines, the other only the first: it is found, and half of another line that nobody drew."""
    both, one, found = line() + line(column=10), line(), line(value=0.9)
    found[20:40, 50] = 0.9
    benchmark = BoundaryBenchmark(pipeline)
    pairs, predicted, true, right = benchmark.add(found, np.stack([both, one]))[29]
    assert true == 180 and pairs == 2 * right and predicted - 24 <= right <= predicted - 18 and right > 40
    alone = BoundaryBenchmark(pipeline)
    assert (benchmark.add(found, one[None]) == alone.add(found, one)).all()
    with pytest.raises(ValueError, match="one shape"):
        benchmark.add(found, np.zeros((0, 60, 60)))
