# SPDX-License-Identifier: Apache-2.0
"""What every engine is: pictures at the working size in, maps at that size out, where little has to travel."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from modot_ros.model import LoadedNetwork, Maps


@dataclass(frozen=True)
class Facts:
    """What the numbers of an engine's network mean; the fields of `LoadedNetwork` by the same names."""

    name: str
    depth_kind: str                                     # "metric", "relative" or "none"
    depth_along: str                                    # "axis" or "ray"
    canonical_focal: float | None
    working_size: tuple[int, int] | None                # width, height
    has_uncertainty: bool
    device: str                                         # "cpu", "cuda:N"
    precision: str
    has_semantics: bool = False                         # pools of before there were classes do not say

    @classmethod
    def of_network(cls, loaded: LoadedNetwork) -> Facts:
        return cls(loaded.name, loaded.depth_kind, loaded.depth_along, loaded.canonical_focal, loaded.working_size,
                   loaded.has_uncertainty, str(loaded.device), loaded.precision, loaded.has_semantics)

    @classmethod
    def of_metadata(cls, metadata: dict[str, Any], device: str, has_uncertainty: bool, has_semantics: bool) -> Facts:
        """Of what `export` writes; ValueError for what is no network for depth and boundaries."""
        try:
            working_size = metadata["working_size"] and tuple(metadata["working_size"])
            return cls(metadata["name"], metadata["depth_kind"], metadata["depth_along"], metadata["canonical_focal"],
                       working_size, has_uncertainty, device, "fp32", has_semantics)
        except (KeyError, TypeError) as error:
            raise ValueError(f"metadata {metadata} is not of a network for depth and boundaries ({error})") from error


class Wanted(NamedTuple):
    """Which maps of a picture."""

    depth: bool = True
    boundary: bool = True
    classes: bool = False

    def of(self, maps: Maps) -> Maps:
        """These alone."""
        return Maps(maps.depth if self.depth else None, maps.probability if self.boundary else None,
                    maps.log_depth_std if self.depth else None, *((maps.classes, maps.class_probability) if self.classes else ()))


class Engine(Protocol):
    """Any thread may call it."""

    @property
    def facts(self) -> Facts: ...

    def now(self) -> Engine:
        """What the next picture goes to, so that its maps and `facts` are of one network; most engines are it themselves."""

    def maps(self, pictures: Sequence[np.ndarray], depth: bool = True, boundary: bool = True,
             classes: bool = False) -> list[Maps]:
        """Maps of pictures uint8 [h, w, 3] at the working size (`model.resized`), in their order, at their sizes.

        depth, boundary, classes: False leaves that map None, and so does a network without it.
        """
