# SPDX-License-Identifier: Apache-2.0
"""Several threads at one engine that does nothing but count."""
import threading
import time

import numpy as np
import pytest

from modot_ros.engine import SharedEngine
from modot_ros.model import Maps

WAIT_S = 10.0


class Gate:
    """An engine whose maps are the pictures' own first values; it waits at each batch until it is let go."""

    def __init__(self):
        self.batches, self.facts = [], "facts"
        self.go = threading.Semaphore(0)

    def maps(self, pictures, depth=True, boundary=True, classes=False):
        self.batches.append([int(picture[0, 0, 0]) for picture in pictures])
        assert self.go.acquire(timeout=WAIT_S)
        if any(picture.shape[0] == 7 for picture in pictures):
            raise ValueError("7 rows")
        return [Maps(*(np.full(picture.shape[:2], picture[0, 0, 0], np.float32),) * 3) for picture in pictures]


@pytest.fixture
def gate():
    return Gate()


def picture(value, rows=4):
    return np.full((rows, 4, 3), value, np.uint8)


def asked(shared, pictures, found, **what):
    """A thread that asks, and has been put into the line."""
    def ask():
        try:
            found.append(shared.maps(pictures, **what))
        except ValueError as error:
            found.append(error)
    waiting = len(shared._line)
    thread = threading.Thread(target=ask)
    thread.start()
    end_s = time.monotonic() + WAIT_S
    while len(shared._line) == waiting and not (waiting == 0 and shared._busy) and time.monotonic() < end_s:
        time.sleep(0.001)
    return thread


def test_what_waits_is_the_next_batch_in_order_and_each_gets_its_own(gate):
    shared, found = SharedEngine(gate, most=3), [[] for _ in range(6)]
    threads = [asked(shared, [picture(0)], found[0])]
    while not gate.batches:
        time.sleep(0.001)
    threads += [asked(shared, [picture(k)], found[k]) for k in range(1, 6)]
    gate.go.release(3)
    for thread in threads:
        thread.join(WAIT_S)
    assert gate.batches == [[0], [1, 2, 3], [4, 5]]
    assert [int(one[0][0].depth[0, 0]) for one in found] == [0, 1, 2, 3, 4, 5]
    assert shared.batches == 3 and shared.pictures == 6 and shared.facts == "facts"


def test_each_gets_only_what_it_asked_for_and_its_own_error(gate):
    shared, found = SharedEngine(gate), [[], [], [], []]
    threads = [asked(shared, [picture(0)], found[0])]
    while not gate.batches:
        time.sleep(0.001)
    threads += [asked(shared, [picture(1)], found[1], boundary=False), asked(shared, [picture(2, rows=7)], found[2]),
                asked(shared, [picture(3), picture(4)], found[3], depth=False)]
    gate.go.release(5)                                  # one, the three together, and each of them by itself
    for thread in threads:
        thread.join(WAIT_S)
    assert gate.batches == [[0], [1, 2, 3, 4], [1], [2], [3, 4]]
    assert found[1][0][0].probability is None and found[1][0][0].depth[0, 0] == 1
    assert str(found[2][0]) == "7 rows"
    assert [int(maps.probability[0, 0]) for maps in found[3][0]] == [3, 4] and found[3][0][0].depth is None


def test_a_request_that_is_larger_than_a_batch_goes_alone(gate):
    gate.go.release()
    assert len(SharedEngine(gate, most=1).maps([picture(1), picture(2)])) == 2 and gate.batches == [[1, 2]]


def test_nobody_starves(gate):
    """Each thread asks again at once; none is served twice while another waits."""
    shared, served = SharedEngine(gate, most=2), [0] * 5
    stop = threading.Event()

    def camera(k):
        while not stop.is_set():
            shared.maps([picture(k)])
            served[k] += 1
    gate.go.release(100_000)
    threads = [threading.Thread(target=camera, args=(k,)) for k in range(5)]
    for thread in threads:
        thread.start()
    end_s = time.monotonic() + WAIT_S
    while min(served) < 200 and time.monotonic() < end_s:
        time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join(WAIT_S)
    assert min(served) >= 200


def test_whose_maps_are_there_does_not_wait_for_the_next_batch():
    """Cameras that ask again at once; a batch lasts until all pictures of the batches before it have been returned."""
    rounds, returned, blocked = 20, [], []

    class Engine:
        given = 0

        def maps(self, pictures, depth=True, boundary=True, classes=False):
            time.sleep(0.003)                           # until the others wait
            end_s = time.monotonic() + 1.0
            while len(returned) < self.given and not blocked:
                if time.monotonic() > end_s:
                    blocked.append(f"{self.given - len(returned)} of {self.given}")
                time.sleep(0.001)
            self.given += len(pictures)
            return [Maps(None, None, None)] * len(pictures)
    shared = SharedEngine(Engine(), most=8)

    def camera():
        for _ in range(rounds):
            shared.maps([picture(0)])
            returned.append(1)
    threads = [threading.Thread(target=camera) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert not blocked and len(returned) == 8 * rounds


def test_a_batch_has_at_least_one_picture(gate):
    with pytest.raises(ValueError, match="most is 0"):
        SharedEngine(gate, most=0)
