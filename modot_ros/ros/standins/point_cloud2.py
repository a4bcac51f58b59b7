# SPDX-License-Identifier: Apache-2.0
"""Stand-in for `create_cloud` of the distribution's `sensor_msgs_py.point_cloud2`: same names, same bytes."""
from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence

import numpy as np
from numpy.lib.recfunctions import unstructured_to_structured
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

FIELD_TYPES = {PointField.INT8: np.int8, PointField.UINT8: np.uint8, PointField.INT16: np.int16,
               PointField.UINT16: np.uint16, PointField.INT32: np.int32, PointField.UINT32: np.uint32,
               PointField.FLOAT32: np.float32, PointField.FLOAT64: np.float64}


def dtype_from_fields(fields: Sequence[PointField], point_step: int | None = None) -> np.dtype:
    """Structured type of one point; fields of count > 1 become `name_0`, `name_1`, ..."""
    names, formats, offsets = [], [], []
    for number, field in enumerate(fields):
        name, scalar = field.name or f"unnamed_field_{number}", np.dtype(FIELD_TYPES[field.datatype])
        for i in range(field.count):
            names.append(name if field.count == 1 else f"{name}_{i}")
            formats.append(scalar)
            offsets.append(field.offset + i * scalar.itemsize)
    layout = {"names": names, "formats": formats, "offsets": offsets}
    return np.dtype(layout if point_step is None else layout | {"itemsize": point_step})


def create_cloud(header: Header, fields: Sequence[PointField], points, step: int | None = None) -> PointCloud2:
    """Cloud of `points`: structured as `fields` say, [N] or [H, W], or plain numbers [N, F] or [H, W, F].

    `step` is the bytes of one point, when plain numbers are to be padded. Raises ValueError when the points' type or
    columns do not fit the fields.
    """
    dtype = dtype_from_fields(fields, step)
    points = np.asarray(points)
    if points.dtype.names is None:
        if points.shape[-1] != len(dtype.names):
            raise ValueError(f"points of shape {points.shape} do not fit the fields {', '.join(dtype.names)}")
        if dtype == np.dtype([(name, dtype[0]) for name in dtype.names]):
            # One type without gaps: the plain numbers are the records.
            points = np.ascontiguousarray(points, dtype[0]).view(dtype)[..., 0]
        else:
            points = unstructured_to_structured(points, dtype)
    elif points.dtype != dtype:
        raise ValueError(f"points of type {points.dtype} do not fit the fields' {dtype}")
    if points.ndim not in (1, 2):
        raise ValueError(f"points of shape {points.shape} are neither a list [N] nor a grid [H, W]")
    height, width = (1, *points.shape) if points.ndim == 1 else points.shape
    data = array("B")
    data.frombytes(np.ascontiguousarray(points).reshape(-1).view(np.uint8).data)
    return PointCloud2(header=header, height=height, width=width, is_dense=False,
                       is_bigendian=sys.byteorder != "little", fields=list(fields), point_step=dtype.itemsize,
                       row_step=dtype.itemsize * width, data=data)
