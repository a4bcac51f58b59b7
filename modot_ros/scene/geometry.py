# SPDX-License-Identifier: Apache-2.0
"""From pixels to space: resizing depth without inventing points, cameras, clouds, occlusion frontiers.

Points are in the camera's optical frame (REP 103: x right, y down, z forward), metres, float32. Depth follows
REP 117: NaN = no estimate, +inf = nothing within range.
"""
from __future__ import annotations

import functools
import math

import cv2
import numpy as np

from modot_ros.prediction import SIDE_STEPS

FIELD_OF_VIEW_DEG = (10.0, 170.0)       # horizontal, of cameras that there are
SURFACE_STEP = 0.10                     # range of depth in a 3x3 window, relative to its least: an edge
BOUNDARY_STEP = 0.02                    # the same where a boundary is probable
RAMP_END = 0.01                         # what is so much nearer and farther than its neighbours is on no surface
FRONTIER_REACH_PX = 3                   # how far from the occluder's pixel the hidden surface is looked for
# Lens models of sensor_msgs/CameraInfo (sensor_msgs/distortion_models.hpp) and how many coefficients each may have.
DISTORTION_MODELS = {"plumb_bob": (4, 5), "rational_polynomial": (8, 12, 14), "equidistant": (4,), "fisheye": (4,)}
FISHEYE = ("equidistant", "fisheye")    # one model by two names
LARGEST_TANGENT = 20.0                  # of a ray against the axis that is used: 87 degrees
LARGEST_UNDISTORTION_ERROR_PX = 1.0
FRONTIER_COLUMNS = ("x", "y", "z", "hidden_x", "hidden_y", "hidden_z", "gap")


def resize_depth(depth: np.ndarray, size: tuple[int, int], probability: np.ndarray | None = None
                 ) -> np.ndarray:
    """Resizes depth without inventing points between two surfaces.

    Enlarging is bilinear inside a surface; across an edge every pixel takes the nearer or the farther of the
    two surfaces, whichever the bilinear value is closer to, so that the edge is smooth and the step stays a
    step. Pixels next to NaN or inf are copied, as all are when the picture shrinks.

    depth        float32 [h, w]
    size         (width, height) of the result
    probability  float32 [h, w]: where it reaches 0.5 small steps are edges as well
    returns      float32 [height, width]
    raises       ValueError for a size below 1 or a probability of another size
    """
    width, height = size
    if width < 1 or height < 1:
        raise ValueError(f"size is {width}x{height}: both must be at least 1")
    if probability is not None and probability.shape != depth.shape:
        raise ValueError(f"probability {probability.shape} and depth {depth.shape} must be of one size")
    depth = np.asarray(depth, np.float32)
    if depth.shape == (height, width):
        return depth.copy()
    if width < depth.shape[1] or height < depth.shape[0]:
        return cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST_EXACT)

    known = np.isfinite(depth)
    filled = np.where(known, depth, np.float32(0))
    window = np.ones((3, 3), np.uint8)
    low, high = cv2.erode(filled, window), cv2.dilate(filled, window)
    copied = cv2.erode(known.view(np.uint8), window) == 0
    limit = SURFACE_STEP
    if probability is not None:
        limit = np.where(cv2.dilate(np.asarray(probability, np.float32), window) >= 0.5,
                         np.float32(BOUNDARY_STEP), np.float32(SURFACE_STEP))
    kind = np.where(copied, 2, high - low > limit * low).astype(np.uint8)

    result = cv2.resize(filled, size, interpolation=cv2.INTER_LINEAR)
    kinds = cv2.resize(kind, size, interpolation=cv2.INTER_NEAREST_EXACT).ravel()
    at = np.flatnonzero(kinds > 0)
    # Source pixel of each of these, as the nearest-neighbour rule has it.
    v, u = np.divmod(at, width)
    rows, columns = depth.shape
    source = (2 * v + 1) * rows // (2 * height) * columns + (2 * u + 1) * columns // (2 * width)
    flat = result.ravel()
    near, far, between = low.ravel()[source], high.ravel()[source], flat[at]
    snapped = np.where(between - near < far - between, near, far)
    flat[at] = np.where(kinds[at] == 2, depth.ravel()[source], snapped)
    return result


