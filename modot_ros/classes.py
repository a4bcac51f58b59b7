# SPDX-License-Identifier: Apache-2.0
"""The semantic classes of a pixel, and coarser tables that they merge into.

20 classes that a room's renderer knows. NYU-13 (Couprie et al., ICLR 2013) is for comparing with others, the 6 are what a robot
asks for. An id is the place of its name in the table.
"""
from __future__ import annotations

import numpy as np

UNKNOWN_CLASS = 255                                     # of a pixel without a class
CLASS_NAMES = ("wall", "floor", "ceiling", "window", "door", "picture", "curtain", "rug", "table", "chair", "sofa", "bed",
               "storage", "screen", "lamp", "plant", "person", "box", "object", "outside")
ROBOT_NAMES = ("structure", "floor", "opening", "furniture", "object", "person")
NYU13_NAMES = ("bed", "books", "ceiling", "chair", "floor", "furniture", "objects", "picture", "sofa", "table", "tv", "wall",
               "window")

# Rugs lie on the floor and can be driven over; the outdoors and doors are where a robot sees or goes through.
_ROBOT_OF = {"wall": "structure", "floor": "floor", "ceiling": "structure", "window": "opening", "door": "opening",
             "picture": "structure", "curtain": "structure", "rug": "floor", "table": "furniture", "chair": "furniture",
             "sofa": "furniture", "bed": "furniture", "storage": "furniture", "screen": "object", "lamp": "object",
             "plant": "object", "person": "person", "box": "object", "object": "object", "outside": "opening"}
# NYU-13 has no person and no outdoors of its own: people are objects there, what windows show is window.
_NYU13_OF = {"wall": "wall", "floor": "floor", "ceiling": "ceiling", "window": "window", "door": "wall", "picture": "picture",
             "curtain": "objects", "rug": "floor", "table": "table", "chair": "chair", "sofa": "sofa", "bed": "bed",
             "storage": "furniture", "screen": "tv", "lamp": "objects", "plant": "objects", "person": "objects",
             "box": "objects", "object": "objects", "outside": "window"}


def class_id(name: str) -> int:
    """Id of one of CLASS_NAMES; ValueError for another name."""
    if name not in CLASS_NAMES:
        raise ValueError(f"class {name!r} is unknown: choose one of {', '.join(CLASS_NAMES)}")
    return CLASS_NAMES.index(name)


def is_room(name: str) -> bool:
    """Whether a name is of the room itself, its structure, floor and openings, and not of what stands in it."""
    return _ROBOT_OF.get(name) in ("structure", "floor", "opening")


def merged(classes: np.ndarray, count: int) -> np.ndarray:
    """Ids of a coarser table, uint8 in the shape of `classes`; UNKNOWN_CLASS stays.

    classes: uint8, ids of CLASS_NAMES. count: 20 (the same ids), 13 (NYU13_NAMES) or 6 (ROBOT_NAMES).
    Raises ValueError for another count, for ids above the table and for values that are not uint8.
    """
    if count not in _TABLES:
        raise ValueError(f"count is {count}: choose one of {', '.join(map(str, _TABLES))} classes")
    if classes.dtype != np.uint8:
        raise ValueError(f"classes are {classes.dtype}: must be uint8")
    above = classes[(classes >= len(CLASS_NAMES)) & (classes != UNKNOWN_CLASS)]
    if above.size:
        raise ValueError(f"class id {above.max()} is above the table: ids are 0..{len(CLASS_NAMES) - 1}, or {UNKNOWN_CLASS} "
                         "for unknown")
    return _TABLES[count][classes]


def _table(of: dict[str, str], names: tuple[str, ...]) -> np.ndarray:
    """uint8 [256]: id of CLASS_NAMES -> id of `names`."""
    table = np.full(256, UNKNOWN_CLASS, np.uint8)
    table[:len(CLASS_NAMES)] = [names.index(of[name]) for name in CLASS_NAMES]
    return table


_TABLES = {20: _table({name: name for name in CLASS_NAMES}, CLASS_NAMES), 13: _table(_NYU13_OF, NYU13_NAMES),
           6: _table(_ROBOT_OF, ROBOT_NAMES)}
