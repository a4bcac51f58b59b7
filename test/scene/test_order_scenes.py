# SPDX-License-Identifier: Apache-2.0
"""Small scenes drawn by hand: who occludes whom, at several sizes, and turned and mirrored with the picture."""
import cv2
import numpy as np
import pytest

from modot_ros.scene.order.graph import order_graph

TURNS = [pytest.param(turn, mirror, id=f"{90 * turn}{'m' * mirror}") for turn in range(4) for mirror in (False, True)]


def both_ways(turn: int, mirror: bool, *arrays: np.ndarray) -> list[np.ndarray]:
    """The arrays turned by quarter turns, and mirrored."""
    return [np.ascontiguousarray(np.rot90(a[:, ::-1] if mirror else a, turn)) for a in arrays]


def drawing(size: int, nearness: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """An empty label image [3 size, 4 size] and inverse depth of a wall."""
    return np.zeros((3 * size, 4 * size), np.uint16), np.full((3 * size, 4 * size), nearness, np.float32)


def put(scene: tuple[np.ndarray, np.ndarray], label: int, where: tuple[slice, slice], nearness: float) -> None:
    for array, value in zip(scene, (label, nearness)):
        array[where] = value


def hides(labels: np.ndarray, nearness: np.ndarray, probability: np.ndarray | None = None) -> set[tuple[int, int]]:
    graph = order_graph(labels, 1 / nearness, probability)
    found = {(o.occluder, o.occludee) for o in graph.occlusions}
    for order in graph.occlusions:
        assert order.mutual == ((order.occludee, order.occluder) in found)
        assert 0.5 < order.confidence <= 1 and order.boundary_length_px > 0 and order.depth_gap_m > 0
    return found


def standing_on_a_floor(size: int) -> tuple[np.ndarray, np.ndarray]:
    """A box (2) whose front stands on a floor (1), seen from above: its foot touches, its head hides the floor."""
    labels, nearness = drawing(size)
    labels[:] = 1
    nearness[:] = 0.2 + (0.3 / size) * np.arange(3 * size, dtype=np.float32)[:, None]
    foot = 2 * size
    put((labels, nearness), 2, np.s_[size:foot, size:2 * size], float(nearness[foot - 1, 0]))
    return labels, nearness


def crossed_boards(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Two boards side by side, each leaning forward at another end: 1 hides 2 above, 2 hides 1 below."""
    scene = drawing(size)
    put(scene, 1, np.s_[:, size:2 * size], 0.5)
    put(scene, 2, np.s_[:, 2 * size:3 * size], 0.5)
    half = 3 * size // 2
    scene[1][:half, size:2 * size], scene[1][half:, 2 * size:3 * size] = 0.9, 0.9
    return scene


def circle_of_three(size: int) -> tuple[np.ndarray, np.ndarray]:
    """1 above, 2 lower left, 3 lower right, each with a flap over the next one."""
    labels, nearness = np.ones((4 * size, 4 * size), np.uint16), np.full((4 * size, 4 * size), 0.5, np.float32)
    middle, flap = 2 * size, size // 2
    labels[middle:, :middle], labels[middle:, middle:] = 2, 3
    nearness[middle - flap:middle, :middle] = 1.0                   # 1 before 2
    nearness[middle + flap:, middle - flap:middle] = 1.0            # 2 before 3
    nearness[middle:middle + flap, middle + flap:] = 1.0            # 3 before 1
    return labels, nearness


@pytest.mark.parametrize("turn, mirror", TURNS)
@pytest.mark.parametrize("size", [12, 30])
class TestTurned:
    def test_foot_on_the_floor_touches_and_head_hides(self, size, turn, mirror):
        labels, nearness = both_ways(turn, mirror, *standing_on_a_floor(size))
        assert hides(labels, nearness) == {(2, 1)}

    def test_contact_alone_is_no_occlusion(self, size, turn, mirror):
        labels, nearness = standing_on_a_floor(size)
        labels[:2 * size, :size] = labels[:2 * size, 2 * size:] = labels[:size] = 0     # only below the foot
        assert hides(*both_ways(turn, mirror, labels, nearness)) == set()

    def test_touching_at_equal_depth(self, size, turn, mirror):
        scene = drawing(size)
        put(scene, 5, np.s_[size:2 * size, size:2 * size], 0.5)
        put(scene, 9, np.s_[size:2 * size, 2 * size:3 * size], 0.5)
        labels, nearness = both_ways(turn, mirror, *scene)
        assert hides(labels, nearness) == set()
        (depth,) = order_graph(labels, 1 / nearness).depths
        assert (depth.near, depth.far, depth.equal) == (5, 9, True)

    def test_thin_pole_in_front(self, size, turn, mirror):
        scene = drawing(size)
        put(scene, 1, np.s_[:, size:3 * size], 0.4)
        put(scene, 2, np.s_[:, 2 * size:2 * size + size // 12], 0.8)               # one or two pixels wide
        assert hides(*both_ways(turn, mirror, *scene)) == {(2, 1)}

    def test_slanted_thin_pole_in_front(self, size, turn, mirror):
        labels, nearness = drawing(size)
        put((labels, nearness), 1, np.s_[:, :], 0.4)
        ends = (size, 2), (3 * size, 3 * size - 3)
        pole = cv2.line(np.zeros(labels.shape, np.uint8), *ends, 1, 2) > 0
        labels[pole], nearness[pole] = 2, 0.8
        assert hides(*both_ways(turn, mirror, labels, nearness)) == {(2, 1)}

    @pytest.mark.parametrize("inner, expected", [(0.9, {(2, 1)}), (0.35, {(1, 2)})])
    def test_inside_the_outline_of_another(self, size, turn, mirror, inner, expected):
        """A picture on a board hides it, what is seen through a window in the board is hidden by it."""
        scene = drawing(size)
        put(scene, 1, np.s_[2:-2, size // 2:-size // 2], 0.6)
        put(scene, 2, np.s_[size:2 * size, 3 * size // 2:5 * size // 2], inner)
        assert hides(*both_ways(turn, mirror, *scene)) == expected

    def test_mutual(self, size, turn, mirror):
        assert hides(*both_ways(turn, mirror, *crossed_boards(size))) == {(1, 2), (2, 1)}

    def test_cut_by_the_border(self, size, turn, mirror):
        scene = drawing(size)
        put(scene, 1, np.s_[:, :], 0.4)
        put(scene, 2, np.s_[2 * size:, 3 * size:], 0.7)
        assert hides(*both_ways(turn, mirror, *scene)) == {(2, 1)}

    def test_three_in_a_circle(self, size, turn, mirror):
        assert hides(*both_ways(turn, mirror, *circle_of_three(size))) == {(1, 2), (2, 3), (3, 1)}

    def test_background_seen_between_two(self, size, turn, mirror):
        """Masks with a gap of two pixels touch, unless what is seen in the gap lies behind both."""
        scene = drawing(size)
        put(scene, 1, np.s_[:, :2 * size - 1], 0.9)
        put(scene, 2, np.s_[:, 2 * size + 1:], 0.5)
        assert hides(*both_ways(turn, mirror, *scene)) == set()
        scene[1][:, 2 * size - 1:2 * size + 1] = 0.9, 0.5           # the gap is in the masks alone
        assert hides(*both_ways(turn, mirror, *scene)) == {(1, 2)}


@pytest.mark.parametrize("turn, mirror", TURNS)
def test_the_contour_that_runs_on_is_in_front_where_depth_is_silent(turn, mirror):
    """A bar (1) whose edge runs on past the end of another (2): depth shows no step, the boundary was seen."""
    labels, nearness = drawing(20, 0.5)
    labels[20:30], labels[30:, 30:50] = 1, 2
    probability = np.zeros(labels.shape, np.float32)
    probability[28:32] = 1
    labels, nearness, probability = both_ways(turn, mirror, labels, nearness, probability)
    nearness += np.float32(1e-4) * (labels == 1)        # not enough for a step
    assert hides(labels, nearness, probability) == {(1, 2)}
    assert hides(labels, nearness) == set()             # without a boundary it is contact


@pytest.mark.parametrize("blur_px", [1.0, 2.0])
def test_blurred_edges_keep_their_order(blur_px):
    scene = drawing(30)
    put(scene, 1, np.s_[20:70, 20:70], 0.5)
    put(scene, 2, np.s_[40:90, 50:100], 0.9)
    labels, nearness = scene
    blurred = cv2.GaussianBlur(nearness, (0, 0), blur_px)
    assert hides(labels, blurred) == {(2, 1)}


def test_noise_of_depth_does_not_make_touching_things_hide_each_other():
    scene = drawing(30)
    put(scene, 1, np.s_[20:70, 20:60], 0.5)
    put(scene, 2, np.s_[20:70, 60:100], 0.5)
    noise = np.random.default_rng(0).normal(0, 0.001, scene[1].shape).astype(np.float32)
    assert hides(scene[0], scene[1] + noise) == set()


def test_without_depth_a_boundary_alone_is_silent():
    scene = drawing(20)
    put(scene, 1, np.s_[:, :40], 0.9)
    put(scene, 2, np.s_[:, 40:], np.nan)
    assert hides(*scene, np.ones(scene[0].shape, np.float32)) == set()
