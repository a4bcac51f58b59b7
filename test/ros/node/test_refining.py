# SPDX-License-Identifier: Apache-2.0
"""Strokes over a real service call: what is answered, and what is refused with the reason."""
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from modot_ros.msg import Scribble
from modot_ros.ros.node import refining
from modot_ros.scene.strokes import stroke_maps
from modot_ros.srv import RefineBoundaries


class FakeRefiner:
    """A boundary along the left column; missing strokes become boundaries."""

    boundary_threshold = 0.5

    def refine(self, rgb, strokes=(), previous=None):
        probability = np.zeros(rgb.shape[:2])
        probability[:, 0] = 0.6
        probability[stroke_maps(strokes, rgb.shape[1], rgb.shape[0])[0]] = 0.9
        return SimpleNamespace(boundary_probability=probability, boundary_mask=probability >= self.boundary_threshold)


@pytest.fixture(autouse=True)
def refiner(monkeypatch):
    monkeypatch.setattr(refining, "make_refiner", lambda parameters: FakeRefiner())


def scribble(kind="missing", u=(10.0, 20.0), v=(8.0, 8.0), radius=2) -> Scribble:
    return Scribble(kind=kind, u_px=list(u), v_px=list(v), radius_px=radius)


def call(rig, stamp=None, image=None, scribbles=(), threshold=0.0):
    client = rig.peer.create_client(RefineBoundaries, "/modot_node/refine_boundaries")
    rig.until(client.service_is_ready)
    request = RefineBoundaries.Request(scribbles=list(scribbles), threshold=threshold)
    if stamp is not None:
        request.stamp.sec = stamp
    if image is not None:
        request.image = image
    future = client.call_async(request)
    rig.until(future.done)
    return future.result()


def test_strokes_on_a_picture_that_the_node_has_received(running, make_image):
    rig = running()
    heard = rig.listen("~/depth/image")
    rig.send("image", make_image(stamp=7.0))
    rig.until(lambda: heard)
    found = call(rig, 7, scribbles=[scribble()])
    assert found.success and found.reason == ""
    assert (found.probability.encoding, found.mask.encoding) == ("32FC1", "mono8")
    assert found.probability.header.stamp.sec == 7 and found.probability.header.frame_id == "camera"
    mask = np.frombuffer(found.mask.data, np.uint8).reshape(24, 32)
    assert set(np.unique(mask)) == {0, 255} and mask[8, 10:21].all() and not mask[8, 0]        # 0.6 is below 0.7
    assert found.changed_px == np.count_nonzero(mask)
    lower = call(rig, 7, threshold=0.5)
    assert lower.success and lower.changed_px == 0 and np.frombuffer(lower.mask.data, np.uint8).reshape(24, 32)[:, 0].all()


def test_strokes_on_a_picture_that_comes_with_them(running, make_image):
    rig = running()
    found = call(rig, image=make_image(stamp=3.0), scribbles=[scribble(radius=0)])
    assert found.success and found.probability.width == 32 and found.changed_px > 200          # a brush of 12


