# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from modot_ros.ros.demo.verdict import Verdict

CAME = {"depth": 1, "boundary": 1}


def frame(**changes):
    """A valid 2x3 frame."""
    values = dict(depth=np.array([[1, 2, np.nan], [np.inf, -np.inf, 4]], np.float32),
                  boundary=np.array([[0, 255, 0], [0, 255, 0]], np.uint8),
                  labels=np.array([[0, 1, 1], [2, 2, 0]], np.uint16), graph_ids={1, 2})
    return values | changes


def problems(*frames, came=CAME) -> str:
    verdict = Verdict()
    for values in frames:
        verdict.check(**values)
    return "; ".join(verdict.problems(came))


def test_valid_frames_have_no_problem():
    assert problems(frame(), frame(graph_ids=set())) == ""


def test_outputs_that_never_came_are_named():
    assert problems(frame(), came={"depth": 3, "order graph": 0}) == "no order graph came"
    assert problems(came=CAME) == "no frame came with all of its outputs"


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_depth_must_be_positive(value):
    bad = frame()
    bad["depth"][0, 0] = value
    assert problems(frame(), bad) == "depth has values that are not positive (1 of 2 frames)"


def test_most_of_the_depth_must_be_known():
    bad = frame(depth=np.full((2, 3), np.nan, np.float32))
    assert problems(bad) == "only 0% of the pixels have a depth (median), expected 50%"
    assert problems(frame(), frame(), bad) == ""


def test_boundary_must_be_there_and_binary():
    empty = frame(boundary=np.zeros((2, 3), np.uint8))
    assert problems(empty) == "only 0% of the frames have a boundary, expected 50%"
    assert "other than 0 and 255" in problems(frame(boundary=np.ones((2, 3), np.uint8)))


def test_graph_must_speak_of_its_labels():
    assert "ids that are not in its label image" in problems(frame(graph_ids={1, 7}))
    assert "background" in problems(frame(graph_ids={0, 1}))


def test_sizes_must_agree():
    said = problems(frame(labels=np.zeros((1, 1)), graph_ids=set()))
    assert "sizes differ: depth (2, 3), boundary (2, 3), labels (1, 1)" in said
