# SPDX-License-Identifier: Apache-2.0
"""Every row of the papers' tables is quoted: by fixed counts, and digit by digit where the documents are at hand."""
import re
from pathlib import Path

import pytest

from modot_ros.learn.datasets import DATASETS, ORDER_DATASETS
from modot_ros.learn.evaluation.quoted import (
    BOUNDARY_COLUMNS,
    DEPTH_COLUMNS,
    TABLES,
    beside,
    dnmmsi,
    guided_attention,
    instaorder,
    markdown,
    modot,
    notes_of,
    rows_of,
)
from modot_ros.learn.evaluation.quoted.table import number

ROOT = Path(__file__).resolve().parents[4]
DOCUMENTS = ROOT.parent / "shared" / "specs" / "seeds"
# Rows of each document's tables of scores, in its order.
ROWS = {"000": (modot.TABLES, (10, 12, 4, 6, 7, 8)), "002": (dnmmsi.TABLES, (27, 8, 2, 9, 7, 7, 3, 4)),
        "003": (instaorder.TABLES[:2], (8, 3)), "004": (guided_attention.TABLES[:1], (6,))}
NUMBER = re.compile(r"\d+(,\d{3})*(\.\d+)?(\+\d+(\.\d+)?)?", re.ASCII)


def printed(cell: str) -> str:
    """A cell without what surrounds its number in the document."""
    cell = re.sub(r"</?b>|\$|\\overline|\\mathbf|[{} ]", "", cell)
    return cell if NUMBER.fullmatch(cell) else ""


def rows_of_document(path: Path) -> list[list[list[str]]]:
    """Tables of a document: rows with a number, each the numbers in it; a table ends at a line that is no row."""
    tables: list[list[list[str]]] = [[]]
    for line in path.read_text().splitlines():
        cells = line.strip().strip("|").split("|") if line.startswith("|") else line.split("\t")
        if len(cells) < 2:
            tables.append([])
            continue
        numbers = [cell for cell in map(printed, cells) if cell]
        if numbers:
            tables[-1].append(numbers)
    return [table for table in tables if table]


@pytest.mark.parametrize("document", ROWS)
def test_every_row_is_quoted(document):
    tables, counts = ROWS[document]
    assert tuple(len(table.rows) for table in tables) == counts


@pytest.mark.parametrize("document", ROWS)
def test_every_digit_is_that_of_the_document(document):
    if not DOCUMENTS.is_dir():
        pytest.skip("no folder ../shared/specs/seeds beside the checkout")
    path, = DOCUMENTS.glob(f"{document}_*.txt")
    found = rows_of_document(path)
    if document == "002":                               # its first table is of data sets: sizes and marks, no scores
        found = found[1:]
    tables, counts = ROWS[document]
    assert tuple(len(table) for table in found) == counts
    for table, rows in zip(tables, found):
        for (name, cells), numbers in zip(table.rows, rows):
            own = [cell for cell in cells if cell != "-"]
            assert numbers[-len(own):] == own, f"{table.title}: {name}"


def test_the_numbers_of_the_text_are_quoted():
    if not DOCUMENTS.is_dir():
        pytest.skip("no folder ../shared/specs/seeds beside the checkout")
    path, = DOCUMENTS.glob("004_*.txt")
    (_, cells), = guided_attention.TABLES[1].rows
    assert all(re.search(rf"= {re.escape(cell)}\b", path.read_text()) for cell in cells)


def test_rows_are_of_sets_that_can_be_opened():
    kinds = {kind for table in TABLES for kind in table.sets()} - {""}
    assert kinds <= {*DATASETS, *ORDER_DATASETS}


def test_scores_are_in_the_ranges_of_their_names():
    for table in TABLES:
        for kind, row, score, cell in table.values():
            value, share = number(cell), score in (*DEPTH_COLUMNS, "mae", "delta2", "delta3")
            assert 0 < value < (2 if share else 100) or score in ("correct", "wrong"), f"{kind}, {row}: {score} {value}"
            assert value < 1 or score not in ("delta1", "pixel_recall", "pixel_f1")


def test_the_first_of_two_numbers_counts_and_a_note_says_so():
    assert rows_of("ob_hypersim")["MoDOT (MoDOT, WACV 2026)"]["log10"] == 0.1223
    assert any("0.1235" in note and "0.1223" in note for note in notes_of("ob_hypersim"))
    seen, differing = {}, set()
    for table in TABLES:
        for kind, row, score, cell in table.values():
            if cell != seen.setdefault((table.source, kind, row, score), cell):
                differing.add((kind, row, score))
    assert differing == {("ob_hypersim", "MoDOT", "log10")}
    assert len(notes_of("ob_diode")) == len(set(notes_of("ob_diode")))


def test_our_row_stands_above_the_papers():
    lines = beside("ob_future", {"ours": {"rmse": 0.5}}, DEPTH_COLUMNS, 4)
    assert lines[2].startswith("| ours | 0.5000 | - |") and "| SharpNet (MoDOT, WACV 2026) | 0.9535 |" in "\n".join(lines)
    others = lines[lines.index("What else papers report on this set:"):]
    assert "| DNMMSI (DNMMSI, BMVC 2025) | 89.9 | 90.8 | 88.2 |" in others
    assert beside("shards", {"ours": {"ods": 50.0}}, BOUNDARY_COLUMNS, 1) == ["| | ods |", "| --- | ---: |", "| ours | 50.0 |"]


def test_the_page_shows_all_tables():
    assert f"<!-- papers -->\n{markdown()}\n<!-- /papers -->" in (ROOT / "docs" / "reference" / "papers.md").read_text()
