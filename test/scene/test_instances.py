# SPDX-License-Identifier: Apache-2.0
"""Boxes before walls and on floors, drawn as exact depth."""
import cv2
import numpy as np
import pytest

from modot_ros.scene.instances import partition, validate_labels

INF, NAN = np.inf, np.nan
SHAPE = (96, 128)


def wall(depth_m: float = 4.0) -> np.ndarray:
    return np.full(SHAPE, depth_m, np.float32)


def silhouette(mask: np.ndarray) -> np.ndarray:
    """Probability 1 on the mask's outermost pixels."""
    inner = mask.copy()
    inner[1:-1, 1:-1] &= mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    return (mask & ~inner).astype(np.float32)


def overlap(labels: np.ndarray, mask: np.ndarray) -> float:
    """Intersection over union of a mask with the label most frequent in it."""
    label = np.bincount(labels[mask]).argmax()
    found = labels == label
    return (found & mask).sum() / (found | mask).sum()


def test_two_boxes_before_a_wall():
    depth = wall()
    first, second = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    first[20:60, 20:60], second[30:70, 80:110] = True, True
    depth[first], depth[second] = 2.0, 2.5
    labels = partition(depth, silhouette(first) + silhouette(second))
    assert labels.dtype == np.int32 and set(np.unique(labels)) == {0, 1, 2}
    assert labels[40, 40] == 1 and labels[50, 95] == 2              # by falling area
    assert overlap(labels, first) > 0.85 and overlap(labels, second) > 0.85
    assert labels[5, 5] == labels[90, 120] == 0


def test_contour_with_a_hole_still_parts():
    """Two boards at almost one depth: only the drawn contour parts them, and it has a hole of 4 pixels."""
    depth = wall()
    depth[20:80, 30:100] = 2.0
    probability = np.zeros(SHAPE, np.float32)
    probability[20:80, 64:66] = 1
    probability[48:52, 64:66] = 0
    labels = partition(depth, probability)
    assert labels[50, 45] != labels[50, 85] and 0 not in (labels[50, 45], labels[50, 85])


def test_edge_of_a_box_does_not_part_but_a_hollow_does():
    columns = np.arange(128, dtype=np.float32)
    edge = 0.5 - 0.004 * np.abs(columns - 64)  # inverse depth: the box's corner comes forward
    depth = wall(10.0)
    depth[20:80, 30:98] = (1 / edge)[None, 30:98]
    assert len(set(partition(depth, np.zeros(SHAPE, np.float32))[50, 40:90])) == 1
    hollow = 0.3 + 0.006 * np.abs(columns - 64)                     # an open book, seen from inside
    depth[20:80, 30:98] = (1 / hollow)[None, 30:98]
    labels = partition(depth, np.zeros(SHAPE, np.float32))
    assert labels[50, 45] != labels[50, 85]


def test_box_on_a_floor_ends_at_the_contact():
    rows = np.arange(96, dtype=np.float32)
    inverse = np.where(rows < 40, 0.2, 0.2 + 0.008 * (rows - 40))   # wall, then floor
    depth = np.tile((1 / inverse)[:, None], (1, 128)).astype(np.float32)
    box = np.zeros(SHAPE, bool)
    box[30:70, 50:80] = True
    depth[box] = depth[69, 0]
    labels = partition(depth, np.zeros(SHAPE, np.float32))
    assert labels[50, 65] > 0 and overlap(labels, box) > 0.8
    assert labels[90, 65] == labels[60, 20] == labels[10, 10] == 0


def test_boundary_mask_counts_as_certain():
    depth = wall()
    depth[20:80, 30:100] = 2.0
    mask = np.zeros(SHAPE, bool)
    mask[20:80, 64] = True
    zero = np.zeros(SHAPE, np.float32)
    assert partition(depth, zero)[50, 45] == partition(depth, zero)[50, 85]
    assert partition(depth, zero, mask)[50, 45] != partition(depth, zero, mask)[50, 85]


