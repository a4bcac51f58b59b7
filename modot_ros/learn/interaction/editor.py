# SPDX-License-Identifier: Apache-2.0
"""A simulated person who knows the truth and corrects boundaries with scribbles (DNMMSI, BMVC 2025).

Chance comes from a `random.Random`, as in the official code: one seed gives the same strokes there and here.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

import cv2
import numpy as np

from modot_ros.learn.interaction.scribbles import brushed, scribble
from modot_ros.learn.interaction.segments import PUBLISHED, Lengths, find_segments
from modot_ros.scene.suppression import previous_output

MOST_AT_FIRST = 3                                       # strokes of either kind before there is an output
MOST_LATER = 5
CANNY = (100, 200)


@dataclass(frozen=True, eq=False)
class Correction:
    """What is drawn on one picture.

    missing, false         bool [H, W]
    missing_px, false_px   points of the segments that were followed, before any shift
    truth_px, other_px     pixels with and without a true boundary
    """

    missing: np.ndarray
    false: np.ndarray
    missing_px: int
    false_px: int
    truth_px: int
    other_px: int


@dataclass(frozen=True, eq=False)
class Round:
    """An output and what was drawn before it, which was nothing the first time.

    probability   float [H, W]
    maps          float32 [3, H, W], channels 3-5 of the network's input: missing, false, previous output
    """

    probability: np.ndarray
    maps: np.ndarray
    correction: Correction | None


def correct(truth: np.ndarray, previous: np.ndarray, draws: Random, most: int | None = None, lengths: Lengths = PUBLISHED,
            as_published: bool = False) -> Correction:
    """Scribbles along the `most` longest missing lines, then along as many false ones; None: along all.

    truth, previous: [H, W], non-zero = boundary. Raises ValueError when the sizes differ or `most` is negative.
    """
    if most is not None and most < 0:
        raise ValueError(f"most is {most}: must be 0 or more")
    segments = find_segments(truth, previous, lengths, as_published)
    missing, false = (lines if most is None else lines[max(0, len(lines) - most):] for lines in segments)
    over_missing, over_false = ([scribble(line, draws, lengths.radius_px, as_published) for line in lines]
                                for lines in (missing, false))
    return _brushed(truth, missing, false, over_missing, over_false, lengths.radius_px)


def correct_at_first(rgb: np.ndarray, truth: np.ndarray, draws: Random, most: int = MOST_AT_FIRST,
                     lengths: Lengths = PUBLISHED, as_published: bool = False) -> Correction:
    """Scribbles before any output, for the first stage of training: some true lines are missing, some of Canny's are false.

    Args:
        rgb: [H, W, 3] in 0..255, red first.
        truth: [H, W], non-zero = boundary.
        most: the number of lines of either kind is drawn from 0..most; where there are fewer, all are taken.
    """
    count = draws.randint(0, most)
    grey = cv2.cvtColor(rgb.astype(np.float32), cv2.COLOR_RGB2GRAY).astype(np.uint8)
    missing = find_segments(truth, np.zeros_like(truth), lengths, as_published).missing
    missing = _some(missing, count, draws)
    over_missing = [scribble(line, draws, lengths.radius_px, as_published) for line in missing]
    false = _some(find_segments(truth, cv2.Canny(grey, *CANNY), lengths, as_published).false, count, draws)
    over_false = [scribble(line, draws, lengths.radius_px, as_published) for line in false]
    return _brushed(truth, missing, false, over_missing, over_false, lengths.radius_px)


def second_stage_maps(probabilities: Sequence[np.ndarray], truths: Sequence[np.ndarray], draws: Random,
                      most: int = MOST_LATER, binary: bool = False, lengths: Lengths = PUBLISHED,
                      as_published: bool = False) -> np.ndarray:
    """Channels 3-5 of a batch for the second stage of training, float32 [N, 3, H, W].

    probabilities: outputs of a first pass without strokes. The number of lines is drawn from 0..most once for the batch;
    with 0 the previous output stands alone.
    """
    count = draws.randint(0, most)
    maps = []
    for probability, truth in zip(probabilities, truths, strict=True):
        previous = previous_output(probability, binary)
        done = correct(truth, previous, draws, count, lengths, as_published)
        maps.append(np.stack([done.missing, done.false, previous]).astype(np.float32))
    return np.stack(maps)


def rounds(forward: Callable[[np.ndarray], np.ndarray], truth: np.ndarray, draws: Random, count: int = 1,
           most: int | None = None, add: bool = False, binary: bool = False, lengths: Lengths = PUBLISHED,
           as_published: bool = False) -> Iterator[Round]:
    """The first output, then `count` times strokes at its errors and the output that they give.

    Args:
        forward: maps float32 [3, H, W] -> probability [H, W].
        truth: [H, W], non-zero = boundary.
        most: strokes of either kind in a round; None: at every error.
        add: strokes stay for the rounds that follow. With `most=1` this is the paper's progressive variant.
        binary: of the previous output, see `previous_output`.
    """
    maps = np.zeros((3, *truth.shape), np.float32)
    probability, correction = forward(maps), None
    yield Round(probability, maps, correction)
    for _ in range(count):
        previous = previous_output(probability, binary)
        correction = correct(truth, previous, draws, most, lengths, as_published)
        drawn = np.stack([correction.missing, correction.false])
        if add:
            drawn |= maps[:2] > 0
        maps = np.concatenate([drawn.astype(np.float32), previous[None]])
        probability = forward(maps)
        yield Round(probability, maps, correction)


def average_work(corrections: Sequence[Correction]) -> tuple[float, float]:
    """avgFN and avgFP of the paper: means over pictures of the points followed per pixel with a true boundary, and per pixel
    without one; 0 where nothing was followed. Raises ValueError without any picture."""
    if not corrections:
        raise ValueError("no picture was corrected: there is no mean")
    missing = [done.missing_px / done.truth_px if done.missing_px else 0.0 for done in corrections]
    false = [done.false_px / done.other_px if done.false_px else 0.0 for done in corrections]
    return float(np.mean(missing)), float(np.mean(false))


def _some(lines: list[np.ndarray], count: int, draws: Random) -> list[np.ndarray]:
    return draws.sample(lines, count) if len(lines) >= count else lines


def _brushed(truth: np.ndarray, missing: list[np.ndarray], false: list[np.ndarray], over_missing: list[np.ndarray],
             over_false: list[np.ndarray], radius_px: int) -> Correction:
    truth_px = int(np.count_nonzero(truth))
    return Correction(brushed(over_missing, *truth.shape, radius_px), brushed(over_false, *truth.shape, radius_px),
                      sum(map(len, missing)), sum(map(len, false)), truth_px, truth.size - truth_px)
