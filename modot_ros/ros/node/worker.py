# SPDX-License-Identifier: Apache-2.0
"""The thread that works: it takes the newest frame out of a mailbox with one slot per kind and never dies of one."""
from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from modot_ros.machine import free_gpu_memory, is_lost_device
from modot_ros.prediction import Unanswered
from modot_ros.ros.messages.convert import BadFrame
from modot_ros.ros.node.sync import Frame

Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """One slot per kind of item: whoever empties it gets the newest, older ones are dropped and counted.

    One writer, one reader, any threads. This is what keeps latency bounded when the reader is slow.
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


class Worker:
    """Runs from its making to `stop`.

    process  is called with a frame and this worker; it publishes nothing once the worker is `stopped`
    skip     is told the short reason and the error of a frame that could not be used
    lost     is told the error after which no later frame can succeed; the thread ends then
    after    an earlier worker that may still be at its last frame: the thread waits for its end first
    """

    def __init__(self, process: Callable[[Frame, Worker], None], skip: Callable[[str, Exception], None],
                 lost: Callable[[Exception], None], after: Worker | None = None) -> None:
        self._process, self._skip, self._lost = process, skip, lost
        self._mailbox: Mailbox[Frame] = Mailbox()
        self.stopped = False
        self._thread = threading.Thread(target=self._run, args=(after,), name="modot worker")
        self._thread.start()

    def put(self, frame: Frame, kind: str) -> bool:
        """Leave a frame; True when it replaced one of its kind that had not been taken."""
        return self._mailbox.put(frame, kind)

    def stop(self, timeout_s: float | None = None) -> bool:
        """No frame is taken any more; whether the one that is worked on was done in time. None waits for it."""
        self.stopped = True
        self._mailbox.close()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self, after: Any) -> None:
        if after is not None:
            after.stop()
        while (frame := self._mailbox.take()) is not None:
            try:
                self._process(frame, self)
            except (BadFrame, Unanswered) as error:
                self._skip(error.reason, error)
            except ValueError as error:                 # the predictor's word for input that it can't use
                self._skip("rejected", error)
            except Exception as error:                  # the node never dies of one frame
                if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
                    self._skip("memory", error)
                    del error                           # its traceback holds the frame's tensors
                    free_gpu_memory()
                elif is_lost_device(error):
                    self._lost(error)
                    return
                elif not self.stopped:                  # its publishers may be gone
                    self._skip("internal", error)
