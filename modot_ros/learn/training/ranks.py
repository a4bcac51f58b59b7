# SPDX-License-Identifier: Apache-2.0
"""Several processes training one network, as `torchrun` starts them: who this one is, and how they find each other.

    torchrun --nproc-per-node 4 -m -- modot_ros.cli train --device cuda ...

The two dashes keep torchrun from taking `--start` for an option of its own.
"""
from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

# The first process may render or validate for a while before the others hear from it.
PATIENCE = timedelta(hours=6)


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together."""

    rank: int = 0                                       # 0 writes the files
    world: int = 1                                      # how many there are
    local: int = 0                                      # which GPU of this machine

    @property
    def first(self) -> bool:
        return self.rank == 0

    def device(self, name: str) -> str:
        """"cuda" means a GPU of its own for every process of this machine."""
        return f"cuda:{self.local}" if self.world > 1 and name in ("cuda", "auto") and torch.cuda.is_available() else name

    def share(self, network: nn.Module, device: torch.device) -> nn.Module:
        """What to call in training: gradients become the mean over all processes. Batch norms see their own share."""
        if self.world == 1:
            return network
        # Static: the same weights take part in every step, though maybe not all of them.
        return DistributedDataParallel(network, device_ids=[device.index] if device.type == "cuda" else None,
                                       static_graph=True)


def ranks_of_environment() -> Ranks:
    """As torchrun says it; alone without it."""
    return Ranks(*(int(os.environ.get(name, default)) for name, default in
                   (("RANK", 0), ("WORLD_SIZE", 1), ("LOCAL_RANK", 0))))


@contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """All processes together, for as long as the block lasts; over NCCL with GPUs, otherwise over gloo."""
    ranks = ranks_of_environment()
    if ranks.world == 1:
        yield ranks
        return
    gpu = ranks.device(device).startswith("cuda")
    if gpu:
        torch.cuda.set_device(ranks.device(device))
    distributed.init_process_group("nccl" if gpu else "gloo", timeout=PATIENCE)
    try:
        yield ranks
    finally:
        distributed.destroy_process_group()
