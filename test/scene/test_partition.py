# SPDX-License-Identifier: Apache-2.0
"""Boxes and boards before walls, drawn as exact depth, boundaries and colours."""
import cv2
import numpy as np
import pytest

from modot_ros.scene.partition import Regions, partition

INF, NAN = np.inf, np.nan
SHAPE = (96, 128)
GREY, RED, BLUE = (128, 128, 128), (200, 40, 40), (40, 40, 200)


def wall(depth_m: float = 4.0) -> np.ndarray:
    return np.full(SHAPE, depth_m, np.float32)


def box(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[rows, columns] = True
    return mask


def outline(*masks: np.ndarray) -> np.ndarray:
    """Probability 1 on the outermost pixels of the masks."""
    inner = [cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1) > 0 for mask in masks]
    return np.any([mask & ~inside for mask, inside in zip(masks, inner)], axis=0).astype(np.float32)


def paint(*things: tuple[np.ndarray, tuple[int, int, int]]) -> np.ndarray:
    """A grey picture with these masks in these colours."""
    rgb = np.full((*SHAPE, 3), GREY, np.uint8)
    for mask, colour in things:
        rgb[mask] = colour
    return rgb


def overlap(labels: np.ndarray, mask: np.ndarray) -> float:
    """Intersection over union of a mask with the label most frequent in it."""
    label = np.bincount(labels[mask]).argmax()
    found = labels == label
    return (found & mask).sum() / (found | mask).sum()


def boards(left_m: float, right_m: float, probability: float, left: tuple, right: tuple) -> tuple[int, int]:
    """The labels of two boards side by side before a wall, with that probability of a boundary between them."""
    first, second = box(slice(20, 80), slice(30, 65)), box(slice(20, 80), slice(65, 100))
    depth, edge = wall(), outline(first | second)
    depth[first], depth[second] = left_m, right_m
    edge[21:79, 64:66] = probability
    labels = partition(depth, edge, paint((first, left), (second, right)))
    return labels[50, 45], labels[50, 85]


def test_two_boxes_before_a_wall():
    first, second = box(slice(20, 60), slice(20, 60)), box(slice(30, 70), slice(80, 110))
    depth = wall()
    depth[first], depth[second] = 2.0, 2.5
    labels = partition(depth, outline(first, second), paint())
    assert labels.dtype == np.int32 and set(np.unique(labels)) == {0, 1, 2}
    assert labels[40, 40] == 1 and labels[50, 95] == 2              # by falling area
    assert overlap(labels, first) > 0.85 and overlap(labels, second) > 0.85
    assert labels[5, 5] == labels[90, 120] == 0


def test_a_box_ends_at_its_step_in_depth_where_no_boundary_was_seen():
    mask = box(slice(20, 60), slice(20, 60))
    depth = wall()
    depth[mask] = 1.0
    assert overlap(partition(depth, np.zeros(SHAPE, np.float32), paint((mask, RED))), mask) > 0.85


def test_what_has_one_colour_and_one_depth_is_one_thing_across_a_doubtful_boundary():
    left, right = boards(2.0, 2.0, 0.5, RED, RED)
    assert left == right > 0


def test_colours_part():
    left, right = boards(2.0, 2.0, 0.5, RED, BLUE)
    assert left != right and left > 0 and right > 0


def test_depths_part():
    left, right = boards(1.0, 2.5, 0.5, RED, RED)
    assert left != right and left > 0 and right > 0


def test_contour_with_a_hole_still_parts():
    first, second = box(slice(20, 80), slice(30, 65)), box(slice(20, 80), slice(65, 100))
    depth, edge = wall(), outline(first | second)
    depth[first | second] = 2.0
    edge[20:80, 64:66] = 1
    edge[48:52, 64:66] = 0                              # 4 pixels wide
    labels = partition(depth, edge, paint((first, RED), (second, BLUE)))
    assert labels[50, 45] != labels[50, 85] and 0 not in (labels[50, 45], labels[50, 85])


def test_metres_and_feet_give_the_same_regions():
    first, second = box(slice(20, 60), slice(20, 60)), box(slice(30, 70), slice(80, 110))
    depth, edge = wall(), outline(first, second)
    depth[first], depth[second] = 2.0, 2.5
    np.testing.assert_array_equal(partition(depth, edge, paint()), partition(depth / np.float32(0.3048), edge, paint()))


