# SPDX-License-Identifier: Apache-2.0
"""Rows of scores for pictures that are known, and a whole comparison of a tiny set."""
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from modot_ros.learn.datasets.sample import sample
from modot_ros.learn.evaluation import pictures
from modot_ros.learn.evaluation.comparison import Comparison, compare, score
from modot_ros.learn.evaluation.contenders import Estimate
from modot_ros.learn.evaluation.pictures import open_pictures
from modot_ros.predictor import Predictor

from .conftest import box_room


def truth_of(seed=0, **other):
    rgb, depth_m, boundary = box_room(seed)
    return sample("box", rgb, **{"depth_m": depth_m, "boundary": boundary, **other})


def test_the_truth_scores_best():
    truth = truth_of()
    row = score(Estimate(truth.depth_m, truth.boundary.astype(np.float32)), truth, tolerance_px=1)
    assert row["abs_rel"] == row["median_abs_rel"] == 0.0 and row["delta1"] == row["scale"] == row["coverage"] == 1.0
    assert row["affine_abs_rel"] == pytest.approx(0, abs=1e-6)
    assert row["pixel_f1"] == row["f_0.5"] == row["precision_0.9"] == row["edge_f"] == 1.0


def test_relative_depth_has_no_metric_scores():
    truth = truth_of()
    row = score(Estimate(5 * truth.depth_m, relative=True), truth, tolerance_px=1)
    assert "abs_rel" not in row and "scale" not in row and row["median_abs_rel"] == pytest.approx(0, abs=1e-6)
    assert "pixel_f1" not in row and row["edge_f"] == pytest.approx(1.0)


def test_only_what_there_is_truth_for_is_scored():
    said = Estimate(truth_of().depth_m, np.zeros((48, 64), np.float32))
    assert not {"f_0.5", "edge_f"} & set(score(said, truth_of(boundary=None), 1))
    without = score(said, truth_of(depth_m=None), 1)
    assert "abs_rel" not in without and without["f_0.5"] == 0.0 and "edge_f" not in without


def test_lines_are_scored_as_they_are():
    truth = truth_of()
    row = score(Estimate(truth.depth_m, truth.boundary.astype(np.float32), truth.boundary), truth, tolerance_px=1)
    assert row["f_0.2"] == row["f_0.9"] == 1.0


def test_a_whole_comparison(pairs, weights):
    seen = []
    found = compare(open_pictures(str(pairs)), Predictor(weights=weights, device="cpu"), lambda *a: seen.append(a))
    assert seen == [(1, 4), (2, 4), (3, 4)] and list(found.skipped) == ["broken"]
    assert list(found.rows["modot_nano"]) == ["exact_0", "exact_1", "sensor"]
    assert len(found.column("modot_nano", "abs_rel")) == 3 and len(found.column("modot_nano", "f_0.5")) == 2
    plane, median = list(found.rows)[-2:]
    assert found.median(plane, "abs_rel") == found.median(median, "abs_rel") > 0     # both 3 m, the wall's depth
    assert math.isnan(found.mean(plane, "pixel_f1")) and plane not in found.curves
    assert set(found.curves["modot_nano"]) == {"doobnet", "bsds"} and len(found.curves) == 4
    assert {failure.score for failure in found.failures} == {"median_abs_rel", "f_0.5"}
    worst = [failure.value for failure in found.failures if failure.score == "median_abs_rel"]
    assert worst == sorted(worst, reverse=True) and len(worst) == 3


def test_classes_are_scored_where_model_and_set_have_them(pairs, weights):
    opened, plain = open_pictures(f"pairs={pairs}", 2), Predictor(weights=weights, device="cpu")
    known = replace(opened, read=lambda k: replace(opened.read(k), classes=np.zeros(opened.read(k).rgb.shape[:2], np.uint8)))
    assert compare(known, plain).classes is None

    def predict(*arguments):
        found = plain.predict(*arguments)
        return replace(found, classes=np.zeros(found.depth.shape, np.uint8)) if "classes" in arguments[3] else found
    named = SimpleNamespace(name="named", predict=predict)
    assert compare(known, named).classes.scores(20).pixel_accuracy == 1.0
    assert compare(opened, named).classes is None


def test_how_sure_a_median_is_told_by_ranks():
    """Of ten values the median lies outside the second to the ninth with a probability of 2 * 11 / 1024, outside the third to
    the eighth with 2 * 56 / 1024. Of five it lies outside all with 2 / 32."""
    for count, between in ((10, (2.0, 9.0)), (6, (1.0, 6.0)), (5, (math.nan,) * 2), (0, (math.nan,) * 2)):
        rows = {f"{k}": {"abs_rel": float(k + 1), "rmse": math.nan} for k in reversed(range(count))}
        found = Comparison(None, {"one": rows}, {}, {}, {}, None, ())
        np.testing.assert_equal(found.median_between("one", "abs_rel"), between)
        np.testing.assert_equal(found.median_between("one", "rmse"), (math.nan,) * 2)


def test_a_set_that_cannot_be_read_is_refused(pairs, weights, monkeypatch):
    for name in ("exact_0", "exact_1", "sensor"):
        (pairs / f"{name}.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match="none of 4 pictures can be read"):
        compare(open_pictures(str(pairs)), Predictor(weights=weights, device="cpu"))
    assert pictures.KINDS[0] == "rooms"
