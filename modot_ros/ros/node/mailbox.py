# SPDX-License-Identifier: Apache-2.0
"""A mailbox with one slot per kind of item: whoever empties it gets the newest, older ones are dropped and counted."""
from __future__ import annotations

import threading
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """One writer, one reader, any threads. This is what keeps latency bounded when the reader is slow.

    Slots are emptied in the order in which they were filled, so that no kind waits for ever.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._items: dict[str, Item] = {}               # by kind, in the order of filling
        self._closed = False
        self.dropped = 0                                # items that were replaced before anybody took them

    def put(self, item: Item, kind: str = "") -> bool:
        """Leave the item; True when it replaced one that nobody had taken. A closed mailbox takes nothing."""
        with self._changed:
            if self._closed:
                return False
            replaced = kind in self._items
            self.dropped += replaced
            self._items[kind] = item
            self._changed.notify()
            return replaced

    def take(self, timeout_s: float | None = None) -> Item | None:
        """Wait for an item and empty its slot. None once the mailbox is closed, or after `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._items, timeout_s)
            return self._items.pop(next(iter(self._items))) if self._items else None

    def close(self) -> None:
        """Forget what lies in the slots and let the reader go."""
        with self._changed:
            self._closed, self._items = True, {}
            self._changed.notify_all()
