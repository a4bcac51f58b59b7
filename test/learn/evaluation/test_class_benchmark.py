# SPDX-License-Identifier: Apache-2.0
"""Classes over two tiny pictures, by hand."""
import numpy as np
import pytest

from modot_ros.classes import UNKNOWN_CLASS, class_id
from modot_ros.learn.evaluation import class_benchmark
from modot_ros.learn.evaluation.class_benchmark import ClassBenchmark

WALL, FLOOR, CHAIR, SOFA = map(class_id, ("wall", "floor", "chair", "sofa"))


@pytest.fixture
def benchmark():
    true = np.array([[WALL, WALL, WALL, WALL], [FLOOR, FLOOR, CHAIR, UNKNOWN_CLASS]], np.uint8)
    found = np.array([[WALL, WALL, WALL, FLOOR], [FLOOR, FLOOR, SOFA, SOFA]], np.uint8)
    made = ClassBenchmark()
    made.add(found, true)
    return made


def test_scores_are_over_all_known_pixels(benchmark):
    assert benchmark.scores(20).pixel_accuracy == pytest.approx(5 / 7)
    assert benchmark.scores(6).pixel_accuracy == pytest.approx(6 / 7)              # chair and sofa are both furniture
    assert benchmark.record()["mean_iou_6"] == pytest.approx((3 / 4 + 2 / 3 + 1) / 3, abs=1e-4)
    assert "names_right" not in benchmark.record()


def test_the_blind_ones_know_rows_and_nothing_else(benchmark):
    _, _, model, commonest, by_row, *_ = benchmark.lines("nano")
    assert model.startswith("| nano | 0.714 |")
    assert commonest.startswith("| commonest class of the set | 0.571 |")          # wall
    assert by_row.startswith("| commonest class of every row | 0.857 |")           # wall above, floor below


def test_names_of_instances_that_are_large_enough(benchmark, monkeypatch):
    monkeypatch.setattr(class_benchmark, "SMALLEST_NAMED_PX", 2)
    true = np.array([[CHAIR, CHAIR, SOFA, SOFA, WALL]], np.uint8)
    benchmark.add(true, true, np.array([[1, 1, 2, 2, 3]]), {1: "chair", 2: "chair", 3: "chair"})
    assert benchmark.names_right == 0.5                 # 3 is too small
    assert benchmark.lines("nano")[-1].endswith("0.500 of 2 are right.")
