# SPDX-License-Identifier: Apache-2.0
"""A network recorded as one CUDA graph: the GPU runs its hundreds of small kernels without waiting for Python."""
from __future__ import annotations

import logging
from typing import Any

import torch
from torch import Tensor, nn

from modot_ros.model.layers.windows import remembered

WARM_UP_RUNS = 3
Outputs = Any                                           # a tuple of Tensor, list of Tensor or None


class GraphedNetwork:
    """Called like the network; keeps the last recording only.

    The first picture is recorded, and later every shape that comes twice in a row, so that pictures of mixed sizes do not
    record one by one. A recording is used only after it has given what the network gives; where recording fails the
    network itself runs, now and from then on, and the log says why.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.trusted = True
        self._recorded: tuple | None = None             # what the recording is of
        self._last: tuple | None = None                 # what the last call was
        self._graph: torch.cuda.CUDAGraph | None = None
        self._image: Tensor | None = None
        self._outputs: Outputs = None
        self._held: list[Any] = []                      # tensors that the recording reads and others may forget

    def __call__(self, image: Tensor, **wanted: bool) -> Outputs:
        """wanted: as the network takes it. The outputs are valid until the next call."""
        call = (image.shape, image.dtype, image.stride(), *sorted(wanted.items()))
        if self.trusted and call != self._recorded and self._last in (None, call):
            try:
                self._record(image, wanted)
                self._recorded = call
            except Exception as error:                  # torch reports what it cannot record in many ways
                logging.getLogger(__name__).warning("CUDA graph is not used: %s", error)
                self.trusted = False
                self._forget()
        self._last = call
        if call != self._recorded:
            return self.network(image, **wanted)
        self._image.copy_(image)
        self._graph.replay()
        return self._outputs

    def _forget(self) -> None:
        self._recorded, self._graph, self._image, self._outputs, self._held = None, None, None, None, []

    def _record(self, image: Tensor, wanted: dict[str, bool]) -> None:
        self._forget()                                  # frees the old recording's memory
        self._image = image.clone()
        stream = torch.cuda.Stream(image.device)
        with torch.cuda.device(image.device):           # the current device's streams record, whichever the network is on
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):             # caches fill and libraries choose their kernels
                for _ in range(WARM_UP_RUNS):
                    expected = self.network(self._image, **wanted)
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                outputs = self.network(self._image, **wanted)
            graph.replay()
        torch.testing.assert_close(outputs, expected, rtol=1e-2, atol=1e-2)
        self._graph, self._outputs, self._held = graph, outputs, remembered(self.network)
