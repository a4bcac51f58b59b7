# SPDX-License-Identifier: Apache-2.0
"""A table as a paper prints it, and what it says about the sets that we score on."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class QuotedTable:
    """Rows in the order of the paper; numbers as they are printed.

    A column is "SCORE" or "SET.SCORE", SCORE by the names of our own tables; "SCORE@(0.05, 0.15)" is for boundaries taken from
    the depth by Canny's edges at these thresholds. A row without a set of its own (`kinds`) belongs to that of the column or,
    where this has none either, to `kind`.
    """

    source: str                                         # paper, as rows name it
    title: str                                          # number and caption
    kind: str                                           # one of `learn.datasets`, or "" where rows or columns have their own
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]       # name, cells; "-" is not reported
    kinds: tuple[str, ...] = ()                         # sets of the rows
    notes: tuple[str, ...] = ()                         # where the paper contradicts itself or the authors' code

    def values(self) -> Iterable[tuple[str, str, str, str]]:
        """(set, row, score, what is printed) of every cell that is reported."""
        for k, (name, cells) in enumerate(self.rows):
            for column, cell in zip(self.columns, cells):
                before, point, score = column.partition(".") if "@" not in column else ("", "", column)
                score, at, thresholds = (score if point else column).partition("@")
                row = f"{name} depth + Canny {thresholds}" if at else name
                if cell != "-":
                    yield (before if point else self.kinds[k] if self.kinds else self.kind), row, score, cell

    def sets(self) -> set[str]:
        """Sets that the table has numbers of."""
        return {kind for kind, *_ in self.values()}

    def markdown(self) -> list[str]:
        """Lines of the table with its title and footnotes."""
        heads = [*(["set"] if self.kinds else []), *self.columns]
        lines = [f"**{self.source}, {self.title}**" + (f" ({self.kind})" if self.kind else ""), "",
                 f"| | {' | '.join(heads)} |", f"| --- |{' ---: |' * len(heads)}"]
        for k, (name, cells) in enumerate(self.rows):
            lines.append(f"| {' | '.join((name, *self.kinds[k:k + 1], *cells))} |")
        return [*lines, "", *(line for note in self.notes for line in (f"- {note}", ""))]


def number(cell: str) -> float:
    """A printed cell: thousands may be parted by commas, minutes of two looks added."""
    return sum(float(part.replace(",", "")) for part in cell.split("+"))


def quoted(source: str, title: str, kind: str, columns: str, text: str, notes: Iterable[str] = ()) -> QuotedTable:
    """A table of lines "name | cells" or "name | set | cells"; cells and columns are parted by blanks, of which columns may
    have one after a comma. Raises ValueError for a row of another length."""
    heads = tuple(head.replace(",", ", ") for head in columns.replace(", ", ",").split())
    rows, kinds = [], []
    for line in text.strip().splitlines():
        name, *between, cells = (part.strip() for part in line.split(" | "))
        rows.append((name, tuple(cells.split())))
        kinds += between
        if len(rows[-1][1]) != len(heads) or len(kinds) not in (0, len(rows)):
            raise ValueError(f"{source}, {title}: row {line!r} does not fit {len(heads)} columns")
    return QuotedTable(source, title, kind, heads, tuple(rows), tuple(kinds), tuple(notes))
