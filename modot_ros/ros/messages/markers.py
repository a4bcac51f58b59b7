# SPDX-License-Identifier: Apache-2.0
"""What RViz and Foxglove draw in space: occlusion frontiers as curtains, instances and their order as shapes and arrows.

An array begins with DELETEALL, so that nothing of an earlier frame stays. Points and colours are made once and shared
between triangles: a message object costs microseconds.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from geometry_msgs.msg import Point, Quaternion, Vector3
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from modot_ros.classes import is_room
from modot_ros.prediction import Instance, OrderGraph
from modot_ros.scene.drawing.graph_overlay import rank_colours
from modot_ros.scene.order.places import Place, is_person

FULL_GAP_M = 3.0                                        # gap in depth from which a curtain has the last colour
GAP_COLOURS = 32
CURTAIN_ALPHA, BODY_ALPHA, GHOST_ALPHA = 0.6, 0.45, 0.25
PEOPLE, OBSTACLES, HIDDEN = (213, 94, 0), (86, 180, 233), (150, 150, 150)      # of Okabe and Ito's palette for all eyes
TEXT_M, BALL_M = 0.08, 0.06                             # height of letters, diameter of balls, per metre of distance up to FAR_M
NEAR_M, FAR_M = 0.4, 4.0
LEAST_BODY_M, MOST_BODY_M = 0.05, 1.0                   # how deep a shape is drawn
UPRIGHT = Quaternion(x=math.sqrt(0.5), w=math.sqrt(0.5))    # a cylinder's axis along the picture's columns
MAX_ARROWS = 60                                         # the surest ones


def frontier_markers(posts: np.ndarray, links: np.ndarray, header: Header) -> MarkerArray:
    """Curtains of `scene.drawing.curtains`, coloured by gap: pale yellow for small ones, dark purple from FULL_GAP_M on."""
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    if len(links):                                      # RViz calls an empty list an error
        colours = _gap_colours()
        levels = np.minimum(posts[:, 6] / FULL_GAP_M * (GAP_COLOURS - 1), GAP_COLOURS - 1).astype(int).tolist()
        rows = posts[:, :6].astype(float).tolist()
        near = [Point(x=row[0], y=row[1], z=row[2]) for row in rows]
        far = [Point(x=row[3], y=row[4], z=row[5]) for row in rows]
        curtain = _marker(header, "curtains", 0, Marker.TRIANGLE_LIST, (1.0, 1.0, 1.0), ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0))
        curtain.points = [point for a, b in links.tolist() for point in (near[a], near[b], far[b], near[a], far[b], far[a])]
        curtain.colors = [colours[levels[k]] for a, b in links.tolist() for k in (a, b, b, a, b, a)]
        markers.append(curtain)
    return MarkerArray(markers=markers)


def order_markers(graph: OrderGraph, places: dict[int, Place], header: Header) -> MarkerArray:
    """Balls with ids and names at the instances, arrows from occluders to what they hide.

    An arrow is the thicker the surer and has the colour of its occluder's rank in depth. Instances with the name of people are
    orange columns, others that have a name blue boxes (but for walls, floors and the like, `classes.is_room`), hidden ones
    grey ghosts where they were seen last. Each kind is a namespace: `instances`, `people`, `obstacles`, `hidden`, `occlusions`,
    `names`.
    """
    markers = [Marker(header=header, action=Marker.DELETEALL)]
    colours = rank_colours(graph.instances)
    for one in graph.instances:
        place = places.get(one.id)
        if place is not None:
            markers += _instance_markers(one, place, colours[one.id], header)
    surest = sorted(graph.occlusions, key=lambda order: -order.confidence)[:MAX_ARROWS]
    for number, order in enumerate(surest):
        if order.occluder in places and order.occludee in places:
            start, end = (places[id].centre_m for id in (order.occluder, order.occludee))
            shaft_m = 0.008 + 0.022 * order.confidence
            arrow = _marker(header, "occlusions", number, Marker.ARROW, (shaft_m, 2.5 * shaft_m, 3 * shaft_m),
                            _colour(colours[order.occluder], 1.0))
            arrow.points = [_point(start), _point(end)]
            markers.append(arrow)
    return MarkerArray(markers=markers)


def _instance_markers(one: Instance, place: Place, rank_colour: tuple[int, int, int], header: Header) -> list[Marker]:
    x, y, z = place.centre_m
    nearness = min(max(z, NEAR_M), FAR_M)
    width, height, depth = place.size_m
    deep = min(max(depth, LEAST_BODY_M), MOST_BODY_M)
    found = []
    if one.hidden_by:
        found.append(_marker(header, "hidden", one.id, Marker.CUBE, (width, height, deep), _colour(HIDDEN, GHOST_ALPHA),
                             (x, y, z)))
    elif is_person(one.name):
        column = _marker(header, "people", one.id, Marker.CYLINDER, (width, min(width, MOST_BODY_M), height),
                         _colour(PEOPLE, BODY_ALPHA), (x, y, z))
        column.pose.orientation = UPRIGHT
        found.append(column)
    elif one.name and not is_room(one.name):
        found.append(_marker(header, "obstacles", one.id, Marker.CUBE, (width, height, deep),
                             _colour(OBSTACLES, BODY_ALPHA), (x, y, z)))
    if not one.hidden_by:
        found.append(_marker(header, "instances", one.id, Marker.SPHERE, (BALL_M * nearness,) * 3, _colour(rank_colour, 1.0),
                             (x, y, z)))
    text = _marker(header, "names", one.id, Marker.TEXT_VIEW_FACING, (0.0, 0.0, TEXT_M * nearness),
                   _colour((255, 255, 255), 1.0), (x, y - BALL_M * nearness, z - BALL_M * nearness))
    text.text = f"{one.id} {one.name}".rstrip() + (f" hidden by {one.hidden_by}" if one.hidden_by else "")
    found.append(text)
    return found


def _marker(header: Header, namespace: str, number: int, kind: int, size_m: Sequence[float], colour: ColorRGBA,
            place_m: Sequence[float] = (0.0, 0.0, 0.0)) -> Marker:
    marker = Marker(header=header, ns=namespace, id=number, type=kind, scale=Vector3(x=size_m[0], y=size_m[1], z=size_m[2]),
                    color=colour)
    marker.pose.position = _point(place_m)
    return marker


def _point(place_m: Sequence[float]) -> Point:
    return Point(x=place_m[0], y=place_m[1], z=place_m[2])


@cache
def _colour(rgb: tuple[int, int, int], alpha: float) -> ColorRGBA:
    return ColorRGBA(r=rgb[0] / 255, g=rgb[1] / 255, b=rgb[2] / 255, a=alpha)


@cache
def _gap_colours() -> list[ColorRGBA]:
    ramp = cv2.applyColorMap(np.linspace(255, 40, GAP_COLOURS).astype(np.uint8), cv2.COLORMAP_PLASMA).reshape(-1, 3)[:, ::-1]
    return [_colour(tuple(row), CURTAIN_ALPHA) for row in ramp.tolist()]
