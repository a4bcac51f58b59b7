# SPDX-License-Identifier: Apache-2.0
"""A torch data set of named items that are read from files one by one, and survives those that are corrupt."""
from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from torch.utils.data import Dataset

Item = TypeVar("Item")
LOG = logging.getLogger(__name__)


class PictureSet(Dataset, Generic[Item]):
    """Items in the order of their names.

    Indexing raises ValueError for an item that can't be read, which names the file. Iterating skips such items: each is
    logged, and stands with its reason in `skipped`.
    """

    def __init__(self, title: str, entries: Mapping[str, Any], read: Callable[[str, Any], Item]):
        """
        Args:
            title: what the set is called in messages.
            entries: name -> what `read` needs to find the item.
            read: (name, entry) -> item; raises ValueError or OSError when it can't.
        """
        self.title = title
        self.names = tuple(entries)
        self.skipped: dict[str, str] = {}
        self._entries = tuple(entries.values())
        self._read = read

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Item:
        name = self.names[index]
        try:
            return self._read(name, self._entries[index])
        except (ValueError, OSError) as error:
            raise ValueError(f"{self.title}, {name}: {error}") from error
        except KeyError as error:
            raise ValueError(f"{self.title}, {name}: the annotation has no {error}") from error

    def __iter__(self) -> Iterator[Item]:
        for index, name in enumerate(self.names):
            try:
                item = self[index]
            except ValueError as error:
                self.skipped[name] = str(error)
                LOG.warning("skipped: %s", error)
                continue
            yield item
