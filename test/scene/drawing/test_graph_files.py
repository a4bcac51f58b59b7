# SPDX-License-Identifier: Apache-2.0
"""What other programs and people read of an order graph."""
import io
import json
import re

import networkx
import pytest

from modot_ros.prediction import DepthOrder, Instance, OcclusionOrder, OrderGraph
from modot_ros.scene.drawing.graph_files import as_networkx, dot, graph_files, graph_text, graphml

NAN, INF = float("nan"), float("inf")
GRAPH = OrderGraph("fused",
                   (Instance(3, 40, (1, 2, 8, 5), 1.0, 0.9, 1.1, 'red "cup" <1> \\ ü', 0.5),
                    Instance(12, 30, (9, 2, 6, 5), 2.0, 1.8, 2.2, "table\x00\n"),
                    Instance(700, 20, (3, 8, 5, 4), INF, NAN, INF)),
                   (OcclusionOrder(3, 12, 0.75, True, 12.0, 1.0), OcclusionOrder(12, 3, 0.5, True, 4.0, 0.2),
                    OcclusionOrder(3, 700, 0.875, False, 0.0, NAN)),
                   (DepthOrder(3, 12, False, True, 0.9), DepthOrder(12, 700, True, False, 0.6)))


def test_nodes_and_edges_hold_the_fields():
    graph = as_networkx(GRAPH)
    assert graph.graph == {"method": "fused"}
    assert graph.nodes[3] == {"name": 'red "cup" <1> \\ ü', "score": 0.5, "area_px": 40, "left_px": 1, "top_px": 2,
                              "width_px": 8, "height_px": 5, "depth_m": 1.0, "depth_near_m": 0.9, "depth_far_m": 1.1,
                              "age": 1, "hidden_by": 0}
    assert graph.nodes[12]["name"] == "table"
    assert "depth_m" not in graph.nodes[700]
    assert set(graph.edges) == {(3, 12, "occludes 3 12"), (12, 3, "occludes 12 3"), (3, 700, "occludes 3 700"),
                                (3, 12, "nearer 3 12"), (12, 700, "equal 12 700")}
    assert graph.edges[3, 12, "occludes 3 12"] == {"relation": "occludes", "confidence": 0.75, "mutual": True,
                                                   "boundary_length_px": 12.0, "depth_gap_m": 1.0}
    assert "depth_gap_m" not in graph.edges[3, 700, "occludes 3 700"]
    assert graph.edges[12, 700, "equal 12 700"] == {"relation": "equal", "confidence": 0.6, "overlapping": False}


@pytest.mark.parametrize("graph", [GRAPH, OrderGraph("geometric")])
def test_graphml_is_read_back_equal(graph):
    read = networkx.read_graphml(io.BytesIO(graphml(graph)), node_type=int, force_multigraph=True)
    written = as_networkx(graph)
    assert read.is_directed() and read.graph["method"] == graph.method
    assert dict(read.nodes(data=True)) == dict(written.nodes(data=True))
    assert sorted(read.edges(keys=True), key=str) == sorted(written.edges(keys=True), key=str)
    for edge in written.edges(keys=True):
        assert {name: value for name, value in read.edges[edge].items() if name != "id"} == written.edges[edge]


def test_dot_draws_occlusions_and_orders_layers_by_depth():
    first, *lines, last = dot(GRAPH).splitlines()
    assert first.startswith("digraph") and "fused" in first and last == "}"
    nodes = {line.split()[0]: line for line in lines if re.match(r"  \d+ \[", line)}
    assert list(nodes) == ["3", "12", "700"]
    label = re.search(r'label=("(?:[^"\\]|\\.)*")', nodes["3"])[1]      # a quote or backslash inside is escaped
    assert json.loads(label) == '3 red "cup" <1> \\ ü'
    assert 'class_name="table"' in nodes["12"] and " name=" not in nodes["12"]
    edges = [line for line in lines if "->" in line]
    drawn = [line for line in edges if "invis" not in line]
    assert [line.split("[")[0].strip() for line in drawn] == ["3 -> 12", "3 -> 700", "12 -> 3"]
    widths = [float(re.search(r"penwidth=([\d.]+)", line)[1]) for line in drawn]
    assert widths[1] > widths[0] > widths[2]
    assert [("constraint=true" in line) for line in edges if "invis" in line] == [True, False]
    assert all("relation=" in line and "confidence=" in line for line in edges)


def test_all_files_are_there():
    files = graph_files(GRAPH, "a")
    assert set(files) == {"a_graph.json", "a_graph.graphml", "a_graph.dot"}
    assert json.loads(files["a_graph.json"])["method"] == "fused"


def test_text_names_every_relation():
    text = graph_text(GRAPH)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines[0] == "3 instances, near to far"
    assert lines[1] == '3 red "cup" <1> \\ ü 1.00 m (0.90 m to 1.10 m) 40 px'
    assert lines[3] == "700 beyond (unknown to beyond) 20 px"
    assert lines[4:8] == ["3 occlusions (fused), surest first",
                          '3 red "cup" <1> \\ ü occludes 700 0.88',
                          '3 red "cup" <1> \\ ü occludes 12 table 0.75 along 12 px step 1.00 m mutual',
                          '12 table occludes 3 red "cup" <1> \\ ü 0.50 along 4 px step 0.20 m mutual']
    assert lines[8:] == ["2 depth orders (fused)", '3 red "cup" <1> \\ ü nearer than 12 (0.90)',
                         "12 table at the depth of 700 (0.60)", "700 at the depth of 12 (0.60)"]
    assert "1.00 (0.90 to 1.10)" in " ".join(graph_text(GRAPH, unit="").split())


def test_text_of_hidden_instances_and_of_nothing():
    hidden = OrderGraph("geometric", (Instance(1, 9, (0, 0, 3, 3), 1, 1, 1, "box"),
                                      Instance(2, 0, (1, 1, 2, 2), 2, 2, 2, hidden_by=1)))
    assert "2 2.00 m (2.00 m to 2.00 m) hidden by 1 box" in " ".join(graph_text(hidden).split())
    assert graph_text(OrderGraph("geometric")).splitlines()[0] == "0 instances, near to far"