def field_of_view_deg(focal_px: float, width: int) -> float:
    """Horizontal field of view of a pinhole camera."""
    return math.degrees(2 * math.atan(width / (2 * focal_px)))


def check_focal(focal_px: float, width: int) -> None:
    """Raises ValueError for a focal length that no camera with so many columns has."""
    if not (math.isfinite(focal_px) and focal_px > 0):
        raise ValueError(f"focal_px is {focal_px}: it must be finite and > 0")
    angle, (low, high) = field_of_view_deg(focal_px, width), FIELD_OF_VIEW_DEG
    if not low <= angle <= high:
        raise ValueError(f"focal_px is {focal_px:g} for {width} columns, a field of view of {angle:.3g} degrees: {low:g} to "
                         f"{high:g} are believed")


def ray_lengths(width: int, height: int, focal_px: float) -> np.ndarray:
    """Length of every pixel's ray up to z = 1: distance from the camera / this = z.

    The principal point is the picture's middle, pixels are square.

    returns      float32 [height, width], >= 1
    raises       ValueError for a focal length that is not positive and finite
    """
    if not (np.isfinite(focal_px) and focal_px > 0):
        raise ValueError(f"focal_px is {focal_px}: it must be finite and > 0")
    x = (np.arange(width) - (width - 1) / 2) / focal_px
    y = (np.arange(height) - (height - 1) / 2) / focal_px
    return np.sqrt(1 + x[None] ** 2 + y[:, None] ** 2).astype(np.float32)


def scale_camera(k: np.ndarray, p: np.ndarray, roi: tuple[int, int, int, int], sx: float, sy: float
                 ) -> tuple[np.ndarray, np.ndarray, tuple[int, int, int, int]]:
    """Camera of a picture resized by (sx, sy): what CameraInfo needs besides D and R, which stay.

    k       float64 [3, 3]; fx, skew and cx scale by sx, fy and cy by sy
    p       float64 [3, 4]; likewise, with P[0, 3] by sx and P[1, 3] by sy
    roi     x_offset, y_offset, width, height in pixels (all 0 = full picture, stays)
    raises  ValueError for factors that are not positive and finite
    """
    if not (np.isfinite([sx, sy]).all() and sx > 0 and sy > 0):
        raise ValueError(f"scale is ({sx}, {sy}): both must be positive and finite")
    factors = np.array([[sx], [sy], [1.0]])
    x, y, width, height = roi
    left, top = round(x * sx), round(y * sy)
    right, bottom = round((x + width) * sx), round((y + height) * sy)
    scaled_roi = (left, top, right - left, bottom - top)
    return np.reshape(k, (3, 3)) * factors, np.reshape(p, (3, 4)) * factors, scaled_roi


@functools.lru_cache(maxsize=4)
def _rays(fx: float, fy: float, cx: float, cy: float, height: int, width: int) -> np.ndarray:
    """float32 [H, W, 3]: the ray of every pixel, scaled to z = 1."""
    rays = np.ones((height, width, 3), np.float32)
    rays[..., 0] = (np.arange(width) - cx) / fx
    rays[..., 1] = ((np.arange(height) - cy) / fy)[:, None]
    rays.flags.writeable = False
    return rays


