# SPDX-License-Identifier: Apache-2.0
"""A frame in Rerun's own file, read back with its own reader."""
import numpy as np
import pytest

from modot_ros.prediction import OrderGraph

rr = pytest.importorskip("rerun", reason="rerun-sdk is not installed: `make view` brings it")

from modot_ros.scene.drawing.curtains import curtains  # noqa: E402
from modot_ros.view.layout import layout  # noqa: E402
from modot_ros.view.log import MOST_MAP_PX, curtain_mesh, graph_of, log_frame, reduced  # noqa: E402
from modot_ros.view.page import Page  # noqa: E402


class Written:
    """What log_frame gives to a stream, by entity."""

    def __init__(self, frame) -> None:
        self.entities = {}
        self.logged = log_frame(self, frame)

    def log(self, path, *what, static=False):
        self.entities[path] = what


def column(archetype, name):
    """The values of a component of an archetype."""
    return getattr(archetype, name).as_arrow_array().to_pylist()


def test_every_part_is_logged_and_laid_out(make_frame):
    written = Written(make_frame({"rate Hz": 3.0, "network ms": 30.0, "unknown ms": np.nan}))
    assert {"boundaries", "depth", "instances", "order", "world/points", "world/frontiers", "numbers/Hz",
            "numbers/ms"} <= written.logged
    assert {"world/order", "world/hidden", "instances/names", "camera/picture", "numbers/ms/network"} <= set(written.entities)
    assert "numbers/ms/unknown" not in written.entities and "truth/depth" not in written.entities
    layout(written.logged)


def test_depth_is_in_millimetres_and_points_are_on_the_surfaces(make_frame):
    entities = Written(make_frame()).entities
    depth = entities["depth"][0]
    assert column(depth, "meter") == [1000.0]
    points = np.array(column(entities["world/points"][0], "positions"))
    assert set(np.round(points[:, 2], 2)) == {1.0, 2.0, 3.0}


def test_the_graph_has_the_nearest_below_and_edges_from_occluder_to_occludee(make_frame):
    nodes, edges = graph_of(make_frame().graph, 160)
    assert column(nodes, "node_ids") == ["1", "2", "3"]         # without depth there is no rank
    assert column(nodes, "labels") == ["1 person", "2", "3 cup (hidden)"]
    down = [y for _, y in column(nodes, "positions")]
    assert down[0] > down[1] > down[2]                          # y grows downwards
    assert [(edge["first"], edge["second"]) for edge in column(edges, "edges")] == [("1", "2")]


def test_curtains_are_two_triangles_per_link(make_frame):
    posts, links = curtains(*make_frame().frontiers, 160)
    mesh = curtain_mesh(posts, links)
    triangles = np.array(column(mesh, "triangle_indices"))
    assert len(links) > 10 and triangles.shape == (2 * len(links), 3) and triangles.max() < 2 * len(posts)


@pytest.mark.parametrize("changes", [
    {"depth_kind": "relative"}, {"labels": None, "graph": None}, {"graph": None}, {"graph": OrderGraph("geometric")},
    {"labels": np.zeros((120, 160), np.int32), "graph": OrderGraph("geometric")}, {"boundary_mask": None},
    {"depth": np.full((120, 160), np.nan, np.float32)}, {"log_depth_std": np.full((120, 160), 0.2, np.float32)}])
def test_what_is_missing_is_left_out(make_frame, changes, tmp_path):
    with Page(save=tmp_path / "a.rrd", serve=False) as page:
        page.show(make_frame(**changes))
    assert (tmp_path / "a.rrd").stat().st_size > 1000
    assert ("uncertainty" in page.logged) == ("log_depth_std" in changes)


def test_large_maps_are_reduced():
    assert reduced(np.zeros((1080, 1920))).size <= 1.3 * MOST_MAP_PX and reduced(np.zeros((120, 160))).shape == (120, 160)
