# SPDX-License-Identifier: Apache-2.0
"""KITTI's drives with the improved depth of its depth benchmark, on the 697 test pictures of Eigen et al. (NIPS 2014), of which
652 have depth.

The list has a picture, its depth and the focal length in each line, as BTS (Lee et al., 2019) published it and InstaOrder uses
it; depth is "None" where there is none. Depth is z, 16 bits, 256 to the metre, 0 = unknown.
"""
from __future__ import annotations

from pathlib import Path

from modot_ros.learn.datasets.boundary_sets.drawing import of_size
from modot_ros.learn.datasets.layout import Layout, choose
from modot_ros.learn.datasets.picture_file import read_rgb, read_values
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.datasets.sample import Sample, intrinsics, sample

LIST, PER_METRE = "eigen_test_files_with_gt.txt", 256.0
DEPTHS = ("", "data_depth_annotated", "data_depth_annotated/val", "data_depth_annotated/train")
LAYOUT = Layout(
    "KITTI", "the raw drives of the list and data_depth_annotated.zip from https://www.cvlibs.net/datasets/kitti, and "
    "eigen_test_files_with_gt.txt from train_test_inputs/ of https://github.com/cleinc/bts.",
    "eigen_test_files_with_gt.txt\n2011_09_26/2011_09_26_drive_0002_sync/image_02/data/0000000069.png ...\n"
    "data_depth_annotated/val/2011_09_26_drive_0002_sync/proj_depth/groundtruth/image_02/0000000069.png ...        (or train/)")


def kitti(root: Path, split: str = "test") -> PictureSet[Sample]:
    """Pictures of the list that have depth. Raises ValueError for an unknown split and a list that can't be read,
    FileNotFoundError when the folder is not as published."""
    choose("split of KITTI", split, ("test",))
    entries = {}
    for line in LAYOUT.names(root, LIST):
        parts = line.split()
        if len(parts) != 3:
            raise ValueError(f"KITTI: {root / LIST}: {line!r} is not a picture, its depth and a focal length")
        if parts[1] == "None":
            continue
        picture = Path(parts[0])
        try:
            entries["_".join((picture.parts[-4], picture.stem))] = (root / picture, parts[1], float(parts[2]), root)
        except (IndexError, ValueError) as error:
            raise ValueError(f"KITTI: {root / LIST}: {line!r} is not DATE/DRIVE/image_02/data/NUMBER.png, depth and focal length"
                             ) from error
    return PictureSet("KITTI, Eigen's test pictures", entries, _read)


def _read(name: str, entry: tuple[Path, str, float, Path]) -> Sample:
    picture, relative, focal_px, root = entry
    rgb = read_rgb(picture)
    places = [root / folder / relative for folder in DEPTHS]
    path = next((place for place in places if place.is_file()), places[2])
    depth_m = of_size(path, read_values(path), rgb) / PER_METRE
    height, width = rgb.shape[:2]
    return sample(name, rgb, depth_m, K=intrinsics(focal_px, focal_px, (width - 1) / 2, (height - 1) / 2))
