# SPDX-License-Identifier: Apache-2.0
"""Whole pictures are decoded, parts of one are refused."""
import struct
import zlib

import cv2
import numpy as np
import pytest

from modot_ros.scene.image_decoding import decode, header_of


def encoded(suffix, *flags):
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    return noise, cv2.imencode(suffix, noise, list(flags))[1].tobytes()


def test_what_was_encoded():
    picture, code = encoded(".png")
    np.testing.assert_array_equal(decode(code, cv2.IMREAD_COLOR), picture)
    np.testing.assert_array_equal(decode(code + b"padding of a camera", cv2.IMREAD_COLOR), picture)


@pytest.mark.parametrize("suffix, flags, least", [
    (".jpg", (), 500), (".jpg", (cv2.IMWRITE_JPEG_PROGRESSIVE, 1), 1), (".png", (), 12)])   # bytes whose lack is seen
def test_a_part_is_refused_wherever_it_ends(suffix, flags, least):
    picture, code = encoded(suffix, *flags)
    assert decode(code, cv2.IMREAD_COLOR).shape == decode(code + bytes(16), cv2.IMREAD_COLOR).shape == picture.shape
    for lost in (least, 700, len(code) // 2, len(code) - 200):
        with pytest.raises(ValueError, match="^is cut off$"):
            decode(code[:-lost], cv2.IMREAD_COLOR)


@pytest.mark.parametrize("sampling", (0x411111, 0x221111, 0x211111, 0x111111))
@pytest.mark.parametrize("size", ((480, 640), (475, 633)))
@pytest.mark.parametrize("grey", (False, True))
def test_a_lost_tail_is_seen_in_every_sampling(shared_data, sampling, size, grey):
    picture = cv2.imread(str(shared_data / "real" / "icl_1.jpg"), 0 if grey else 1)[:size[0], :size[1]]
    code = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling])[1].tobytes()
    whole = decode(code, cv2.IMREAD_ANYCOLOR)
    np.testing.assert_array_equal(decode(code[:-2], cv2.IMREAD_ANYCOLOR), whole)
    for lost in (1000, 5000, 20000):
        with pytest.raises(ValueError, match="^is cut off$"):
            decode(code[:-lost], cv2.IMREAD_ANYCOLOR)


def without_segments(code: bytes, marker: int) -> bytes:
    """A JPEG without the segments of a marker before its scan."""
    kept, place = code[:2], 2
    while code[place + 1] != 0xDA:
        end = place + 2 + int.from_bytes(code[place + 2:place + 4], "big")
        kept += b"" if code[place + 1] == marker else code[place:end]
        place = end
    return kept + code[place:]


def test_frames_of_a_motion_jpeg_need_neither_an_end_nor_huffman_tables(shared_data):
    """A camera's picture as UVC cameras send it: the tables are those of the standard, and left out."""
    code = cv2.imencode(".jpg", cv2.imread(str(shared_data / "real" / "icl_1.jpg")))[1].tobytes()
    bare = without_segments(code, 0xC4)
    assert b"\xff\xc4" in code[:1000] and b"\xff\xc4" not in bare[:1000]
    expected = cv2.imdecode(np.frombuffer(code, np.uint8), cv2.IMREAD_COLOR)
    for frame in (bare, bare[:-2], bare[:-2] + bytes(64), code[:-2]):
        np.testing.assert_array_equal(decode(frame, cv2.IMREAD_COLOR), expected)


def png_of_size(width: int, height: int) -> bytes:
    """A small file that states a large size."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b""))


def jpeg_of_size(width: int, height: int) -> bytes:
    code = bytearray(encoded(".jpg")[1])
    place = code.index(b"\xff\xc0") + 5
    code[place:place + 4] = struct.pack(">HH", height, width)
    return bytes(code)


@pytest.mark.parametrize("make", (png_of_size, jpeg_of_size))
def test_a_size_above_the_limit_is_refused_before_decoding(make, monkeypatch):
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("it was decoded"))
    with pytest.raises(ValueError, match="^is 30000x30000 = 900 MP, more than the 100 MP that are decoded$"):
        decode(make(30000, 30000), cv2.IMREAD_COLOR)


def test_the_header_is_found_behind_other_segments():
    code = encoded(".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1)[1]
    exif = b"\xff\xe1" + (66).to_bytes(2, "big") + bytes(64)
    header = header_of(code[:2] + exif + b"\xff" + code[2:])
    assert (header.width, header.height, header.progressive, header.block) == (32, 32, True, (16, 16))
    assert header_of(b"BM" + bytes(60)) is None and header_of(code[:30]) is None


def test_a_thumbnails_end_is_not_the_pictures():
    """A camera's JPEG holds a small one, with an end of its own, before its scan."""
    _, code = encoded(".jpg")
    _, small = encoded(".jpg")
    whole = code[:2] + b"\xff\xe1" + (len(small) + 2).to_bytes(2, "big") + small + code[2:]
    assert decode(whole, cv2.IMREAD_COLOR).shape == (32, 32, 3)
    with pytest.raises(ValueError, match="is cut off"):
        decode(whole[:-700], cv2.IMREAD_COLOR)


@pytest.mark.parametrize("content", [b"", b"no picture", b"BM" + bytes(60)])
def test_what_is_no_picture_is_said(content):
    with pytest.raises(ValueError, match="^is no picture"):
        decode(content, cv2.IMREAD_COLOR)
