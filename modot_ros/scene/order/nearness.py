# SPDX-License-Identifier: Apache-2.0
"""A small network that corrects the rule of `depth_order`: attention over all instances of a picture.

The rule weighs a pair's own cues alone. But the depth of a cup is evidence for that of the table that it stands on,
and of what is nearer than both. So every instance attends to all others (Vaswani et al., NeurIPS 2017), a pair's cues
being biases of the attention (as in Graphormer: Ying et al., NeurIPS 2021), and each pair is judged by the two and what is
between them. Its inputs are `pair_features`, no picture, so that it can be used under any depth network; it is fitted to
the errors of `modot_nano` on rooms (`modot train-orders`).

Written with operators that NumPy and PyTorch share: inference needs no more than NumPy, training hands in torch.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

WEIGHTS = Path(__file__).resolve().parent / "weights" / "nearness.npz"
HEADS = 4
CLIP = 6.0                              # deviations from the mean that a number of an instance may have, and
CLIP_PAIR = 3.0                         # what one of a pair may be


@cache
def shipped_weights() -> dict[str, np.ndarray]:
    """The package's weights by name, float32."""
    with np.load(WEIGHTS, allow_pickle=False) as stored:
        return {name: stored[name].astype(np.float32) for name in stored.files}


def nearness(weights: dict[str, Any], features: Any, pairs: Any, hide: Any = None, xp: ModuleType = np,
             drop: Callable[[Any], Any] = lambda x: x) -> tuple[Any, Any, Any]:
    """Corrections to the rule's log-odds of all pairs.

    weights  as `shipped_weights` has them: [in, out] and biases [out]; the number of layers follows from their names
    features [..., n, pair_features.INSTANCE_FEATURES]; pairs [..., n, n, pair_features.PAIR_FEATURES]
    hide     [..., 1, 1, n], 0, or much below 0 where the instance is not there; None: all are
    xp       numpy or torch, whichever the arrays are of; drop is called on what each layer adds

    Returns (odds [..., n, n] that the row's instance is nearer than the column's rather than farther, antisymmetric;
    level [..., n, n], log-odds that both are equal, symmetric; depth [..., n], correction of the logarithm of the medians).
    """
    width = len(weights["norm"])
    lead = (*features.shape[:-1], HEADS, width // HEADS)

    def linear(name: str, x: Any) -> Any:
        return x @ weights[name] + weights[f"{name}_bias"]

    def relu(x: Any) -> Any:
        return x.clip(0)

    t = ((features - weights["mean"]) / weights["deviation"]).clip(-CLIP, CLIP)
    t = linear("enter2", relu(linear("enter1", t)))
    between = pairs.clip(-CLIP_PAIR, CLIP_PAIR)
    hidden = relu(linear("between", between))
    layer = 0
    while f"norm1_{layer}" in weights:
        qkv = linear(f"qkv_{layer}", _norm(t, weights[f"norm1_{layer}"]))
        q, k, v = (qkv[..., i * width:(i + 1) * width].reshape(lead).swapaxes(-2, -3) for i in range(3))
        heed = q @ k.swapaxes(-1, -2) / math.sqrt(lead[-1])             # [..., heads, n, n]
        heed = heed + linear(f"heed_{layer}", hidden).swapaxes(-1, -2).swapaxes(-2, -3)
        if hide is not None:
            heed = heed + hide
        heed = xp.exp(heed - xp.amax(heed, -1)[..., None])
        heed = heed / heed.sum(-1)[..., None]
        t = t + drop(linear(f"join_{layer}", (heed @ v).swapaxes(-2, -3).reshape(t.shape)))
        t = t + drop(linear(f"narrow_{layer}", relu(linear(f"widen_{layer}", _norm(t, weights[f"norm2_{layer}"])))))
        layer += 1
    t = _norm(t, weights["norm"])
    depth = linear("depth", t)[..., 0]
    farther = features[..., 0] + depth                                    # the first feature: the median's logarithm
    gap = farther[..., None, :] - farther[..., :, None]
    judged = linear("row", t)[..., :, None, :] + (t @ weights["column"])[..., None, :, :] + linear("pair", hidden)
    judged = linear("judge", relu(judged + gap[..., None] * weights["gap"]))
    one, other = judged[..., 0], judged[..., 1]
    return (one - one.swapaxes(-1, -2) + weights["gap_odds"] * gap, other + other.swapaxes(-1, -2), depth)


def _norm(x: Any, gain: Any) -> Any:
    """Layer norm without a shift."""
    x = x - x.mean(-1)[..., None]
    return gain * x / ((x * x).mean(-1)[..., None] + 1e-5) ** 0.5
