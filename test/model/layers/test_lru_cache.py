# SPDX-License-Identifier: Apache-2.0
"""What is kept from picture to picture: made once, usable in training, and not for ever."""
import torch

from modot_ros.model.layers import lru_cache as recent
from modot_ros.model.layers.lru_cache import all_recent, remember


def test_things_are_made_once_and_the_oldest_is_forgotten(monkeypatch):
    monkeypatch.setattr(recent, "_kept", type(recent._kept)())
    monkeypatch.setattr(recent, "MOST", 2)
    made = []

    def ask(key):
        return remember((key,), lambda: made.append(key) or key.upper())
    assert [ask(key) for key in "abac"] == ["A", "B", "A", "C"]
    assert made == ["a", "b", "c"] and all_recent() == ["A", "C"]       # b was used longest ago
    ask("b")
    assert made[-1] == "b" and all_recent() == ["C", "B"]


def test_what_is_made_in_inference_serves_training():
    with torch.inference_mode():
        kept = remember(("test",), lambda: torch.ones(2))
    assert not kept.is_inference()