def test_number_of_instances_is_bounded_and_the_largest_stay():
    depth = wall()
    for row in range(3):
        for column in range(4):
            depth[8 + row * 30:24 + row * 30, 8 + column * 30:22 + column * 30 + row] = 2.0
    assert partition(depth, np.zeros(SHAPE, np.float32)).max() == 12
    labels = partition(depth, np.zeros(SHAPE, np.float32), max_instances=4)
    assert labels.max() == 4 and labels[75, 15] > 0 and labels[15, 15] == 0


def test_specks_join_what_is_around_them():
    depth = wall()
    depth[50:52, 60:62] = 2.0
    assert partition(depth, np.zeros(SHAPE, np.float32)).max() == 0


@pytest.mark.parametrize("nothing", [NAN, INF])
def test_what_has_no_depth_is_background(nothing):
    labels = partition(wall(nothing), np.zeros(SHAPE, np.float32))
    assert labels.shape == SHAPE and not labels.any()
    depth = wall(nothing)
    depth[20:60, 20:60] = 2.0
    labels = partition(depth, np.zeros(SHAPE, np.float32))
    assert labels[40, 40] == 1 and labels[80, 100] == 0


def test_large_pictures_keep_their_size():
    depth = np.full((480, 640), 4, np.float32)
    depth[100:300, 100:300] = 2
    labels = partition(depth, np.zeros((480, 640), np.float32))
    assert labels.shape == (480, 640) and set(np.unique(labels)) == {0, 1}
    assert labels[200, 200] == 1


def test_everything_a_barrier_is_one_background():
    assert not partition(wall(), np.ones(SHAPE, np.float32)).any()


@pytest.mark.parametrize("arguments, text", [
    ((np.ones((4, 4), np.float32), np.ones((4, 5), np.float32)), r"probability \(4, 5\)"),
    ((np.ones((4, 4), np.float32), np.ones((4, 4), np.float32), None, 0), "max_instances is 0"),
])
def test_partition_names_what_is_wrong(arguments, text):
    with pytest.raises(ValueError, match=text):
        partition(*arguments)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64])
def test_good_labels_come_back_as_int32(dtype):
    labels = np.array([[0, 1], [200, 0]], dtype)
    checked = validate_labels(labels, (2, 2))
    assert checked.dtype == np.int32
    np.testing.assert_array_equal(checked, labels)


@pytest.mark.parametrize("labels, text", [
    (np.zeros((3, 2), np.int32), r"\(3, 2\).*\(2, 2\)"),
    (np.zeros((2, 2), np.float32), "float32"),
    (np.zeros((2, 2), bool), "bool"),
    (np.array([[0, -3], [0, 0]]), "-3.*65535"),
    (np.array([[0, 70000], [0, 0]]), "70000.*65535"),
])
def test_bad_labels_are_named(labels, text):
    with pytest.raises(ValueError, match=text):
        validate_labels(labels, (2, 2))


def test_ten_thousand_labels_are_too_many():
    labels = np.arange(10_000).reshape(100, 100)
    with pytest.raises(ValueError, match="9999 instances.*64"):
        validate_labels(labels, (100, 100), max_instances=64)
    assert validate_labels(labels * (labels == 9000), (100, 100), max_instances=64).max() == 9000


def test_a_weak_border_parts_large_regions_and_not_small_ones():
    outlines = np.zeros((192, 256), np.float32)
    for left, side in ((20, 80), (160, 26)):
        cv2.rectangle(outlines, (left, 50), (left + side, 50 + side), 0.5, 2)
    labels = partition(np.full(outlines.shape, 2.0, np.float32), outlines)
    assert labels[90, 60] > 0 and labels[62, 172] == labels[20, 200] == 0
    sure = partition(np.full(outlines.shape, 2.0, np.float32), np.minimum(2 * outlines, 1))
    assert len({sure[90, 60], sure[62, 172], sure[20, 200]}) == 3