def rays(k: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """float32 [H, W, 3], read-only: the ray of every pixel centre, z = 1.

    Raises ValueError unless the focal lengths are positive and all of fx, fy, cx, cy finite.
    """
    k = np.reshape(k, (3, 3))
    fx, fy, cx, cy = (float(value) for value in (k[0, 0], k[1, 1], k[0, 2], k[1, 2]))
    if not (np.isfinite([fx, fy, cx, cy]).all() and fx > 0 and fy > 0):
        raise ValueError(f"camera matrix has fx={fx}, fy={fy}, cx={cx}, cy={cy}: "
                         "focal lengths must be positive and all of them finite")
    return _rays(fx, fy, cx, cy, *shape)


def undistorted_rays(k: np.ndarray, model: str, d: np.ndarray, shape: tuple[int, int], step_px: int = 1) -> np.ndarray:
    """float32 [H, W, 3], read-only: the ray of every pixel centre of a picture with lens distortion, z = 1.

    step_px  of the rows and of the columns only each so manieth: float32 [ceil(H / step_px), ceil(W / step_px), 3]

    k        float64 [3, 3] of the distorted picture
    model    of sensor_msgs/CameraInfo: one of DISTORTION_MODELS
    d        its coefficients
    returns  NaN where the model has no ray, as beyond the image circle of a fisheye lens
    raises   ValueError for another model, or another number of coefficients
    """
    if model not in DISTORTION_MODELS:
        raise ValueError(f"distortion model is {model!r}: choose from {', '.join(DISTORTION_MODELS)}")
    if len(d) not in DISTORTION_MODELS[model]:
        raise ValueError(f"{model} has {len(d)} coefficients: it takes {' or '.join(map(str, DISTORTION_MODELS[model]))}")
    k = np.reshape(k, (3, 3))
    rays(k, (1, 1))                                     # refuses focal lengths that are none
    return _undistorted_rays(tuple(k.ravel().tolist()), model, tuple(map(float, d)), *shape, step_px)


@functools.lru_cache(maxsize=8)
def _undistorted_rays(k: tuple[float, ...], model: str, d: tuple[float, ...], height: int, width: int,
                      step_px: int) -> np.ndarray:
    matrix, coefficients = np.reshape(k, (3, 3)), np.array(d)
    v, u = np.mgrid[:height:step_px, :width:step_px].astype(np.float64)
    height, width = v.shape
    pixels = np.stack([u, v], -1).reshape(-1, 1, 2)
    undistort = cv2.fisheye.undistortPoints if model in FISHEYE else cv2.undistortPoints
    seen = undistort(pixels, matrix, coefficients).reshape(height, width, 2)
    result = np.ones((height, width, 3), np.float32)
    result[..., :2] = np.where(np.abs(seen) < LARGEST_TANGENT, seen, np.nan)
    # where the iteration did not end at the pixel that it began with, there is no such ray
    project = cv2.fisheye.distortPoints if model in FISHEYE else None
    there = np.nan_to_num(result[..., :2].astype(np.float64)).reshape(-1, 1, 2)
    if project is not None:
        back = project(there, matrix, coefficients)
    else:
        back, _ = cv2.projectPoints(np.concatenate([there, np.ones_like(there[..., :1])], -1), np.zeros(3), np.zeros(3), matrix,
                                    coefficients)
    error_px = np.linalg.norm(back.reshape(-1, 2) - pixels.reshape(-1, 2), axis=1).reshape(height, width)
    result[error_px > LARGEST_UNDISTORTION_ERROR_PX] = np.nan
    result.flags.writeable = False
    return result


def pixels_of(points_m: np.ndarray, k: np.ndarray, model: str = "", d: tuple[float, ...] = ()) -> np.ndarray:
    """Where points in the optical frame appear in a picture: float64 [N, 2], (u, v); NaN for those that are not in front.

    points_m  float [N, 3]
    k         float64 [3, 3] of the picture
    model, d  its lens model and coefficients, as in `undistorted_rays`; empty: none. Beyond its field of view a model may
              lay points anywhere: compare the pixel's ray with the point
    """
    points_m = np.asarray(points_m, np.float64)
    result = np.full((len(points_m), 2), np.nan)
    front = np.isfinite(points_m).all(1) & (points_m[:, 2] > 1e-6)
    if not front.any():
        return result
    ahead, none = points_m[front].reshape(-1, 1, 3), np.zeros(3)
    project = cv2.fisheye.projectPoints if model in FISHEYE else cv2.projectPoints
    found, _ = project(ahead, none, none, np.reshape(k, (3, 3)), np.array(d, np.float64) if len(d) else None)
    result[front] = found.reshape(-1, 2)
    return result


def points(depth_m: np.ndarray, directions: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Points of a depth image in the optical frame.

    depth_m     float32 [H, W]
    directions  float32 [H, W, 3], rays with z = 1, from `rays` or `undistorted_rays`
    mask        bool [H, W] of the pixels wanted; None gives the organised cloud [H, W, 3], NaN where depth is
                not finite
    returns     float32 [N, 3] in row-major order of the mask's pixels that have a finite depth and a ray
    """
    depth_m = np.asarray(depth_m, np.float32)
    if mask is None:
        return directions * np.where(np.isfinite(depth_m), depth_m, np.float32(np.nan))[..., None]
    at = np.flatnonzero(mask & np.isfinite(depth_m) & np.isfinite(directions[..., 0]))
    return directions.reshape(-1, 3).take(at, axis=0) * depth_m.take(at)[:, None]


def flying_pixels(depth_m: np.ndarray, boundary_mask: np.ndarray | None = None, min_step: float = 0.06,
                  reach_px: int = 2) -> np.ndarray:
    """Pixels on the ramp between two surfaces, which would float in the air as points.

    A pixel flies when, along the row, the column or a diagonal, its two neighbours at `reach_px` differ by
    more than `min_step` of the nearer one, it lies between them and at least a fifth of the step away from
    either, and the step is steeper than the surfaces beyond it (so that a floor seen at a grazing angle
    stays). So does a pixel beside such a one that is nearer and farther than neighbours by RAMP_END. Near a
    boundary (`boundary_mask`, bool [H, W], as from boundaries.thin) half of `min_step` is enough. Within
    2 * reach_px of the picture's border the surfaces beyond are out of sight, and nothing flies.

    returns bool [H, W]; False where depth is not finite
    """
    depth = np.asarray(depth_m, np.float32)
    known = np.isfinite(depth)
    depth = np.where(known, depth, np.float32(0))
    window = np.ones((2 * reach_px + 1,) * 2, np.uint8)
    low = cv2.erode(np.where(known, depth, np.float32(3.4e38)), window)
    limit = np.float32(min_step)
    if boundary_mask is not None:
        limit = np.where(cv2.dilate(boundary_mask.view(np.uint8), window), np.float32(min_step / 2), limit)
    margin = 2 * reach_px
    at = np.flatnonzero(known & (cv2.dilate(depth, window) - low > limit * low))
    v, u = np.divmod(at, depth.shape[1])
    padded = cv2.copyMakeBorder(depth, *(margin,) * 4, cv2.BORDER_CONSTANT, value=0)    # 0: nothing flies
    wide = padded.shape[1]
    padded = padded.ravel()
    centre_at = (v + margin) * wide + u + margin
    centre = padded[centre_at]
    at_limit = np.broadcast_to(limit, depth.shape).ravel()[at]
    flies = np.zeros(len(at), bool)
    for du, dv in SIDE_STEPS[:4]:
        offset = (dv * wide + du) * reach_px
        a, b = padded[centre_at - offset], padded[centre_at + offset]
        beyond = np.abs(padded[centre_at - 2 * offset] - a) + np.abs(padded[centre_at + 2 * offset] - b)
        step = np.abs(b - a)
        flies |= ((a > 0) & (b > 0) & (step > at_limit * np.minimum(a, b)) & (step > 1.5 * beyond)
                  & (np.minimum(a, b) + 0.2 * step < centre) & (centre < np.maximum(a, b) - 0.2 * step))
    result = np.zeros(depth.shape, bool)
    result.ravel()[at[flies]] = True
    # the ends of the same ramps: beside a flying pixel, and between its neighbours
    beside = cv2.dilate(result.view(np.uint8), cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))).view(bool)
    at = np.flatnonzero(beside & ~result & known)
    v, u = np.divmod(at, depth.shape[1])
    centre_at = (v + margin) * wide + u + margin
    around = np.stack([padded[centre_at + dv * wide + du] for du, dv in SIDE_STEPS])
    centre, farthest = padded[centre_at], around.max(0, initial=0)
    nearest = np.where(around > 0, around, np.float32(np.inf)).min(0, initial=np.inf)
    result.ravel()[at[(centre > (1 + RAMP_END) * nearest) & (centre < (1 - RAMP_END) * farthest)]] = True
    return result


def frontiers(depth_m: np.ndarray, mask: np.ndarray, side: np.ndarray, directions: np.ndarray,
              min_gap_m: float = 0.3, max_range_m: float = 10.0) -> np.ndarray:
    """3D occlusion frontiers: where the view ends on an edge and something may hide and step out.

    For every boundary pixel the hidden surface is the deepest one within FRONTIER_REACH_PX along its side
    code; beyond range counts as `max_range_m`. The line from the occluder's point to the hidden one bounds
    the unseen space.

    depth_m  float32 [H, W]; mask bool, side uint8 [H, W] as from boundaries.thin; directions as in `points`
    returns  float32 [N, 7], columns FRONTIER_COLUMNS: the occluder's point, the hidden surface's point (on
             the ray one pixel towards the hidden side), and the gap in depth, all in metres; only gaps of at
             least `min_gap_m`
    """
    return frontiers_at(depth_m, mask, side, directions, min_gap_m, max_range_m)[0]


def frontiers_at(depth_m: np.ndarray, mask: np.ndarray, side: np.ndarray, directions: np.ndarray,
                 min_gap_m: float = 0.3, max_range_m: float = 10.0) -> tuple[np.ndarray, np.ndarray]:
    """`frontiers`, and the pixel of each, int64 [N], row * width + column."""
    height, width = depth_m.shape
    directions = directions.reshape(-1, 3)
    depth = np.minimum(np.asarray(depth_m, np.float32), np.float32(max_range_m)).ravel()    # NaN stays
    at = np.flatnonzero(mask & (side > 0))
    v, u = np.divmod(at, width)
    step = np.array(SIDE_STEPS)[side.ravel()[at].astype(np.intp) - 1]
    far = np.full(len(at), np.nan, np.float32)
    for reach in range(1, FRONTIER_REACH_PX + 1):
        beside = (np.clip(v + reach * step[:, 1], 0, height - 1) * width
                  + np.clip(u + reach * step[:, 0], 0, width - 1))
        far = np.fmax(far, depth[beside])
    beside = np.clip(v + step[:, 1], 0, height - 1) * width + np.clip(u + step[:, 0], 0, width - 1)
    near = depth[at]
    wanted = (far - near >= min_gap_m) & np.isfinite(directions[at, 0]) & np.isfinite(directions[beside, 0])
    at, beside, near, far = at[wanted], beside[wanted], near[wanted, None], far[wanted, None]
    return np.hstack([directions[at] * near, directions[beside] * far, far - near]), at


def clearing_points(depth_m: np.ndarray, directions: np.ndarray, max_range_m: float, margin: float = 0.1,
                    stride_px: int = 1, unknown: bool = False) -> np.ndarray:
    """Ends of the rays along which space is free, for a layer that clears by tracing rays to points.

    Nav2's layers drop NaN and inf points before they trace rays, so that a cloud of obstacles never clears what was in
    front of far surfaces. A ray ends before the surface that it meets, by `margin` of the distance for what depth may be
    wrong, and at `max_range_m` at the latest. A depth of -inf (too near) and NaN leave open what is there (REP
    117); NaN counts as free up to the range only with `unknown`.

    directions  float32 [H, W, 3], rays with z = 1
    stride_px   one ray per so many pixels in each direction
    returns     float32 [N, 3] in the optical frame
    raises      ValueError for a range that is not positive and finite, and a margin outside 0 to 1
    """
    if not (np.isfinite(max_range_m) and max_range_m > 0):
        raise ValueError(f"max_range_m is {max_range_m}: it must be positive and finite")
    if not 0 <= margin < 1:
        raise ValueError(f"margin is {margin}: it must be at least 0 and below 1")
    grid = (slice(stride_px // 2, None, stride_px),) * 2
    directions, depth = directions[grid].reshape(-1, 3), np.asarray(depth_m, np.float32)[grid].ravel()
    if unknown:
        depth = np.where(np.isnan(depth), np.float32(np.inf), depth)
    at = np.flatnonzero((depth > 0) & np.isfinite(directions[:, 0]))
    lengths = np.linalg.norm(directions.take(at, axis=0), axis=1)
    reach = np.minimum(depth.take(at) * lengths * np.float32(1 - margin), np.float32(max_range_m))
    return directions.take(at, axis=0) * (reach / lengths)[:, None]
