# SPDX-License-Identifier: Apache-2.0
"""Several folders of views mixed by weight, and the order in which a training run sees them."""
from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from modot_ros.learn.training.dataset_views import SampleViews
from modot_ros.learn.training.views import View, Views


class Mixture:
    """Several folders' views as one, numbered one after the other; folders may differ in size.

    weights: how often each folder's views are drawn, whatever their number. Raises ValueError unless there is one
    positive, finite weight per set.
    """

    def __init__(self, sets: Sequence[Views | SampleViews], weights: Sequence[float]) -> None:
        if len(sets) != len(weights) or not all(0 < weight < math.inf for weight in weights):
            raise ValueError(f"weights {list(weights)} of {len(sets)} sets: one positive number each is needed")
        self.sets, self.weights = tuple(sets), tuple(weights)

    @property
    def counts(self) -> tuple[int, ...]:
        return tuple(len(views) for views in self.sets)

    def view(self, index: int) -> View:
        """See `dataset.Viewable`."""
        for views in self.sets:
            if index < len(views):
                return views.view(index)
            index -= len(views)
        raise IndexError(index)


class Deck:
    """Which views come next: every view of a set once per pass, in a new order each time; sets by their weights.

    counts    views of each set, which are numbered one after the other
    """

    def __init__(self, counts: Sequence[int], weights: Sequence[float]) -> None:
        self.counts = tuple(counts)
        self.weights = torch.tensor(weights, dtype=torch.float64)
        self.orders = [torch.empty(0, dtype=torch.long) for _ in counts]        # of each set, what this pass has not seen

    def draw(self, number: int, generator: torch.Generator) -> Tensor:
        """Numbers of the next views, int64 [number]."""
        if len(self.counts) == 1:
            return self._of(0, number, generator)
        chosen = torch.multinomial(self.weights, number, replacement=True, generator=generator)
        drawn = torch.empty(number, dtype=torch.long)
        first = 0
        for k, count in enumerate(self.counts):
            here = chosen == k
            drawn[here] = first + self._of(k, int(here.sum()), generator)
            first += count
        return drawn

    def _of(self, k: int, number: int, generator: torch.Generator) -> Tensor:
        while len(self.orders[k]) < number:
            self.orders[k] = torch.cat([self.orders[k], torch.randperm(self.counts[k], generator=generator)])
        drawn, self.orders[k] = self.orders[k][:number], self.orders[k][number:]
        return drawn
