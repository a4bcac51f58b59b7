# SPDX-License-Identifier: Apache-2.0
"""InstaOrder in its published layout, and against what the official reader makes of it."""
import json
import shutil

import numpy as np
import pytest

from modot_ros.learn.datasets.order_sample import DepthRelation, depth_matrices
from modot_ros.learn.datasets.order_sets.instaorder import annotated_depths, instaorder, instaorder_truths

pytest.importorskip("pycocotools")


def square(number, x, y, side):
    """COCO's annotation of a square."""
    corners = [x, y, x + side, y, x + side, y + side, x, y + side]
    return {"id": number, "image_id": 5, "category_id": 3, "bbox": [x, y, side, side], "segmentation": [corners]}


@pytest.fixture
def root(writer):
    writer.picture("val2017/5.jpg", 20, 30)
    writer.text("annotations/instances_val2017.json", json.dumps({
        "images": [{"id": 5, "file_name": "5.jpg", "height": 20, "width": 30}],
        "annotations": [square(70, 0, 0, 4), square(71, 10, 5, 6), square(72, 20, 0, 5)]}))
    writer.text("annotations/InstaOrder_val2017.json", json.dumps({"annotations": [{
        "image_id": 5, "instance_ids": [71, 70],
        "occlusion": [{"order": "0<1 & 1<0", "count": 2}],
        "depth": [{"order": "1=0", "overlap": True, "count": 3}]}]}))
    return writer.root


def test_orders_are_among_the_instances_listed(root):
    found = instaorder(root)[0]
    assert found.rgb.shape == (20, 30, 3) and found.truth.modal.sum(axis=(1, 2)).tolist() == [36, 16]
    assert found.truth.boxes_xywh[0].tolist() == [10, 5, 6, 6] and found.truth.categories.tolist() == [3, 3]
    assert found.truth.occlusion.tolist() == [[0, 1], [1, 0]]
    assert found.truth.depths == (DepthRelation(1, 0, True, True, 3),)


def test_annotated_depths_are_found_without_drawing_masks(root):
    assert annotated_depths(root / "annotations/InstaOrder_val2017.json") == [(0, 0)]


@pytest.mark.parametrize("order", ["0>1", "0<2", "<1", "0=1"])
def test_an_order_that_says_nothing_is_named(root, writer, order):
    content = json.loads((root / "annotations/InstaOrder_val2017.json").read_text())
    content["annotations"][0]["occlusion"][0]["order"] = order
    writer.text("annotations/InstaOrder_val2017.json", json.dumps(content))
    pictures = instaorder(root)
    assert list(pictures) == [] and f"order '{order}' is not" in pictures.skipped["5.jpg"]


def test_a_picture_may_have_no_instances_or_one(root, writer):
    content = json.loads((root / "annotations/InstaOrder_val2017.json").read_text())
    for count in (0, 1):
        content["annotations"][0].update(instance_ids=[71][:count], occlusion=[], depth=[])
        writer.text("annotations/InstaOrder_val2017.json", json.dumps(content))
        truth = instaorder(root)[0].truth
        assert truth.modal.shape == (count, 20, 30) and truth.modal.dtype == np.uint8
        assert truth.boxes_xywh.shape == (count, 4) and truth.occlusion.shape == (count, count) and truth.depths == ()


def test_what_does_not_fit_together_is_said(root, writer):
    with pytest.raises(FileNotFoundError, match="(?s)POSTECH-CVLab/InstaOrder.*train2017"):
        instaorder(root, "train")
    writer.picture("val2017/5.jpg", 20, 31)
    with pytest.raises(ValueError, match=r"masks are \(20, 30\), the picture \(20, 31\)"):
        instaorder(root)[0]
    content = json.loads((root / "annotations/InstaOrder_val2017.json").read_text())
    content["annotations"][0]["instance_ids"] = [1]
    writer.text("annotations/InstaOrder_val2017.json", json.dumps(content))
    with pytest.raises(ValueError, match="do not belong together: there is no 1"):
        instaorder(root)


def test_it_reads_what_the_official_reader_reads(shared_golden):
    folder = shared_golden / "instaorder"
    files = (folder / "fixtures" / name for name in ("InstaOrder_val2017.json", "instances_val2017.json"))
    truth = instaorder_truths(*files)[0]
    with np.load(folder / "readers.npz") as golden:
        for name, value in (("modal", truth.modal), ("bbox", truth.boxes_xywh), ("cat", truth.categories),
                            ("occ", truth.occlusion)):
            assert value.tolist() == golden[f"insta/{name}"].tolist(), name
        for left_out in (False, True):
            for name, value in zip(("depth", "overlap", "count"), depth_matrices(truth.depths, 3, left_out)):
                assert value.tolist() == golden[f"insta/{name}_rm{left_out:d}"].tolist(), name


def test_it_opens_the_fixtures_as_a_folder(shared_golden, writer):
    for name in ("InstaOrder_val2017.json", "instances_val2017.json"):
        shutil.copy(shared_golden / "instaorder" / "fixtures" / name, writer.path(f"annotations/{name}"))
    writer.picture("val2017/000000000007.jpg", 48, 64)
    assert len(list(instaorder(writer.root))) == 1
