# SPDX-License-Identifier: Apache-2.0
"""Pictures out of the bytes of a file or message: whole ones, or an error."""
from __future__ import annotations

import cv2
import numpy as np


def decode(content: bytes, flags: int) -> np.ndarray:
    """What `cv2.imdecode` makes of the bytes of a JPEG, a PNG or another picture: BGR or one channel, [H, W, 3] or [H, W].

    flags: `cv2.IMREAD_*`. Raises ValueError, to be put behind the name: "is cut off", which OpenCV shows as half a picture
    above grey, or "is no picture".
    """
    if _is_cut_off(content):
        raise ValueError("is cut off")
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), flags) if content else None
    except cv2.error as error:                          # absurd sizes in a broken header
        raise ValueError(f"is no picture ({error.err})") from error
    if picture is None:
        raise ValueError("is no picture, or corrupt")
    return picture


def _is_cut_off(content: bytes) -> bool:
    """Whether a JPEG or PNG lacks its end, as after a copy that was interrupted or a packet that was lost."""
    if content.startswith(b"\xff\xd8"):
        return content.rfind(b"\xff\xd9") <= content.rfind(b"\xff\xda")      # end of image, start of the last scan
    return content.startswith(b"\x89PNG") and content.rfind(b"IEND") < 0
