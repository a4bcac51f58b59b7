# SPDX-License-Identifier: Apache-2.0
"""Pictures out of the bytes of a file or message: whole ones of a size that fits into memory, or an error.

The markers of JPEG are those of ITU-T T.81, the chunks of PNG those of the W3C's recommendation.
"""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

MAX_PIXELS = 100_000_000                                # 300 MB as colours; nothing that a robot carries has more
GREY_REST = 128                                         # what libjpeg gives for blocks that have no data
FRAME_HEADERS = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}       # SOF0 to SOF15 without DHT, JPG and DAC
PROGRESSIVE = (0xC2, 0xC6, 0xCA, 0xCE)
WITHOUT_LENGTH = {0x01, *range(0xD0, 0xDA)}             # TEM, RST0 to RST7, SOI, EOI
BLOCK_PX = 8


class TooLarge(ValueError):
    """A picture of more than MAX_PIXELS."""


@dataclass(frozen=True)
class Header:
    """Header of a picture file."""

    width: int
    height: int
    progressive: bool = False
    block: tuple[int, int] = (BLOCK_PX, BLOCK_PX)       # width, height of the pixels that are coded together


def decode(content: bytes, flags: int) -> np.ndarray:
    """`cv2.imdecode` of the bytes of a JPEG, a PNG or another picture: BGR or one channel, [H, W, 3] or [H, W].

    A JPEG may lack its end marker or its Huffman tables, as the frames of a motion JPEG do, but no data: OpenCV would show
    the rest of it grey. flags: `cv2.IMREAD_*`. Raises ValueError, to be put behind the name: "is cut off", "is no picture", or
    TooLarge with the size of one with more than MAX_PIXELS, which is read before anything is decoded.
    """
    header = header_of(content)
    if header is not None and header.width * header.height > MAX_PIXELS:
        raise TooLarge(f"is {header.width}x{header.height} = {header.width * header.height / 1e6:.0f} MP, more than the "
                       f"{MAX_PIXELS / 1e6:.0f} MP that are decoded")
    ended = _has_end(content)
    if not ended and (header is None or header.progressive or content.startswith(b"\x89PNG")):
        raise ValueError("is cut off")                  # a progressive picture would be coarse, not grey
    data = content if ended else content + b"\xff\xd9"
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error as error:                          # absurd sizes in a broken header
        raise ValueError(f"is no picture ({error.err})") from error
    if picture is None:
        raise ValueError("is no picture, or corrupt" if ended else "is cut off")
    if header is not None and not ended and _ends_grey(picture, header.block):
        raise ValueError("is cut off")
    return picture


def header_of(content: bytes) -> Header | None:
    """Of a JPEG or PNG; None for another picture, and for a JPEG that ends before it."""
    if content.startswith(b"\x89PNG") and len(content) >= 24:
        return Header(int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big"))
    if not content.startswith(b"\xff\xd8"):
        return None
    place = 2
    while place + 4 <= len(content) and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xFF:                              # filling
            place += 1
        elif marker in WITHOUT_LENGTH:
            place += 2
        elif marker in FRAME_HEADERS and place + 10 <= len(content):
            height, width = (int.from_bytes(content[place + at:place + at + 2], "big") for at in (5, 7))
            count = content[place + 9]
            factors = content[place + 11:place + 10 + 3 * count:3]      # of each component, horizontal before vertical
            across, down = (max((byte >> shift & 15 for byte in factors), default=1) if count > 1 else 1 for shift in (4, 0))
            return Header(width, height, marker in PROGRESSIVE, (BLOCK_PX * across, BLOCK_PX * down))
        else:
            place += 2 + int.from_bytes(content[place + 2:place + 4], "big")
    return None


def _has_end(content: bytes) -> bool:
    """False for a JPEG or PNG without its end: an interrupted copy, a lost packet, or a camera that writes none."""
    if content.startswith(b"\xff\xd8"):
        return content.rfind(b"\xff\xd9") > content.rfind(b"\xff\xda")       # end of image, start of the last scan
    return not content.startswith(b"\x89PNG") or content.rfind(b"IEND") >= 0


def _ends_grey(picture: np.ndarray, block: tuple[int, int]) -> bool:
    """Whether the last block of a JPEG is what a decoder puts where there is no data. Its colours bleed from the block before,
    so that brightness is looked at."""
    height, width = picture.shape[:2]
    rest = picture[(height - 1) // block[1] * block[1]:, (width - 1) // block[0] * block[0]:]
    brightness = rest if rest.ndim == 2 else cv2.cvtColor(rest, cv2.COLOR_BGR2GRAY)
    return bool((np.abs(brightness.astype(int) - GREY_REST) <= 1).all())
