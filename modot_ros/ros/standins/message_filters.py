# SPDX-License-Identifier: Apache-2.0
"""Stand-in for what is used of the distribution's `message_filters`: same names, same choice of sets.

A filter hands what it receives to its callbacks. A synchroniser keeps `queue_size` messages of each input, those of the newest
stamps, and signals one message of each when their stamps are equal.
"""
from __future__ import annotations

from rclpy.time import Time


class SimpleFilter:
    """Something that signals messages to the callbacks registered with it."""

    def __init__(self):
        self.callbacks = {}

    def registerCallback(self, cb, *args) -> int:
        """Has `cb(*messages, *args)` called for every output; returns the callback's number."""
        number = len(self.callbacks)
        self.callbacks[number] = (cb, args)
        return number

    def signalMessage(self, *messages):
        for cb, args in self.callbacks.values():
            cb(*messages, *args)


class TimeSynchronizer(SimpleFilter):
    """Signals one message of each of the filters `fs` when their stamps are equal."""

    def __init__(self, fs, queue_size: int):
        super().__init__()
        self.queue_size = queue_size
        self.queues = [{} for _ in fs]                  # per input: nanoseconds of the stamp -> message
        self.input_connections = [f.registerCallback(self.add, queue) for f, queue in zip(fs, self.queues)]

    def add(self, msg, my_queue: dict):
        """Takes a message of one input, and signals the set that it completes."""
        stamp_ns = Time.from_msg(msg.header.stamp).nanoseconds
        my_queue[stamp_ns] = msg
        while len(my_queue) > self.queue_size:
            del my_queue[min(my_queue)]
        if all(stamp_ns in queue for queue in self.queues):
            self.signalMessage(*(queue.pop(stamp_ns) for queue in self.queues))
