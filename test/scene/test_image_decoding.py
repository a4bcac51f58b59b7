# SPDX-License-Identifier: Apache-2.0
"""Whole pictures are decoded, parts of one are refused."""
import cv2
import numpy as np
import pytest

from modot_ros.scene.image_decoding import decode


def encoded(suffix, *flags):
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    return noise, cv2.imencode(suffix, noise, list(flags))[1].tobytes()


def test_what_was_encoded():
    picture, code = encoded(".png")
    np.testing.assert_array_equal(decode(code, cv2.IMREAD_COLOR), picture)
    np.testing.assert_array_equal(decode(code + b"padding of a camera", cv2.IMREAD_COLOR), picture)


@pytest.mark.parametrize("suffix, flags, end", [
    (".jpg", (), 1), (".jpg", (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), 1), (".png", (), 12)])     # bytes that make an end one
def test_a_part_is_refused_wherever_it_ends(suffix, flags, end):
    picture, code = encoded(suffix, *flags)
    assert decode(code, cv2.IMREAD_COLOR).shape == decode(code + bytes(16), cv2.IMREAD_COLOR).shape == picture.shape
    for lost in (end, 20, len(code) // 2, len(code) - 200):
        with pytest.raises(ValueError, match="^is cut off$"):
            decode(code[:-lost], cv2.IMREAD_COLOR)


def test_a_thumbnails_end_is_not_the_pictures():
    """A camera's JPEG holds a small one, with an end of its own, before its scan."""
    _, code = encoded(".jpg")
    _, small = encoded(".jpg")
    whole = code[:2] + b"\xff\xe1" + (len(small) + 2).to_bytes(2, "big") + small + code[2:]
    assert decode(whole, cv2.IMREAD_COLOR).shape == (32, 32, 3)
    with pytest.raises(ValueError, match="is cut off"):
        decode(whole[:-20], cv2.IMREAD_COLOR)


@pytest.mark.parametrize("content", [b"", b"no picture", b"BM" + bytes(60)])
def test_what_is_no_picture_is_said(content):
    with pytest.raises(ValueError, match="^is no picture"):
        decode(content, cv2.IMREAD_COLOR)
