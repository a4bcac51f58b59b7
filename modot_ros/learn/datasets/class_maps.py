# SPDX-License-Identifier: Apache-2.0
"""Semantic labels of published sets as classes of modot_ros.classes: index pictures, and the words of their tables.

A word that no class holds for certain is unknown: a mirror shows other things, "other structure" may be anything.
"""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from modot_ros.classes import CLASS_NAMES, UNKNOWN_CLASS, class_id
from modot_ros.learn.datasets.picture_file import read_labels

# The 40 classes of NYU Depth v2 (Gupta et al., CVPR 2013); in pictures 1 to 40, 0 is unlabelled.
NYU40_NAMES = ("wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf", "picture", "counter",
               "blinds", "desk", "shelves", "curtain", "dresser", "pillow", "mirror", "floor mat", "clothes", "ceiling", "books",
               "refrigerator", "television", "paper", "towel", "shower curtain", "box", "whiteboard", "person", "night stand",
               "toilet", "sink", "lamp", "bathtub", "bag", "other structure", "other furniture", "other prop")

# Words of NYU-40, SUN RGB-D and ADE20K beside the names of the classes themselves.
_WORDS = {
    "window": "windowpane", "picture": "painting poster whiteboard bulletin_board",
    "curtain": "blinds blind shower_curtain drape", "rug": "floor_mat carpet mat",
    "table": "desk counter coffee_table countertop dining_table", "sofa": "couch",
    "chair": "armchair swivel_chair stool seat bench ottoman office_chair",
    "storage": "cabinet bookshelf shelves shelf bookcase dresser night_stand nightstand wardrobe chest_of_drawers drawer",
    "screen": "television television_receiver tv monitor computer laptop screen crt_screen",
    "lamp": "light chandelier sconce floor_lamp", "plant": "flower tree palm potted_plant", "box": "bin ashcan crate carton",
    "object": "books book clothes apparel paper towel bag bottle vase other_prop", "outside": "sky",
}
_CLASS_OF_WORD = {word: name for name, words in _WORDS.items() for word in words.split()} | {name: name for name in CLASS_NAMES}


def class_of_word(word: str) -> int:
    """Id in CLASS_NAMES of the name of a class in another table, UNKNOWN_CLASS where none is certain. Of synonyms with commas
    between them, as ADE20K has, the first known one decides."""
    for synonym in word.lower().split(","):
        name = _CLASS_OF_WORD.get("_".join(synonym.replace("-", " ").split()))
        if name is not None:
            return class_id(name)
    return UNKNOWN_CLASS


def read_names(path: Path) -> tuple[str, ...]:
    """Names of classes, one a line, that of the smallest id first.

    Raises ValueError for a file that is missing, is no text, has no name, has one twice, or has an empty line between them.
    """
    try:
        names = tuple(line.strip() for line in path.read_text().rstrip().splitlines())
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} can't be read as names of classes ({error})") from error
    if not names:
        raise ValueError(f"{path} names no class")
    if "" in names:                                     # left out, it would shift the ids of all that follow
        raise ValueError(f"{path} has no name in line {names.index('') + 1}")
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise ValueError(f"{path} names {', '.join(map(repr, doubles))} more than once")
    return names


def read_class_map(path: Path, names: Sequence[str], size: tuple[int, int] | None = None) -> np.ndarray:
    """Classes uint8 [H, W], ids of CLASS_NAMES or UNKNOWN_CLASS, of an index picture with one channel.

    Args:
        names: of the picture's values from 1 on; 0 is unlabelled, and so is 255 where the table is shorter.
        size: height and width of the picture that it labels; None takes any.

    Raises ValueError that names the file for one that is no such picture, of another size, or with values above the table.
    """
    values = read_labels(path)
    if size is not None and values.shape != tuple(size):
        raise ValueError(f"{path} is {values.shape[1]}x{values.shape[0]}, its picture {size[1]}x{size[0]}")
    if len(names) < UNKNOWN_CLASS:
        values[values == UNKNOWN_CLASS] = 0
    if values.max() > len(names):
        raise ValueError(f"{path} has the value {values.max()}, its table ends at {len(names)}")
    return np.array([UNKNOWN_CLASS, *map(class_of_word, names)], np.uint8)[values]


def read_class_ids(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Classes uint8 [H, W] of a picture whose values are ids of CLASS_NAMES or UNKNOWN_CLASS, as `modot predict` writes it.

    Raises ValueError that names the file for one that is no such picture, of another height and width, or with other ids.
    """
    values = read_labels(path)
    if values.shape != tuple(size):
        raise ValueError(f"{path} is {values.shape[1]}x{values.shape[0]}, its picture {size[1]}x{size[0]}")
    above = values[(values >= len(CLASS_NAMES)) & (values != UNKNOWN_CLASS)]
    if above.size:
        raise ValueError(f"{path} has the class id {above.max()}, the table ends at {len(CLASS_NAMES) - 1}: with classes of your "
                         "own write their names into classes.txt beside it")
    return values.astype(np.uint8)
