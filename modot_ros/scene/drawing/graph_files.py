# SPDX-License-Identifier: Apache-2.0
"""The order graph for other programs and for people: GraphML, DOT, and lines of text.

In GraphML (Gephi, yEd, networkx) and DOT (Graphviz) nodes are instances, by their id in the label image. Every relation
is an edge with the attribute `relation`: "occludes" from occluder to occludee, "nearer" from near to far, "equal"
between two at one depth. The other attributes are the fields of modot_ros.prediction; numbers that are not finite are
left out, for readers know no common spelling of them.
"""
from __future__ import annotations

import io
import json
import math
from dataclasses import asdict

import networkx

from modot_ros.prediction import Instance, OrderGraph
from modot_ros.scene.drawing.prediction_files import graph_json

_BOX = ("left_px", "top_px", "width_px", "height_px")


def as_networkx(graph: OrderGraph) -> networkx.MultiDiGraph:
    """The graph with nodes by id and all relations as edges; its attribute `method` is their source."""
    result = networkx.MultiDiGraph(method=graph.method)
    for instance in graph.instances:
        fields = asdict(instance)
        fields.update(zip(_BOX, fields.pop("bbox_px")))
        fields["name"] = _printable(instance.name)
        result.add_node(fields.pop("id"), **_finite(fields))
    for order in graph.occlusions:
        fields = asdict(order)
        ends = fields.pop("occluder"), fields.pop("occludee")
        result.add_edge(*ends, "occludes {} {}".format(*ends), relation="occludes", **_finite(fields))
    for order in graph.depths:
        fields = asdict(order)
        ends = fields.pop("near"), fields.pop("far")
        relation = "equal" if fields.pop("equal") else "nearer"
        result.add_edge(*ends, "{} {} {}".format(relation, *ends), relation=relation, **_finite(fields))
    return result


def _finite(fields: dict) -> dict:
    return {name: value for name, value in fields.items() if not isinstance(value, float) or math.isfinite(value)}


def graphml(graph: OrderGraph) -> bytes:
    """GraphML; `networkx.read_graphml(file, node_type=int)` gives `as_networkx(graph)` back."""
    file = io.BytesIO()
    networkx.write_graphml(as_networkx(graph), file, named_key_ids=True)
    return file.getvalue()


def dot(graph: OrderGraph) -> str:
    """DOT: `dot -Tsvg` draws occlusions as arrows, the thicker the surer, what is near above what is far."""
    def attributes(fields: dict) -> str:
        return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in fields.items())

    written = as_networkx(graph)
    lines = [f"digraph order {{  // {graph.method}", '  node [shape=box, style=rounded, fontname="sans-serif"];']
    for instance in graph.instances:
        fields = {"label": _title(instance), **written.nodes[instance.id]}
        fields["class_name"] = fields.pop("name")       # readers take `name` for the node's own
        lines.append(f"  {instance.id} [{attributes(fields)}];")
    for near, far, fields in written.edges(data=True):
        style = {"style": "invis", "constraint": fields["relation"] == "nearer"}
        if fields["relation"] == "occludes":
            style = {"penwidth": round(0.5 + 2.5 * fields["confidence"], 2), "constraint": False}
        lines.append(f"  {near} -> {far} [{attributes({**fields, **style})}];")
    return "\n".join([*lines, "}"]) + "\n"


def graph_files(graph: OrderGraph, name: str) -> dict[str, bytes]:
    """Contents of NAME_graph.json, NAME_graph.graphml and NAME_graph.dot, by these names."""
    contents = {"json": (graph_json(graph) + "\n").encode(), "graphml": graphml(graph), "dot": dot(graph).encode()}
    return {f"{name}_graph.{ending}": content for ending, content in contents.items()}


def graph_text(graph: OrderGraph, unit: str = "m") -> str:
    """The graph in lines that a person reads: instances from near to far, then who occludes whom, then depth orders.

    unit: of depth; "" for depth that is relative
    """
    def depth(value: float) -> str:
        return "unknown" if math.isnan(value) else "beyond" if math.isinf(value) else f"{value:.2f} {unit}".rstrip()

    titles = {instance.id: _title(instance) for instance in graph.instances}
    width = max(map(len, titles.values()), default=0)
    by_depth = sorted(graph.instances, key=lambda instance: (math.isnan(instance.depth_m), instance.depth_m))
    lines = [f"{len(titles)} instances, near to far"]
    for instance in by_depth:
        span = f"({depth(instance.depth_near_m)} to {depth(instance.depth_far_m)})"
        place = f"{instance.area_px} px" if instance.area_px else f"hidden by {titles.get(instance.hidden_by, '?')}"
        lines.append(f"  {titles[instance.id]:<{width}}  {depth(instance.depth_m):>8}  {span:<20}  {place}")
    lines.append(f"{len(graph.occlusions)} occlusions ({graph.method}), surest first")
    for order in sorted(graph.occlusions, key=lambda order: -order.confidence):
        along = f"  along {order.boundary_length_px:.0f} px" if order.boundary_length_px else ""
        step = "" if math.isnan(order.depth_gap_m) else f"  step {depth(order.depth_gap_m)}"
        lines.append(f"  {titles[order.occluder]:<{width}}  occludes  {titles[order.occludee]:<{width}}  "
                     f"{order.confidence:.2f}{along}{step}{'  mutual' if order.mutual else ''}")
    lines.append(f"{len(graph.depths)} depth orders ({graph.method})")
    for instance in by_depth:
        nearer_than = [(order.far, order.confidence) for order in graph.depths
                       if not order.equal and order.near == instance.id]
        equal_to = [(order.far if order.near == instance.id else order.near, order.confidence) for order in graph.depths
                    if order.equal and instance.id in (order.near, order.far)]
        for says, others in (("nearer than", nearer_than), ("at the depth of", equal_to)):
            if others:
                listed = ", ".join(f"{other} ({confidence:.2f})" for other, confidence in sorted(others))
                lines.append(f"  {titles[instance.id]:<{width}}  {says}  {listed}")
    return "\n".join(lines)


def _title(instance: Instance) -> str:
    return f"{instance.id} {_printable(instance.name)}".rstrip()


def _printable(text: str) -> str:
    """Without control characters: XML can't hold them, and a terminal would obey them."""
    return "".join(filter(str.isprintable, text))
