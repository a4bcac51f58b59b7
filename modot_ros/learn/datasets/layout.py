# SPDX-License-Identifier: Apache-2.0
"""Where a published data set comes from and how its folder must look; an error for a missing part names both."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """A data set that users download themselves."""

    title: str
    source: str                                         # what to download, and from whom
    tree: str                                           # the folder, one path a line

    def require(self, root: Path, *relative: str) -> None:
        """Raises FileNotFoundError unless `root` and every path below it are there."""
        missing = [path for path in (root, *(root / name for name in relative)) if not path.exists()]
        if missing:
            tree = "\n".join(f"    {line}" for line in self.tree.strip().splitlines())
            raise FileNotFoundError(f"{self.title}: {missing[0]} is missing.\n  Download {self.source}\n"
                                    f"  The folder {root} must look like this:\n{tree}")

    def names(self, root: Path, listing: str) -> list[str]:
        """Lines of the text file `listing` of `root`, without empty ones.

        Raises FileNotFoundError where it is missing, ValueError where it is empty.
        """
        self.require(root, listing)
        names = [line.strip() for line in (root / listing).read_text().splitlines() if line.strip()]
        if not names:
            raise ValueError(f"{self.title}: {root / listing} lists nothing")
        return names


def choose(kind: str, name: str, choices: Iterable[str]) -> str:
    """`name` itself. Raises ValueError naming the choices when it is none of them."""
    choices = tuple(choices)
    if name not in choices:
        raise ValueError(f"unknown {kind} {name!r}; choices: {', '.join(choices)}")
    return name
