# SPDX-License-Identifier: Apache-2.0
"""Missing and false lines: as the official code finds them, and on maps drawn by hand."""
import numpy as np
import pytest

from modot_ros.learn.interaction.segments import Lengths, error_map, find_segments, traced


def empty(height=40, width=60):
    return np.zeros((height, width), np.uint8)


def equal(found, expected) -> bool:
    return len(found) == len(expected) and all(np.array_equal(a, b) for a, b in zip(found, expected))


def test_errors_and_lines_are_those_of_the_official_code(interaction_golden):
    stored = interaction_golden.arrays("segments")
    cases = [name.removesuffix("/gt") for name in stored.files if name.endswith("/gt")]
    assert len(cases) == 25
    for case in cases:
        truth, found = stored[f"{case}/gt"], stored[f"{case}/pred"]
        state = error_map(truth, found, as_published=True)
        np.testing.assert_array_equal(state, stored[f"{case}/map"], err_msg=case)
        fewest = 1 if case.startswith("pattern") else 30
        for kind, lines in zip(("fn", "fp"), find_segments(truth, found, Lengths(fewest_points=fewest), as_published=True)):
            assert equal(lines, interaction_golden.segments(stored, f"{case}/{kind}")), (case, kind)
        if f"{case}_min5_raster/fn_lengths" in stored:
            for kind, lines in zip(("fn", "fp"), traced(state, Lengths(fewest_points=5))):
                assert equal(lines, interaction_golden.segments(stored, f"{case}_min5_raster/{kind}")), (case, kind)


@pytest.mark.parametrize("distance, wrong", [(4, 0), (5, 1)])
def test_a_line_matches_up_to_four_pixels_away(distance, wrong):
    truth, found = empty(), empty()
    truth[10, 10:50] = found[10 + distance, 10:50] = 1
    state = error_map(truth, found)
    assert {*np.unique(state).tolist()} == ({-1, 0, 1} if wrong else {0})
    assert [len(lines) for lines in find_segments(truth, found)] == [wrong, wrong]


def test_the_first_rows_have_errors_but_not_in_the_official_code():
    truth = empty()
    truth[2, 10:50] = 1
    assert error_map(truth, empty()).sum() == 40 and error_map(truth, empty(), as_published=True).sum() == 0


def test_a_long_line_is_cut_after_100_points_and_short_ones_are_left_out():
    truth = empty(40, 160)
    truth[10, 10:150] = truth[30, 10:39] = 1                # 140 points, and 29
    missing, false = find_segments(truth, empty(40, 160))
    assert [len(line) for line in missing] == [40, 100] and not false
    assert missing[1][0].tolist() == [10, 10] and missing[1][-1].tolist() == [10, 109]


def test_sizes_must_agree():
    with pytest.raises(ValueError, match=r"\[40, 60\].*\[40, 61\]"):
        error_map(empty(), empty(40, 61))


@pytest.mark.parametrize("size, lengths", [((256, 192), Lengths(2, 12, 40, 5)), ((640, 480), Lengths()),
                                           ((1920, 1080), Lengths()), ((8, 8), Lengths(1, 1, 1, 1))])
def test_lengths_shrink_with_the_side_of_small_pictures(size, lengths):
    assert Lengths.scaled(*size) == lengths


def test_short_lines_of_small_pictures_are_found():
    truth = np.zeros((192, 256), bool)
    truth[90, 50:70] = True
    assert not find_segments(truth, np.zeros_like(truth)).missing
    assert [len(line) for line in find_segments(truth, np.zeros_like(truth), Lengths.scaled(256, 192)).missing] == [20]
    nearby = np.roll(truth, 3, axis=0)
    assert not find_segments(truth, nearby).missing and find_segments(truth, nearby, Lengths.scaled(256, 192)).missing