def test_frames_go_on_while_a_call_is_worked_on(running, make_image, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    class SlowRefiner(FakeRefiner):
        def refine(self, rgb, strokes=(), previous=None):
            begun.set()
            assert go_on.wait(30)
            return super().refine(rgb, strokes, previous)

    monkeypatch.setattr(refining, "make_refiner", lambda parameters: SlowRefiner())
    rig = running()
    heard = rig.listen("~/depth/image")
    client = rig.peer.create_client(RefineBoundaries, "/modot_node/refine_boundaries")
    rig.until(client.service_is_ready)
    try:
        future = client.call_async(RefineBoundaries.Request(image=make_image(stamp=3.0)))
        rig.until(begun.is_set)
        for number in range(3):
            rig.send("image", make_image(stamp=7.0 + number))
            rig.until(lambda: len(heard) == number + 1)
        assert not future.done()
    finally:
        go_on.set()
    rig.until(future.done)
    assert future.result().success and future.result().mask.header.stamp.sec == 3


def test_a_node_that_is_destroyed_while_a_call_is_worked_on_does_not_wait_for_its_end(running, make_image, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()

    def slow(parameters):
        begun.set()
        assert go_on.wait(30)
        return FakeRefiner()

    monkeypatch.setattr(refining, "make_refiner", slow)
    rig = running()
    client = rig.peer.create_client(RefineBoundaries, "/modot_node/refine_boundaries")
    rig.until(client.service_is_ready)
    client.call_async(RefineBoundaries.Request(image=make_image()))
    rig.until(begun.is_set)
    rig.node.destroy_node()
    thread = rig.node._refining_thread._thread
    assert thread.is_alive()
    go_on.set()
    thread.join(30)
    assert not thread.is_alive() and rig.node._refining._refiner is None


def test_what_can_not_be_answered_is_refused_with_the_reason(running, make_image):
    rig = running()
    assert "no picture of stamp 9.000000000 is kept: none has come" in call(rig, 9).reason
    heard = rig.listen("~/depth/image")
    rig.send("image", make_image(stamp=7.0))
    rig.until(lambda: heard)
    refused = call(rig, 9)
    assert not refused.success and "there are 1 of 7.000000000 to 7.000000000" in refused.reason
    for scribbles, said in (([scribble(u=(10, 500))], "point 2 is [500.0, 8.0], outside the picture of 32x24"),
                            ([scribble(), scribble(u=(1, 2, 3))], "scribble 2: 3 u_px and 2 v_px"),
                            ([scribble("wrong")], "wrong"), ([scribble(u=(float("nan"), 1))], "must be finite")):
        found = call(rig, 7, scribbles=scribbles)
        assert not found.success and said in found.reason and not found.mask.data
    assert "threshold is 2.0" in call(rig, 7, threshold=2.0).reason
    bad = make_image(encoding="lab16")
    assert "encoding 'lab16' is not supported" in call(rig, image=bad).reason
    rig.node.trigger_deactivate()
    assert call(rig, 7).reason == "the node is inactive: activate it first"


def test_the_oldest_pictures_are_forgotten(make_image):
    kept = refining.Refining(lambda: None, lambda: "")
    for stamp in range(refining.MOST_KEPT + 5):
        kept.keep(make_image(stamp=float(stamp)))
    answer = kept.answer(RefineBoundaries.Request(), RefineBoundaries.Response())
    assert "there are 30 of 5.000000000 to 34.000000000" in answer.reason
    kept.keep(make_image(stamp=34.0))                   # the same again is one
    assert "there are 30 of" in kept.answer(RefineBoundaries.Request(), RefineBoundaries.Response()).reason
    kept.forget()
    assert "none has come" in kept.answer(RefineBoundaries.Request(), RefineBoundaries.Response()).reason


def test_large_pictures_are_few(make_image, monkeypatch):
    """Thirty of a 4K camera would be 750 MB in every node, asked or not."""
    picture = make_image()
    monkeypatch.setattr(refining, "MOST_KEPT_BYTES", 3 * len(picture.data) + 1)
    kept = refining.Refining(lambda: None, lambda: "")
    for stamp in range(10):
        kept.keep(make_image(stamp=float(stamp)))
    assert "there are 3 of 7.0" in kept.answer(RefineBoundaries.Request(), RefineBoundaries.Response()).reason
    monkeypatch.setattr(refining, "MOST_KEPT_BYTES", 1)
    kept.keep(make_image(stamp=10.0))
    assert "there are 1 of 10.0" in kept.answer(RefineBoundaries.Request(), RefineBoundaries.Response()).reason


def test_a_program_that_never_destroys_its_node_ends():
    program = "import rclpy; from modot_ros.ros.node.node import ModotNode; rclpy.init(); ModotNode(lambda _: None)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0
