# SPDX-License-Identifier: Apache-2.0
"""InteriorNet-OR: 10,160 rendered interiors of InteriorNet with occlusion relations from depth and normals (Qiu et al., P2ORM,
ECCV 2020), 20 of each scene, 640x480.

Boundaries are the pixels of the occluder (`-edge_fg.png`, what P2ORM's lists name). Depth is z, millimetres in `-depth-plane.png`
where that file is there. The camera is P2ORM's: focal length 600 pixels, centre (320, 240). With the lists of image_sets/ the
splits are theirs ("test" is their "val"); without them both are refused and "all" takes every scene.
"""
from __future__ import annotations

from pathlib import Path

from modot_ros.learn.datasets.boundary_sets.drawing import of_size
from modot_ros.learn.datasets.layout import Layout, choose
from modot_ros.learn.datasets.picture_file import read_grey, read_rgb, read_values
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.datasets.sample import Sample, intrinsics, sample

LISTS = {"train": "_train.txt", "test": "_val.txt"}
FOCAL_SHARE, CENTRE = 600 / 640, 0.5                    # of the picture's width; of its sides
LAYOUT = Layout(
    "InteriorNet-OR", "InteriorNet_OR.zip as the README of https://github.com/tim885/P2ORM links to it.",
    "image_sets/occ_order_..._train.txt and ..._val.txt        (not needed for split \"all\")\n"
    "data/SCENE/0000-rgb.png ...\ndata/SCENE/0000-edge_fg.png ...\ndata/SCENE/0000-depth-plane.png ...        (optional)")


def interiornet_or(root: Path, split: str = "test") -> PictureSet[Sample]:
    """Raises ValueError for an unknown split and a list that can't be read, FileNotFoundError when the folder is not as
    published."""
    choose("split of InteriorNet-OR", split, (*LISTS, "all"))
    LAYOUT.require(root, "data")
    if split == "all":
        pictures = sorted((root / "data").glob("*/*-rgb.png"))
        if not pictures:
            LAYOUT.require(root, "data/SCENE/0000-rgb.png")
    else:
        lists = sorted((root / "image_sets").glob(f"occ_order_*{LISTS[split]}"))
        if not lists:
            LAYOUT.require(root, f"image_sets/occ_order_...{LISTS[split]}")
        pictures = [_listed(root, line, lists[0]) for line in LAYOUT.names(root, str(lists[0].relative_to(root)))
                    if not line.startswith("#")]
    stems = [path.with_name(path.name.removesuffix("-rgb.png")) for path in pictures]
    return PictureSet(f"InteriorNet-OR {split}", {f"{stem.parent.name}_{stem.name}": stem for stem in stems}, _read)


def _listed(root: Path, line: str, listing: Path) -> Path:
    """The picture of a line "PICTURE,BOUNDARY,DIRECTION,RELATION", whose paths end in data/SCENE/FILE."""
    picture = Path(line.split(",")[0].strip())
    if len(picture.parts) < 2 or not picture.name.endswith("-rgb.png"):
        raise ValueError(f"{listing}: {line!r} does not begin with .../SCENE/NUMBER-rgb.png")
    return root / "data" / picture.parent.name / picture.name


def _read(name: str, stem: Path) -> Sample:
    def path(what: str) -> Path:
        return stem.with_name(f"{stem.name}-{what}.png")

    rgb = read_rgb(path("rgb"))
    boundary = of_size(path("edge_fg"), read_grey(path("edge_fg")) > 0, rgb)
    depth = path("depth-plane")
    depth_m = of_size(depth, read_values(depth), rgb) / 1000.0 if depth.is_file() else None
    height, width = rgb.shape[:2]
    K = intrinsics(FOCAL_SHARE * width, FOCAL_SHARE * width, CENTRE * width, CENTRE * height)
    return sample(name, rgb, depth_m, None, boundary, K)
