# SPDX-License-Identifier: Apache-2.0
"""Stand-in for the distribution's `message_filters`: same names, same choice of sets.

A filter hands what it receives to its callbacks. A synchroniser keeps the newest `queue_size` messages of each input
by stamp and signals one message of each when their stamps fit.
"""
from __future__ import annotations

import itertools
import threading

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


class Subscriber(SimpleFilter):
    """A subscription as a filter: `Subscriber(node, type, topic, **as for create_subscription)`, depth 10."""

    def __init__(self, node, msg_type, topic, **options):
        super().__init__()
        self.node, self.topic = node, topic
        options.setdefault("qos_profile", 10)
        self.sub = node.create_subscription(msg_type, topic, self.signalMessage, **options)

    def getTopic(self) -> str:
        return self.topic


class TimeSynchronizer(SimpleFilter):
    """Signals one message of each of the filters `fs` when their stamps are equal."""

    def __init__(self, fs, queue_size: int):
        super().__init__()
        self.queue_size = queue_size
        self.lock = threading.Lock()
        self.queues = [{} for _ in fs]                  # per input: nanoseconds of the stamp -> message
        self.input_connections = [f.registerCallback(self.add, queue, index)
                                  for index, (f, queue) in enumerate(zip(fs, self.queues))]

    def add(self, msg, my_queue: dict, my_queue_index: int):
        """Takes a message of one input, and signals the set that it completes."""
        with self.lock:
            stamp_ns = Time.from_msg(msg.header.stamp).nanoseconds
            my_queue[stamp_ns] = msg
            while len(my_queue) > self.queue_size:
                del my_queue[min(my_queue)]
            stamps = self.match(stamp_ns, my_queue_index)
            # Stamp trimmed already: it was older than all that the full queue holds.
            if stamps and all(s in queue for s, queue in zip(stamps, self.queues)):
                self.signalMessage(*(queue.pop(s) for s, queue in zip(stamps, self.queues)))

    def match(self, stamp_ns: int, index: int) -> tuple[int, ...] | None:
        """Stamps, one per input, of the set that the new message completes; None when it completes none."""
        return (stamp_ns,) * len(self.queues) if all(stamp_ns in queue for queue in self.queues) else None


class ApproximateTimeSynchronizer(TimeSynchronizer):
    """Signals one message of each of the filters `fs` when their stamps lie less than `slop` seconds apart.

    Sets with the new message are tried by nearness to it, the last input's alternatives first.
    """

    def __init__(self, fs, queue_size: int, slop: float):
        super().__init__(fs, queue_size)
        self.slop_ns = round(slop * 1e9)

    def match(self, stamp_ns: int, index: int) -> tuple[int, ...] | None:
        candidates = [[stamp_ns] if i == index else sorted(queue, key=lambda s: abs(s - stamp_ns))
                      for i, queue in enumerate(self.queues)]
        candidates = [[s for s in stamps if abs(s - stamp_ns) <= self.slop_ns] for stamps in candidates]
        return next((stamps for stamps in itertools.product(*candidates)
                     if max(stamps) - min(stamps) < self.slop_ns), None)
