# SPDX-License-Identifier: Apache-2.0
"""The class of everything in a room, by the name of its maker or, for the shell, by the role of its piece."""
from __future__ import annotations

from modot_ros.classes import class_id

CLASS_OF = {
    "office_chair": "chair", "lounge_chair": "chair", "stool": "chair", "cabinet": "storage", "shelf": "storage",
    "television": "screen", "floor_lamp": "lamp", "bin": "box", "crates": "box", "board": "picture", "carpet": "rug",
    "monitor": "screen", "laptop": "screen", "pot": "plant", "carton": "box",
    # the shell: roles of walls.slabs and walls.beyond
    **{f"wall{number}": "wall" for number in range(4)}, "annex floor": "floor", "annex wall": "wall",
    "ground": "outside", "outdoors": "outside", "sky": "outside",
    # small things that have no class of their own
    **dict.fromkeys(("bag", "basket", "books", "bottle", "bowl", "can", "drill", "fruit", "gadget", "headphones", "keyboard",
                     "mouse", "mug", "package", "papers", "pens", "plate", "tape", "telephone", "toy", "tub", "vase", "wire"),
                    "object"),
}


def class_of(name: str) -> int:
    """Id in CLASS_NAMES. Raises ValueError for a name that nothing here has."""
    return class_id(CLASS_OF.get(name, name))
