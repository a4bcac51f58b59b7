# SPDX-License-Identifier: Apache-2.0
"""Messages there and back, and those that nobody should have sent."""
import numpy as np
import pytest

pytest.importorskip("google.protobuf")

from modot_ros.engine.engine import Facts, Wanted  # noqa: E402
from modot_ros.engine.pool import wire  # noqa: E402
from modot_ros.engine.pool.pool_pb2 import Description, Picture  # noqa: E402
from modot_ros.engine.pool.pool_pb2 import Maps as MapsMessage  # noqa: E402
from modot_ros.model import Maps  # noqa: E402

FACTS = Facts("modot_nano", "metric", "axis", 0.8, (256, 192), True, "cuda:0", "fp16")


def test_maps_come_back_to_their_stated_precision():
    random = np.random.default_rng(0)
    depth, probability, std = (random.uniform(low, high, (4, 6)).astype(np.float32)
                               for low, high in ((0.1, 40), (0, 1), (0.01, 2)))
    depth[0, 0] = 1e6                                   # beyond float16
    found = wire.maps_of(wire.maps_message(Maps(depth, probability, std)), 6, 4, Wanted())
    np.testing.assert_allclose(found.depth.flat[1:], depth.flat[1:], rtol=5e-4)
    assert np.isfinite(found.depth).all() and found.depth[0, 0] > 6e4
    np.testing.assert_allclose(found.probability, probability, atol=0.002)
    np.testing.assert_allclose(found.log_depth_std, std, rtol=5e-4)
    assert all(one.dtype == np.float32 for one in found[:3]) and found.classes is None


def test_classes_come_back_with_their_probability_where_they_are_asked_for():
    probability = np.full((4, 6), 0.25, np.float32)
    classes = np.arange(24, dtype=np.uint8).reshape(4, 6) % 20
    message = wire.maps_message(Maps(probability, probability, None, classes, probability))
    found = wire.maps_of(message, 6, 4, Wanted(classes=True))
    np.testing.assert_array_equal(found.classes, classes)
    np.testing.assert_allclose(found.class_probability, probability, atol=0.002)
    assert wire.maps_of(message, 6, 4, Wanted()).classes is None
    message.classes = bytes([20]) * 24
    with pytest.raises(ValueError, match="class id 20 is above the table of 20"):
        wire.maps_of(message, 6, 4, Wanted(classes=True))


def test_maps_that_are_not_wanted_stay_away():
    message = wire.maps_message(Maps(None, np.ones((4, 6), np.float32), None))
    found = wire.maps_of(message, 6, 4, Wanted(depth=False))
    assert found.depth is None and found.log_depth_std is None and (found.probability == 1).all()


def test_pictures_and_descriptions_come_back():
    rgb = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    np.testing.assert_array_equal(wire.rgb_of(wire.picture(rgb[:, ::-1], "x", Wanted(boundary=False), 0.2)), rgb[:, ::-1])
    assert wire.facts_of(wire.description("x", FACTS)) == FACTS


@pytest.mark.parametrize("message", [
    Picture(), Picture(width=4, height=4, rgb=b"123"), Picture(width=2 ** 31, height=2 ** 31, rgb=b""),
    Picture(width=10_000, height=4_000, rgb=b"")])
def test_pictures_that_cannot_be_are_refused(message):
    with pytest.raises(ValueError, match="picture"):
        wire.rgb_of(message)


@pytest.mark.parametrize("message", [MapsMessage(), MapsMessage(depth=b"12", probability=b"1"),
                                     MapsMessage(depth=bytes(48), probability=bytes(23))])
def test_maps_of_another_size_are_refused(message):
    with pytest.raises(ValueError, match="bytes, must have"):
        wire.maps_of(message, 6, 4, Wanted())


@pytest.mark.parametrize("facts", ["", "[]", "null", "{}", '{"name": "x"}', "{" * 10_000])
def test_descriptions_of_nothing_are_refused(facts):
    with pytest.raises(ValueError, match="describes no network"):
        wire.facts_of(Description(facts=facts))


def test_a_huge_picture_is_refused_before_it_is_sent():
    with pytest.raises(ValueError, match="it must have 1 to 2 million pixels"):
        wire.picture(np.zeros((6000, 6000, 3), np.uint8), "x", Wanted(), 0.2)


def test_the_hash_is_of_name_and_weights(tmp_path):
    (tmp_path / "a").write_bytes(b"1"), (tmp_path / "b").write_bytes(b"2")
    hashes = {wire.network_hash(name, tmp_path / file) for name in ("x", "y") for file in "ab"}
    assert len(hashes) == 4 and len(wire.network_hash("modot_nano", None)) == 64
