# SPDX-License-Identifier: Apache-2.0
"""Strokes: drawn, written and read back, and every unusable one refused by its number."""
import json
import math

import numpy as np
import pytest

from modot_ros.scene.strokes import MOST_POINTS, Stroke, disk, stroke_maps, strokes_from_json, strokes_to_json

LINE = [[10, 20], [40, 20]]


def test_a_stroke_is_a_line_of_disks_in_the_map_of_its_kind():
    missing, false = stroke_maps([Stroke("missing", LINE, 3), Stroke("false", [[5, 5], [5, 9.4], [8, 9]], 1)], 60, 40)
    v, u = np.mgrid[:40, :60]
    distance = np.hypot(v - 20, u - np.clip(u, 10, 40))
    np.testing.assert_array_equal(missing, distance <= 3)
    assert false[4:11, 4:10].sum() == false.sum() and false[[5, 9, 9], [5, 5, 8]].all() and not false[6, 8]


def test_strokes_of_a_kind_are_joined_and_the_brush_is_cut_at_the_border():
    missing, false = stroke_maps([Stroke("missing", [[0, 0], [1, 0]]), Stroke("missing", [[59, 39], [59, 38]])], 60, 40)
    assert missing[0, 0] and missing[39, 59] and missing[12, 0] and not missing[13, 0] and not false.any()
    assert missing.shape == (40, 60) and disk(12).sum() == 441


def test_what_is_written_is_read():
    strokes = [Stroke("missing", LINE), Stroke("false", [[0.5, 1.25], [59, 39]], 5)]
    read = strokes_from_json(strokes_to_json(strokes, 60, 40), 60, 40)
    assert [(s.kind, s.radius_px, s.points_px.tolist()) for s in read] == [
        ("missing", 12, [[10.0, 20.0], [40.0, 20.0]]), ("false", 5, [[0.5, 1.25], [59.0, 39.0]])]


@pytest.mark.parametrize("stroke, reason", [
    (Stroke("missing", [[3, 3]]), r"stroke 2 \(missing\): its length is 0 px"),
    (Stroke("false", [[3, 3]] * 5), r"stroke 2 \(false\): its length is 0 px"),
    (Stroke("false", [[3, 3], [3, 3.5]]), r"stroke 2 \(false\): its length is 0.5 px"),
    (Stroke("missing", [[3, 3], [60, 3]]), r"stroke 2 \(missing\): point 2 is \[60.0, 3.0\], outside the picture of 60x40"),
    (Stroke("missing", [[3, -1], [6, 3]]), "point 1 is .*outside"),
    (Stroke("missing", [[3, 3], [math.nan, 3]]), "point 2 is .*must be finite"),
    (Stroke("missing", [[3, math.inf], [3, 3]]), "point 1 is .*must be finite"),
    (Stroke("missing", [[3, 3], [4, 4]] * MOST_POINTS), f"it has {2 * MOST_POINTS} points: at most {MOST_POINTS}"),
    (Stroke("missing", []), "must be .K, 2., at least one"),
    (Stroke("missing", [[1, 2, 3]]), r"\[1, 3\]: must be \[K, 2\]"),
    (Stroke("missing", [[1, 2], [3]]), "no pairs of numbers"),
    (Stroke("missing", [["a", "b"]]), "no pairs of numbers"),
    (Stroke("wrong", LINE), "stroke 2: kind is 'wrong': choose one of missing, false"),
    (Stroke("missing", LINE, 0), "radius_px is 0: must be a whole number in 1..100"),
    (Stroke("missing", LINE, 2.5), "radius_px is 2.5"),
    (Stroke("missing", LINE, True), "radius_px is True"),
])
def test_an_unusable_stroke_is_named(stroke, reason):
    with pytest.raises(ValueError, match=reason):
        stroke_maps([Stroke("missing", LINE), stroke], 60, 40)


def content(**changes) -> str:
    return json.dumps({"width": 60, "height": 40, "strokes": [{"kind": "false", "points": LINE}], **changes})


@pytest.mark.parametrize("text, reason", [
    (content(width=61), "strokes of a picture of 61x40, this one is 60x40"),
    (content(height=None), "of 60xNone"),
    ("{", "no JSON"), (b"\xff\xfe{", "no JSON"), ("[]", "no strokes: must be"), ("{}", "no strokes"),
    (content(strokes={}), "no strokes"),
    (content(strokes=[3]), 'stroke 1: must have "kind" and "points"'),
    (content(strokes=[{"kind": "false"}]), "stroke 1: must have"),
    (content(strokes=[{"kind": "false", "points": LINE, "color": "red"}]), "stroke 1: must have"),
    (content(strokes=[{"kind": ["false"], "points": LINE}]), "stroke 1: kind is"),
    (content(strokes=[{"kind": "false", "points": {"a": 1}}]), "no pairs of numbers"),
    (content(strokes=[{"kind": "false", "points": [[1, 2], [math.nan, 3]]}]), "must be finite"),
])
def test_an_unusable_file_is_refused(text, reason):
    with pytest.raises(ValueError, match=reason):
        strokes_from_json(text, 60, 40)
