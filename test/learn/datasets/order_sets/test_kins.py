# SPDX-License-Identifier: Apache-2.0
"""KINS in its published layout, and against what the official reader makes of it."""
import json

import numpy as np
import pytest

from modot_ros.learn.datasets.order_sets.kins import kins, kins_truths, order_from_masks

pytest.importorskip("pycocotools")


def strips(*columns):
    """Masks [N, 2, 8] of whole columns, each from one column up to another."""
    return np.stack([np.isin(np.arange(8), np.arange(*c))[None].repeat(2, axis=0) for c in columns]).astype(np.uint8)


def test_who_is_seen_on_the_others_full_shape_is_in_front():
    modal = strips((0, 3), (3, 6), (7, 8))
    assert order_from_masks(modal, strips((0, 3), (1, 6), (5, 8))).tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]
    assert order_from_masks(modal, strips((0, 5), (3, 6), (7, 8))).tolist() == [[0, 0, 0], [1, 0, 0], [0, 0, 0]]


def test_of_equals_the_first_is_in_front_and_of_strangers_none():
    modal = strips((0, 3), (3, 6))
    assert order_from_masks(modal, strips((0, 4), (2, 6))).tolist() == [[0, 1], [0, 0]]
    assert not order_from_masks(modal, modal).any()


def test_pictures_are_in_the_order_of_the_annotations(writer):
    whole = {"size": [4, 6], "counts": [0, 24]}
    instances = [{"id": k, "image_id": k, "category_id": 4, "inmodal_bbox": [0, 0, 6, 4], "inmodal_seg": whole,
                  "segmentation": whole} for k in (9, 3)]
    images = [{"id": k, "file_name": f"{k}.png", "height": 4, "width": 6} for k in (3, 9)]
    writer.text("instances_val.json", json.dumps({"images": images, "annotations": instances}))
    assert kins_truths(writer.root / "instances_val.json").names == ("9.png", "3.png")


def test_it_reads_pictures_of_both_splits(writer):
    whole = {"size": [4, 6], "counts": [0, 24]}
    instance = {"id": 1, "image_id": 3, "category_id": 4, "inmodal_bbox": [0, 0, 6, 4], "inmodal_seg": whole,
                "segmentation": whole}
    content = {"images": [{"id": k, "file_name": f"{k}.png", "height": 4, "width": 6} for k in (3, 9)],
               "annotations": [instance]}
    for split, folder in (("train", "training/image_2"), ("val", "testing/image_2")):
        writer.text(f"instances_{split}.json", json.dumps(content))
        writer.picture(f"{folder}/3.png", 4, 6)
        pictures = kins(writer.root, split)
        assert pictures.names == ("3.png",)                         # the other one has no instances
        assert pictures[0].truth.modal.sum() == 24 and pictures[0].truth.occlusion.tolist() == [[0]]
    writer.corrupt("testing/image_2/3.png")
    assert list(pictures) == [] and "3.png is cut off" in pictures.skipped["3.png"]


def test_what_is_missing_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="(?s)KINS.*testing/image_2"):
        kins(tmp_path)


def test_it_reads_what_the_official_reader_reads(shared_golden):
    folder = shared_golden / "instaorder"
    truth = kins_truths(folder / "fixtures/instances_val.json")[0]
    with np.load(folder / "readers.npz") as golden:
        for name, value in (("modal", truth.modal), ("amodal", truth.amodal), ("bbox", truth.boxes_xywh),
                            ("gt", truth.occlusion)):
            assert value.tolist() == golden[f"kins/{name}"].tolist(), name
    with np.load(folder / "metrics.npz") as golden:
        assert order_from_masks(golden["kins/inmodal"], golden["kins/amodal"]).tolist() == golden["kins/gt"].tolist()
