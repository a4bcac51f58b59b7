# SPDX-License-Identifier: Apache-2.0
"""A quoted table: its cells as numbers by set and score."""
import pytest

from modot_ros.learn.evaluation.quoted.table import number, quoted


def test_cells_belong_to_the_set_of_row_column_or_table():
    plain = quoted("paper", "T", "ibims", "rmse diw.whdr", "net | 0.50 12.3\nother | - 1")
    assert list(plain.values()) == [("ibims", "net", "rmse", "0.50"), ("diw", "net", "whdr", "12.3"),
                                    ("diw", "other", "whdr", "1")]
    rows = quoted("paper", "T", "", "ods pixel_f1@(0.05, 0.15)", "net | piod | 78.6 0.2")
    assert list(rows.values()) == [("piod", "net", "ods", "78.6"), ("piod", "net depth + Canny (0.05, 0.15)", "pixel_f1", "0.2")]
    assert plain.sets() == {"ibims", "diw"} and rows.kinds == ("piod",)


def test_the_page_shows_cells_as_they_are_printed():
    table = quoted("paper", "T", "", "minutes ods", "net | piod | 5+1 78.60", ("but the text says 78.5",))
    assert table.markdown() == ["**paper, T**", "", "| | set | minutes | ods |", "| --- | ---: | ---: | ---: |",
                                "| net | piod | 5+1 | 78.60 |", "", "- but the text says 78.5", ""]
    assert number("65,270") == 65270 and number("6+1.5") == 7.5


@pytest.mark.parametrize("text", ["net | 1", "net | 1 2 3", "net | piod | 1 2\nother | 1 2"])
def test_a_row_of_another_length_is_named(text):
    with pytest.raises(ValueError, match="paper, T: row '(net|other).*does not fit 2 columns"):
        quoted("paper", "T", "", "ods ois", text)
