# SPDX-License-Identifier: Apache-2.0
"""A network recorded as one CUDA graph: the GPU runs its hundreds of small kernels without waiting for Python."""
from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

WARM_UP_RUNS = 3
Outputs = Any                                           # (Tensor or None, list of Tensor or None)


class GraphedNetwork:
    """Called like the network. Records on the first picture of a new shape; keeps the last recording only.

    A recording is used only after it has given what the network gives; otherwise, and where recording fails, the network
    itself runs, now and from then on, and the log says why.
    """

    def __init__(self, network: Callable[..., Outputs]) -> None:
        self.network = network
        self.trusted = True
        self._key: tuple | None = None
        self._graph: torch.cuda.CUDAGraph | None = None
        self._image: Tensor | None = None
        self._outputs: Outputs = None

    def __call__(self, image: Tensor, depth: bool = True, boundary: bool = True) -> Outputs:
        """The outputs are valid until the next call."""
        if not self.trusted:
            return self.network(image, depth=depth, boundary=boundary)
        key = (image.shape, image.dtype, image.stride(), depth, boundary)
        if key != self._key:
            try:
                self._record(image, depth, boundary)
            except Exception as error:                  # torch reports what it cannot record in many ways
                logging.getLogger(__name__).warning("CUDA graph is not used: %s", error)
                self.trusted, self._key, self._graph, self._outputs = False, None, None, None
                return self.network(image, depth=depth, boundary=boundary)
            self._key = key
        self._image.copy_(image)
        self._graph.replay()
        return self._outputs

    def _record(self, image: Tensor, depth: bool, boundary: bool) -> None:
        self._key, self._graph, self._outputs = None, None, None        # frees the old recording's memory
        self._image = image.clone()
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):                 # caches fill and libraries choose their kernels
            for _ in range(WARM_UP_RUNS):
                expected = self.network(self._image, depth=depth, boundary=boundary)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            outputs = self.network(self._image, depth=depth, boundary=boundary)
        graph.replay()
        torch.testing.assert_close(outputs, expected, rtol=1e-2, atol=1e-2)
        self._graph, self._outputs = graph, outputs
