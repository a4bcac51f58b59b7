# SPDX-License-Identifier: Apache-2.0
"""Pictures are looked at by people; a test can ask where the marks are, and of which colour and thickness."""
import numpy as np
import pytest

from modot_ros.prediction import Instance, OcclusionOrder, OrderGraph
from modot_ros.scene.drawing.graph_overlay import UNRANKED, draw_graph, place_arrows, rank_colours

NAN = float("nan")


def instance(labels: np.ndarray, id: int, depth_m: float = 1.0, name: str = "") -> Instance:
    v, u = np.nonzero(labels == id)
    box = (int(u.min()), int(v.min()), int(np.ptp(u)) + 1, int(np.ptp(v)) + 1)
    return Instance(id, len(v), box, depth_m, depth_m, depth_m, name)


def order(occluder: int, occludee: int, confidence: float = 0.9, mutual: bool = False) -> OcclusionOrder:
    return OcclusionOrder(occluder, occludee, confidence, mutual, 10.0, 1.0)


def halves(shape: tuple[int, int] = (80, 160)) -> np.ndarray:
    labels = np.ones(shape, np.int32)
    labels[:, shape[1] // 2:] = 2
    return labels


def drawn(labels: np.ndarray, *orders: OcclusionOrder, hidden: tuple[Instance, ...] = (),
          names: tuple[str, str] = ("", "")) -> np.ndarray:
    picture = np.zeros((*labels.shape, 3), np.uint8)
    nodes = (instance(labels, 1, 1.0, names[0]), instance(labels, 2, 2.0, names[1]), *hidden)
    draw_graph(picture, labels, OrderGraph("geometric", nodes, orders))
    return picture


def of_colour(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.abs(picture.astype(int) - colour).sum(2) < 60


def test_colour_is_the_rank_in_depth():
    labels = halves()
    labels[:10] = 3
    near, far, unknown = (instance(labels, *pair) for pair in ((2, 1.0), (1, 50.0), (3, NAN)))
    colours = rank_colours((far, near, unknown))
    assert colours[2][0] > colours[2][2] and colours[1][2] > colours[1][0] and colours[3] == UNRANKED
    assert rank_colours((near,))[2] == colours[2]


def test_arrow_stands_across_the_contour_and_points_at_the_occludee():
    for occluder, occludee, right in ((1, 2, True), (2, 1, False)):
        labels = halves()
        picture = drawn(labels, order(occluder, occludee))
        colours = rank_colours((instance(labels, 1, 1.0), instance(labels, 2, 2.0)))
        columns = of_colour(picture, colours[occluder])[:, 60:100].sum(0)        # names stand farther out
        assert columns[:20].any() and columns[20:].any()
        assert (columns.argmax() >= 20) == right                                # the head is wide


@pytest.mark.parametrize("ids", [(1, 2), (2, 1)])
def test_arrow_is_placed_where_the_step_is(ids):
    labels = halves()
    depth = np.where(labels == ids[0], 1.0, 1.02).astype(np.float32)
    depth[50:60][labels[50:60] == ids[1]] = 3.0                                  # elsewhere the two nearly touch
    (point,), (direction,) = place_arrows(labels, [order(*ids)], depth, {})
    assert point[0] == 79.5 and 50 <= point[1] < 60
    assert direction.tolist() == ([1, 0] if ids == (1, 2) else [-1, 0])
    (point,), _ = place_arrows(labels, [order(*ids)], None, {})
    assert 35 <= point[1] <= 44                                                  # without depth in the middle


@pytest.mark.parametrize("beyond", [np.inf, np.nan])
def test_depth_that_is_no_number_is_survived(beyond):
    labels = halves()
    depth = np.where(labels == 1, 1.0, beyond).astype(np.float32)
    (point,), (direction,) = place_arrows(labels, [order(1, 2)], depth, {})
    assert point[0] == 79.5 and direction.tolist() == [1, 0]


def test_arrow_crosses_a_slanted_contour_at_a_right_angle():
    v, u = np.mgrid[:80, :80]
    labels = np.where(u + v < 80, 1, 2)
    _, (direction,) = place_arrows(labels, [order(1, 2)], None, {})
    np.testing.assert_allclose(direction, np.sqrt([0.5, 0.5]), atol=0.05)


def test_small_gaps_are_bridged_and_what_is_apart_has_an_arrow_between_the_centres():
    labels = halves()
    labels[:, 79:81] = 0
    (point,), _ = place_arrows(labels, [order(1, 2)], None, {})
    assert 78 < point[0] < 81
    labels[:, 60:100] = 0
    (point,), (direction,) = place_arrows(labels, [order(2, 1)], None, {1: (30, 40), 2: (130, 40)})
    assert point.tolist() == [80, 40] and direction.tolist() == [-1, 0]


def test_rows_do_not_meet_around_the_picture_border():
    labels = np.zeros((4, 6), np.int32)
    labels[1, 5], labels[3, 0] = 1, 2
    (point,), _ = place_arrows(labels, [order(1, 2)], None, {1: (5, 1), 2: (0, 3)})
    assert point.tolist() == [2.5, 2]


def test_surer_arrows_are_thicker_and_mutual_ones_stand_apart():
    labels = halves()
    colours = rank_colours((instance(labels, 1, 1.0), instance(labels, 2, 2.0)))
    sizes = [of_colour(drawn(labels, order(1, 2, confidence)), colours[1])[:, 60:100].sum()
             for confidence in (0.2, 0.6, 1.0)]
    assert 0 < sizes[0] < sizes[1] < sizes[2]
    both = drawn(labels, order(1, 2, mutual=True), order(2, 1, mutual=True))[:, 60:100]
    assert of_colour(both, colours[1])[:40].any() and of_colour(both, colours[2])[40:].any()


def test_names_stand_where_there_is_room():
    labels = np.zeros((100, 240), np.int32)
    labels[10:90, 10:110], labels[40:44, 150:200] = 1, 2
    plain, named, other = (drawn(labels, names=names) for names in (("", ""), ("cup", ""), ("", "cup")))
    v, u = np.nonzero((plain != named).any(2))
    assert len(v) and 10 <= u.min() and u.max() < 110 and 30 < v.min() and v.max() < 70
    assert plain.any()                                                          # an id without a name is drawn
    assert not plain[:, 120:].any() and (other == plain).all()                  # but not on what is too thin for it


def test_names_can_be_read_on_yellow():
    picture, labels = np.full((480, 640, 3), (255, 255, 0), np.uint8), np.ones((480, 640), np.int32)
    draw_graph(picture, labels, OrderGraph("geometric", (instance(labels, 1),)))
    v, u = np.nonzero((picture != (255, 255, 0)).any(2))
    edge = np.concatenate([picture[v.min(), u.min():u.max()], picture[v.max(), u.min():u.max()]])
    assert edge.max() < 80 and picture[v, u].min(1).max() > 200                # white letters on a dark plate


def test_hidden_instance_is_a_dashed_box_where_it_was():
    labels = halves((80, 160))
    hidden = Instance(9, 0, (20, 10, 41, 31), 1.5, 1.5, 1.5, hidden_by=1)
    with_box, without = drawn(labels, hidden=(hidden,)), drawn(labels)
    changed = (with_box != without).any(2)
    v, u = np.nonzero(changed)
    assert (u.min(), v.min(), u.max(), v.max()) == (20, 10, 60, 40)
    top = changed[10, 20:61]
    assert 0.3 < top.mean() < 0.7 and np.diff(top.astype(int)).any()
    outside = Instance(9, 0, (-10, 60, 400, 400), 1.5, 1.5, 1.5, hidden_by=1)
    assert (drawn(labels, hidden=(outside,)) != without).any()


def test_instances_that_the_picture_lacks_are_survived():
    labels = np.zeros((4, 4), np.int32)
    labels[1, 1], labels[3, 3] = 1, 2                   # between the pixels that are looked at
    assert drawn(labels, order(1, 2)).shape == (4, 4, 3)
