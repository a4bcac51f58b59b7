# SPDX-License-Identifier: Apache-2.0
"""COCOA in its published layout, and against what the official reader makes of it."""
import json

import numpy as np
import pytest

from modot_ros.learn.datasets.order_sets.cocoa import cocoa, cocoa_truths

pytest.importorskip("pycocotools")


def region(x, rate=0.0, **more):
    return {"segmentation": [x, 2, x + 6, 2, x + 6, 8, x, 8], "occlude_rate": rate, "isStuff": 0, **more}


@pytest.fixture
def content():
    hidden = {"size": [10, 20], "counts": [200]}                    # run lengths begin with zeros: nothing is seen
    return {"images": [{"id": 1, "file_name": "1.jpg", "height": 10, "width": 20}],
            "annotations": [{"depth_constraint": "1-2,1-3,2-3",
                             "regions": [region(0), region(4, 0.95), region(8, 0.96, visible_mask=hidden)]}]}


@pytest.fixture
def root(writer, content):
    writer.picture("val2014/1.jpg", 10, 20)
    writer.text("annotations/COCO_amodal_val2014.json", json.dumps(content))
    return writer.root


def test_orders_about_what_is_hidden_are_dropped(root):
    assert cocoa(root)[0].truth.occlusion.tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]


def test_what_is_hidden_keeps_its_whole_box(root):
    truth = cocoa(root)[0].truth
    assert truth.modal.sum(axis=(1, 2)).tolist() == [36, 36, 0] and truth.amodal[2].sum() == 36
    assert truth.boxes_xywh.tolist() == [[0, 2, 6, 6], [4, 2, 6, 6], [8, 2, 6, 6]]


@pytest.mark.parametrize("order", ["0-1", "1-4", "1<2"])
def test_an_order_that_says_nothing_is_named(root, writer, content, order):
    content["annotations"][0]["depth_constraint"] = order
    writer.text("annotations/COCO_amodal_val2014.json", json.dumps(content))
    pictures = cocoa(root)
    assert list(pictures) == [] and f"order '{order}'" in pictures.skipped["1.jpg"]


def test_a_picture_may_have_no_regions(root, writer, content):
    content["annotations"][0].update(regions=[], depth_constraint="")
    writer.text("annotations/COCO_amodal_val2014.json", json.dumps(content))
    truth = cocoa(root)[0].truth
    assert truth.modal.shape == truth.amodal.shape == (0, 10, 20) and truth.boxes_xywh.shape == (0, 4)


def test_a_missing_field_is_named(root, writer, content):
    del content["annotations"][0]["regions"]
    writer.text("annotations/COCO_amodal_val2014.json", json.dumps(content))
    with pytest.raises(ValueError, match="the annotation has no 'regions'"):
        cocoa(root)[0]


def test_what_is_missing_is_said(root):
    with pytest.raises(FileNotFoundError, match="(?s)amodalAPI.*train2014"):
        cocoa(root, "train")


def test_it_reads_what_the_official_reader_reads(shared_golden):
    folder = shared_golden / "instaorder"
    truth = cocoa_truths(folder / "fixtures/COCO_amodal_val2014.json")[0]
    with np.load(folder / "readers.npz") as golden:
        for name, value in (("modal", truth.modal), ("amodal", truth.amodal), ("bbox", truth.boxes_xywh),
                            ("gt", truth.occlusion)):
            assert value.tolist() == golden[f"cocoa/{name}"].tolist(), name
