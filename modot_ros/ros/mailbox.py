# SPDX-License-Identifier: Apache-2.0
"""A mailbox with one slot: whoever empties it gets the newest item, older ones are dropped and counted."""
from __future__ import annotations

import threading
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """One writer, one reader, any threads. This is what keeps latency bounded when the reader is slow."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: Item | None = None
        self._closed = False
        self.dropped = 0                                # items that were replaced before anybody took them

    def put(self, item: Item) -> bool:
        """Leave the item; True when it replaced one that nobody had taken. A closed mailbox takes nothing."""
        with self._changed:
            if self._closed:
                return False
            replaced = self._item is not None
            self.dropped += replaced
            self._item = item
            self._changed.notify()
            return replaced

    def take(self, timeout_s: float | None = None) -> Item | None:
        """Wait for an item and empty the slot. None once the mailbox is closed, or after `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._item is not None, timeout_s)
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Forget what lies in the slot and let the reader go."""
        with self._changed:
            self._closed, self._item = True, None
            self._changed.notify_all()
