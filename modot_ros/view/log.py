# SPDX-License-Identifier: Apache-2.0
"""A frame as entities of Rerun. Their paths are what `layout` arranges."""
from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from modot_ros.prediction import OrderGraph
from modot_ros.scene.drawing.curtains import curtains
from modot_ros.scene.drawing.graph_overlay import rank_colours
from modot_ros.scene.drawing.overlay import colour_depth, depth_limits
from modot_ros.scene.geometry import flying_pixels, points
from modot_ros.scene.order.places import centres_of, places

if TYPE_CHECKING:
    from modot_ros.view.frame import FrameView

MOST_POINTS = 40_000                                    # of the cloud; more are no help to the eye
MOST_MAP_PX = 320 * 240                                 # of depth and uncertainty, which go over the wire as they are
JPEG_QUALITY = 80
FRUSTUM_M = 0.4                                         # from the camera to the picture in its frustum
FULL_GAP_M, CURTAIN_ALPHA = 3.0, 170
FULL_STD = 0.5                                          # of ln z, shown white
LIGHT, BOUNDARY = (255, 255, 255), (213, 94, 0)
GRAPH_SIZE = 320.0, 28.0                                # width of the graph, and between ranks of depth


def log_frame(stream, frame: FrameView) -> set[str]:
    """Logs it at the stream's time; returns the entities that it has."""
    import rerun as rr

    height, width = frame.rgb.shape[:2]
    logged = {"picture"}
    stream.log("/", rr.ViewCoordinates.RDF, static=True)
    stream.log("camera", rr.Pinhole(image_from_camera=frame.K, width=width, height=height, image_plane_distance=FRUSTUM_M,
                                    camera_xyz=rr.ViewCoordinates.RDF))
    stream.log("camera/picture", _jpeg(frame.rgb))
    stream.log("picture", _jpeg(frame.rgb))
    if frame.boundary is not None:
        stream.log("boundaries", _jpeg(_with_lines(frame.rgb, frame.boundary)))
        logged.add("boundaries")
    if frame.depth is not None:
        logged |= _log_depth(stream, frame)
    if frame.log_depth_std is not None:
        level = np.clip(reduced(frame.log_depth_std) * (255 / FULL_STD), 0, 255).astype(np.uint8)
        stream.log("uncertainty", rr.Image(level))
        logged.add("uncertainty")
    if frame.labels is not None:
        logged |= _log_instances(stream, frame)
    if frame.graph is not None:
        stream.log("order", *graph_of(frame.graph, width))
        logged.add("order")
    if frame.frontiers is not None:
        stream.log("world/frontiers", curtain_mesh(*curtains(*frame.frontiers, width)))
        logged.add("world/frontiers")
    if frame.true_depth_m is not None:
        stream.log("truth/depth", _depth(frame.true_depth_m, True))
        logged.add("truth/depth")
    if frame.true_boundary is not None:
        stream.log("truth/boundaries", _jpeg(_with_lines(frame.rgb, frame.true_boundary)))
        logged.add("truth/boundaries")
    for name, value in frame.numbers.items():
        if np.isfinite(value):
            what, _, unit = name.rpartition(" ")
            stream.log(f"numbers/{unit}/{what.replace(' ', '_')}", rr.Scalars(value))
            logged.add(f"numbers/{unit}")
    return logged


