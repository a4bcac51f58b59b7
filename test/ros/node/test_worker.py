# SPDX-License-Identifier: Apache-2.0
"""The worker takes the newest frames, outlives bad ones and ends when it is told to."""
import threading

import pytest

from modot_ros.ros.messages.convert import BadFrame
from modot_ros.ros.node.worker import Mailbox, Worker


class Place:
    """Where a worker works, and what it reports."""

    def __init__(self) -> None:
        self.done, self.skipped, self.lost = [], [], []
        self.free = threading.Event()
        self.free.set()
        self.begun, self.has_done = threading.Event(), threading.Event()

    def process(self, frame, worker) -> None:
        self.begun.set()
        assert self.free.wait(10)
        if isinstance(frame, Exception):
            raise frame
        if not worker.stopped:
            self.done.append(frame)
            self.has_done.set()

    def worker(self, after=None) -> Worker:
        return Worker(self.process, lambda reason, error: self.skipped.append(reason), self.lost.append, after)


@pytest.mark.parametrize("error, reason", [(BadFrame("size", "no pixels"), "size"), (ValueError("no"), "rejected"),
                                           (MemoryError(), "memory"), (KeyError("oops"), "internal")])
def test_a_frame_that_fails_is_skipped_with_its_reason_and_the_next_is_processed(error, reason):
    place = Place()
    worker = place.worker()
    worker.put(error, "frames")
    worker.put("good", "labels")
    assert place.has_done.wait(10)
    assert worker.stop(10) and place.skipped == [reason] and place.done == ["good"]


def test_a_lost_gpu_is_the_last_that_a_worker_says():
    place = Place()
    worker = place.worker()
    worker.put(RuntimeError("CUDA error: unspecified launch failure"), "frames")
    worker.put("never", "labels")
    assert place.begun.wait(10) and worker.stop(10)
    assert len(place.lost) == 1 and not place.done and not place.skipped


def test_a_slow_frame_holds_no_stop_up_and_comes_to_nothing():
    place = Place()
    place.free.clear()
    slow = place.worker()
    slow.put("slow", "frames")
    assert place.begun.wait(10) and not slow.stop(0.01)
    quick = place.worker(after=slow)                    # waits: a predictor serves one thread
    quick.put("next", "frames")
    assert not place.done
    place.free.set()
    assert place.has_done.wait(10)
    assert place.done == ["next"] and quick.stop(10) and slow.stop(10)


def test_the_newest_item_wins_and_the_others_are_counted():
    mailbox = Mailbox()
    assert [mailbox.put(item) for item in "abc"] == [False, True, True]
    assert mailbox.take() == "c"
    assert mailbox.dropped == 2
    assert mailbox.put("d") is False


def test_every_kind_has_a_slot_of_its_own_and_none_waits_for_ever():
    mailbox = Mailbox()
    mailbox.put("frame 1", "frames")
    assert mailbox.put("labels 1", "labels") is False
    assert mailbox.put("frame 2", "frames") is True
    assert mailbox.take() == "frame 2"
    mailbox.put("frame 3", "frames")
    assert [mailbox.take(), mailbox.take()] == ["labels 1", "frame 3"]


def test_take_waits_for_an_item():
    mailbox, taken = Mailbox(), []
    reader = threading.Thread(target=lambda: taken.append(mailbox.take()))
    reader.start()
    mailbox.put("a")
    reader.join(timeout=10)
    assert taken == ["a"]


def test_take_gives_none_after_its_timeout():
    assert Mailbox().take(timeout_s=0.01) is None


def test_close_lets_the_reader_go_and_forgets_the_item():
    mailbox, taken = Mailbox(), []
    reader = threading.Thread(target=lambda: taken.append(mailbox.take()))
    reader.start()
    mailbox.close()
    reader.join(timeout=10)
    assert taken == [None]
    assert mailbox.put("late") is False
    assert mailbox.take() is None