def test_cues_of_a_border_by_hand():
    """A board in the middle of a wall: 40x40 of 96x128 pixels, 60 and 180 grey, at 2 and 4 m."""
    mask = box(slice(28, 68), slice(44, 84))
    depth = np.where(mask, 2.0, 4.0).astype(np.float32)
    regions = Regions(depth, outline(mask), paint((np.ones(SHAPE, bool), (180,) * 3), (mask, (60,) * 3)))
    assert len(regions.area) == 2 and len(regions.a) == 1
    board = regions.labels[48, 64]
    # The border runs half way between the cores, 3 pixels inside and 1 outside of the board's outline.
    assert regions.area[board] == pytest.approx(mask.mean(), rel=0.12)
    edge, colour, step, relief, area, cut = regions.cues()[0]
    assert edge > 0.85
    lightness = cv2.cvtColor(np.array([[[60] * 3, [180] * 3]], np.uint8), cv2.COLOR_RGB2LAB)[0, :, 0].astype(float)
    assert colour == pytest.approx((lightness[1] - lightness[0]) / 2 / 20, rel=0.05)
    assert step == pytest.approx(np.log(2), rel=0.05) and relief < 0.2
    assert area == pytest.approx(np.log(1 - regions.area[board]))
    assert cut == pytest.approx(2 * (96 + 128) / (2 * (96 + 128) + 160), rel=0.05) and regions.cut[board] == 0


def test_sums_of_joined_regions_are_those_of_their_pixels():
    rng = np.random.default_rng(0)
    depth = cv2.GaussianBlur(rng.uniform(1, 4, SHAPE).astype(np.float32), (0, 0), 6)
    depth = 1 + 3 * (depth - depth.min()) / np.ptp(depth)
    edge = cv2.GaussianBlur(rng.uniform(0, 1, SHAPE).astype(np.float32), (0, 0), 2)
    edge = (edge - edge.min()) / np.ptp(edge)
    regions = Regions(depth, edge, rng.integers(0, 255, (*SHAPE, 3), np.uint8))
    before = len(regions.area)
    regions.unite(np.arange(len(regions.a)) % 5 == 0)
    assert 1 < len(regions.area) < before
    labels, sampled, depth = regions.labels, regions.labels[::2, ::2], depth[::2, ::2]
    assert labels.max() == len(regions.area) - 1
    for k in (0, len(regions.area) // 2, len(regions.area) - 1):
        assert regions.area[k] == pytest.approx((sampled == k).mean())
        assert regions.relief[k] == pytest.approx(np.log(depth[sampled == k]).std(), abs=1e-3)
    pairs = {tuple(sorted(pair)) for first, second in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:]))
             for pair in zip(first[first != second].tolist(), second[first != second].tolist())}
    assert set(zip(regions.a.tolist(), regions.b.tolist())) == pairs


def test_number_of_instances_is_bounded_and_the_largest_stay():
    depth, masks = wall(), []
    for row in range(3):
        for column in range(4):
            masks.append(box(slice(8 + row * 30, 24 + row * 30), slice(8 + column * 30, 22 + column * 30 + row)))
            depth[masks[-1]] = 2.0
    assert partition(depth, outline(*masks), paint()).max() == 12
    labels = partition(depth, outline(*masks), paint(), max_instances=4)
    assert labels.max() == 4 and labels[75, 15] > 0 and labels[15, 15] == 0


def test_specks_join_what_is_around_them():
    depth = wall()
    depth[50:52, 60:62] = 2.0
    assert partition(depth, np.zeros(SHAPE, np.float32), paint()).max() == 0


@pytest.mark.parametrize("nothing", [NAN, INF])
def test_what_has_no_depth_is_background(nothing):
    labels = partition(wall(nothing), np.zeros(SHAPE, np.float32), paint())
    assert labels.shape == SHAPE and not labels.any()
    mask = box(slice(20, 60), slice(20, 60))
    depth = wall(nothing)
    depth[mask] = 2.0
    labels = partition(depth, outline(mask), paint())
    assert labels[40, 40] == 1 and labels[80, 100] == 0


def test_large_pictures_keep_their_size_and_colours_may_have_another():
    depth, edge = np.full((480, 640), 4, np.float32), np.zeros((480, 640), np.float32)
    depth[100:300, 100:300] = 2
    cv2.rectangle(edge, (100, 100), (299, 299), 1, 3)
    rgb = np.full((240, 320, 3), 128, np.uint8)
    rgb[50:150, 50:150] = RED
    labels = partition(depth, edge, rgb)
    assert labels.shape == (480, 640) and set(np.unique(labels)) == {0, 1}
    assert labels[200, 200] == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1), (3, 700)])
@pytest.mark.parametrize("value", [0, 1, NAN])
def test_any_size_and_any_maps_give_labels(shape, value):
    for depth_m in (1, -1, NAN, INF):
        depth, edge = np.full(shape, depth_m, np.float32), np.full(shape, value, np.float32)
        assert partition(depth, edge, np.zeros((*shape, 3), np.uint8)).shape == shape


def test_everything_a_barrier_is_one_background():
    assert not partition(wall(), np.ones(SHAPE, np.float32), paint()).any()


@pytest.mark.parametrize("arguments, text", [
    ((np.ones((4, 4), np.float32), np.ones((4, 5), np.float32)), r"probability \(4, 5\)"),
    ((np.ones((4, 4), np.float32), np.ones((4, 4), np.float32), 0), "max_instances is 0"),
])
def test_partition_names_what_is_wrong(arguments, text):
    with pytest.raises(ValueError, match=text):
        partition(*arguments[:2], np.zeros((4, 4, 3), np.uint8), *arguments[2:])
