# SPDX-License-Identifier: Apache-2.0
"""What papers report on the sets that they scored on, to stand beside ours: every row of their tables, as printed."""
from __future__ import annotations

import math

from modot_ros.learn.evaluation.quoted import dnmmsi, guided_attention, instaorder, modot
from modot_ros.learn.evaluation.quoted.table import QuotedTable, number

TABLES: tuple[QuotedTable, ...] = modot.TABLES + dnmmsi.TABLES + instaorder.TABLES + guided_attention.TABLES

# Scores of our own tables beside which the rows stand; whatever else the rows have follows in a table of its own.
DEPTH_COLUMNS = ("rmse", "rmse_log", "abs_rel", "sq_rel", "log10", "delta1", "pixel_recall", "pixel_f1")
BOUNDARY_COLUMNS = ("ods", "ois", "ap", "avg_fn_1e2", "avg_fp_1e4", "avg_fp_1e3")
ORDER_COLUMNS = ("occlusion_recall", "occlusion_precision", "occlusion_f1", "whdr_distinct", "whdr_overlap", "whdr_all")

__all__ = ["BOUNDARY_COLUMNS", "DEPTH_COLUMNS", "ORDER_COLUMNS", "TABLES", "QuotedTable", "beside",
           "markdown", "notes_of", "rows_of"]


def rows_of(kind: str) -> dict[str, dict[str, float]]:
    """Row with its source -> score -> number, of all tables on the set `kind`. Where two tables of a paper differ, the first
    counts; its notes say so."""
    return {row: {score: number(cell) for score, cell in cells.items()} for row, cells in _printed(kind).items()}


def _printed(kind: str) -> dict[str, dict[str, str]]:
    """As `rows_of`, as printed."""
    found: dict[str, dict[str, str]] = {}
    for table in TABLES:
        for where, row, score, cell in table.values():
            if where == kind:
                found.setdefault(f"{row} ({table.source})", {}).setdefault(score, cell)
    return found


def notes_of(kind: str) -> list[str]:
    """Footnotes of all tables on the set `kind`, each once."""
    return list(dict.fromkeys(f"{table.title}: {note}" for table in TABLES if kind in table.sets() for note in table.notes))


def markdown() -> str:
    """All tables, for the documentation."""
    return "\n".join(line for table in TABLES for line in ("", *table.markdown())).rstrip("\n")


def beside(kind: str, ours: dict[str, dict[str, float]], columns: tuple[str, ...], digits: int) -> list[str]:
    """Markdown: our rows, with so many digits, above those that papers print of the set `kind`, then the papers' other scores
    there and footnotes."""
    quoted = _printed(kind)
    rows = {name: {key: "-" if math.isnan(value) else f"{value:.{digits}f}" for key, value in row.items()}
            for name, row in ours.items()}
    used = tuple(key for key in columns if any(key in row for row in (*rows.values(), *quoted.values())))
    others = tuple(dict.fromkeys(key for row in quoted.values() for key in row if key not in columns))
    lines = _table(rows | quoted, used)
    if others:
        lines += ["", "What else papers report on this set:", "", *_table(quoted, others)]
    return [*lines, *([""] if notes_of(kind) else []), *(f"- {note}" for note in notes_of(kind))]


def _table(rows: dict[str, dict[str, str]], columns: tuple[str, ...]) -> list[str]:
    """Rows that have one of the columns."""
    return [f"| | {' | '.join(columns)} |", f"| --- |{' ---: |' * len(columns)}",
            *(f"| {name} | {' | '.join(row.get(key, '-') for key in columns)} |"
              for name, row in rows.items() if any(key in row for key in columns))]
