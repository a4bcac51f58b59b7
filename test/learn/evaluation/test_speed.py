# SPDX-License-Identifier: Apache-2.0
"""What is timed and how it is summed up; never how long it takes."""
import pytest
import torch

from modot_ros.learn.evaluation import speed
from modot_ros.learn.evaluation.speed import measure
from modot_ros.model import build_network, save_checkpoint
from modot_ros.predictor import Predictor

TINY = {"encoder_channels": [8, 8, 8, 8, 8], "decoder_channels": [8, 8, 8], "detail_channels": 4}


@pytest.fixture
def predictor(tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_checkpoint(path, build_network("modot_nano", **TINY), "modot_nano", config=TINY, canonical_focal=0.8,
                    working_size=(64, 32))
    return Predictor(weights=path, device="cpu")


def test_whole_predictions_are_timed_after_a_warm_up(predictor, monkeypatch):
    sizes, predict = [], predictor.predict

    def watched(rgb):
        sizes.append(rgb.shape)
        return predict(rgb)
    monkeypatch.setattr(predictor, "predict", watched)
    result = measure(predictor, 96, 64, runs=4)
    assert sizes == [(64, 96, 3)] * 7                       # three of them to warm up
    assert (result.width, result.height, result.runs, result.model) == (96, 64, 4, "modot_nano")
    assert (result.precision, result.threads) == ("fp32", torch.get_num_threads()) and result.device
    assert list(result.stage_ms) == ["network", "resize", "thin", "instances", "order"]
    for low, middle, high in [*result.stage_ms.values(), result.total_ms]:
        assert 0 <= low <= middle <= high
    # No stage takes longer than the whole: its slowest run is one of the whole's.
    assert max(middle for _, middle, _ in result.stage_ms.values()) <= result.total_ms[2]


def test_median_and_spread_by_hand(predictor, monkeypatch):
    """The clock goes on by 1, 2, ... 11 ms from the start of a prediction to its end."""
    now_s, runs = [0.0], iter([0.0] * 3 + [k / 1000 for k in (7, 3, 1, 9, 11, 2, 8, 4, 10, 6, 5)])

    def predict(rgb):
        spent_s = next(runs)
        now_s[0] += spent_s
        return type("Prediction", (), {"stage_s": {"network": spent_s / 2}})
    monkeypatch.setattr(predictor, "predict", predict)
    monkeypatch.setattr(speed, "time", type("Clock", (), {"perf_counter": lambda: now_s[0]}))
    result = measure(predictor, 32, 32, runs=11)
    assert result.total_ms == (2.0, 6.0, 10.0) and result.stage_ms == {"network": (1.0, 3.0, 5.0)}


def test_no_runs_and_tiny_pictures_are_refused(predictor):
    with pytest.raises(ValueError, match="size is 1x64: at least 16x16"):
        measure(predictor, 1, 64)
    with pytest.raises(ValueError, match="runs is 0"):
        measure(predictor, runs=0)
