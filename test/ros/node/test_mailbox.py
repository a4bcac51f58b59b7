# SPDX-License-Identifier: Apache-2.0
import threading

from modot_ros.ros.node.mailbox import Mailbox


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