def _log_depth(stream, frame: FrameView) -> set[str]:
    import rerun as rr

    stream.log("depth", _depth(frame.depth, frame.metric))
    if not frame.metric:
        return {"depth"}
    wanted = np.zeros(frame.depth.shape, bool)
    stride = max(1, round((frame.depth.size / MOST_POINTS) ** 0.5))
    wanted[stride // 2::stride, stride // 2::stride] = True
    wanted &= np.isfinite(frame.depth) & ~flying_pixels(frame.depth, frame.boundary)
    xyz = points(frame.depth, frame.rays, wanted)
    # a pixel of the stride's grid at the depth of the point, so that surfaces are closed
    radii = xyz[:, 2] * np.float32(0.8 * stride / frame.K[0, 0])
    stream.log("world/points", rr.Points3D(xyz, colors=frame.rgb[wanted], radii=radii))
    return {"depth", "world/points"}


def _log_instances(stream, frame: FrameView) -> set[str]:
    import rerun as rr

    stride = max(1, round((frame.labels.size / MOST_MAP_PX) ** 0.5))
    labels = np.ascontiguousarray(frame.labels[::stride, ::stride])
    drawn = cv2.cvtColor(cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    if frame.graph is None:
        stream.log("instances", rr.SegmentationImage(labels.astype(np.uint16)))
        return {"instances"}
    colours = rank_colours(frame.graph.instances)
    table = np.zeros((int(frame.labels.max(initial=0)) + 1, 3), np.uint8)
    known = [one for one in frame.graph.instances if one.area_px and one.id < len(table)]
    for one in known:
        table[one.id] = colours[one.id]
    tinted = np.where((frame.labels > 0)[..., None], cv2.addWeighted(drawn, 0.35, table[frame.labels], 0.65, 0), drawn)
    tinted[:, 1:][frame.labels[:, 1:] != frame.labels[:, :-1]] = LIGHT
    tinted[1:][frame.labels[1:] != frame.labels[:-1]] = LIGHT
    stream.log("instances", _jpeg(tinted))
    centres = centres_of(frame.labels, known)
    stream.log("instances/names", rr.Points2D([centres[one.id][:2] for one in known], radii=2.0, colors=LIGHT,
                                              labels=[f"{one.id} {one.name}".rstrip() for one in known], show_labels=True))
    if not frame.metric:
        return {"instances"}
    where = places(frame.graph.instances, frame.labels, frame.rays)
    visible = [one for one in known if one.id in where]
    stream.log("world/instances", rr.Points3D(
        [where[one.id].centre_m for one in visible], radii=[0.015 * max(one.depth_m, 0.5) for one in visible],
        colors=[colours[one.id] for one in visible], labels=[f"{one.id} {one.name}".rstrip() for one in visible],
        show_labels=True))
    ghosts = [one for one in frame.graph.instances if one.hidden_by and one.id in where]
    stream.log("world/hidden", rr.Boxes3D(
        centers=[where[one.id].centre_m for one in ghosts], sizes=[where[one.id].size_m for one in ghosts],
        colors=(170, 170, 170), labels=[f"{one.id} {one.name} hidden by {one.hidden_by}" for one in ghosts]))
    pairs = [one for one in frame.graph.occlusions if one.occluder in where and one.occludee in where]
    starts, ends = (np.array([where[getattr(one, end)].centre_m for one in pairs]).reshape(-1, 3)
                    for end in ("occluder", "occludee"))
    stream.log("world/order", rr.Arrows3D(origins=starts, vectors=ends - starts, colors=[colours[one.occluder] for one in pairs],
                                          radii=[0.004 + 0.012 * one.confidence for one in pairs]))
    return {"instances", "world/instances"}


def graph_of(graph: OrderGraph, width: int):
    """Nodes and edges: across as in the picture, the nearest below, a row per instance; edges from occluder to occludee.

    width  of the picture, pixels
    """
    import rerun as rr

    known = sorted((one for one in graph.instances if one.depth_m == one.depth_m), key=lambda one: one.depth_m)
    colours = rank_colours(graph.instances)
    places_px = [((one.bbox_px[0] + one.bbox_px[2] / 2) / width * GRAPH_SIZE[0], -rank * GRAPH_SIZE[1])
                 for rank, one in enumerate(known)]
    names = [f"{one.id} {one.name}".rstrip() + ("" if one.area_px else " (hidden)") for one in known]
    there = {one.id for one in known}
    edges = [(str(one.occluder), str(one.occludee)) for one in graph.occlusions if {one.occluder, one.occludee} <= there]
    return (rr.GraphNodes([str(one.id) for one in known], positions=places_px, labels=names,
                          colors=[pale(colours[one.id]) for one in known], radii=8.0),
            rr.GraphEdges(edges, graph_type="directed"))


def pale(colour: tuple[int, int, int]) -> tuple[int, ...]:
    """Readable on dark ground as well."""
    return tuple(round(255 - 0.6 * (255 - value)) for value in colour)


def curtain_mesh(posts: np.ndarray, links: np.ndarray):
    """Curtains of scene.drawing.curtains, coloured by gap as in `ros.markers`."""
    import rerun as rr

    ramp = cv2.applyColorMap(np.linspace(255, 40, 256).astype(np.uint8), cv2.COLORMAP_PLASMA).reshape(-1, 3)[:, ::-1]
    level = np.minimum(posts[:, 6] / FULL_GAP_M * 255, 255).astype(int)
    rgba = np.hstack([ramp[level], np.full((len(posts), 1), CURTAIN_ALPHA, np.uint8)])
    a, b, behind = links[:, 0], links[:, 1], len(posts)
    triangles = np.concatenate([np.column_stack([a, b, b + behind]), np.column_stack([a, b + behind, a + behind])])
    return rr.Mesh3D(vertex_positions=np.concatenate([posts[:, :3], posts[:, 3:6]]), triangle_indices=triangles,
                     vertex_colors=np.concatenate([rgba, rgba]))


def reduced(values: np.ndarray) -> np.ndarray:
    """Some pixels of a map [H, W], so that MOST_MAP_PX or about as many are left."""
    stride = max(1, round((values.size / MOST_MAP_PX) ** 0.5))
    return np.ascontiguousarray(values[stride // 2::stride, stride // 2::stride])


def _with_lines(rgb: np.ndarray, boundary: np.ndarray) -> np.ndarray:
    """The picture, paler, with lines that are wide enough to be seen in a small view."""
    drawn = rgb // 2 + np.uint8(110)
    drawn[cv2.dilate(boundary.view(np.uint8), np.ones((2, 2), np.uint8)).view(bool)] = BOUNDARY
    return drawn


def _depth(depth: np.ndarray, metric: bool):
    """Millimetres with the Turbo map, of which the viewer shows the value under the pointer; a picture without metric scale."""
    import rerun as rr

    small = reduced(depth)
    near, far = depth_limits(small)
    if not metric:
        return _jpeg(colour_depth(small, near, far))
    millimetres = np.nan_to_num(np.clip(small * 1000, 0, 65535), nan=0, posinf=65535).astype(np.uint16)
    return rr.DepthImage(millimetres, meter=1000, colormap="turbo", depth_range=(1000 * near, 1000 * far))


def _jpeg(rgb: np.ndarray):
    import rerun as rr

    content = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), (cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY))[1]
    return rr.EncodedImage(contents=content.tobytes(), media_type="image/jpeg")
