# SPDX-License-Identifier: Apache-2.0
"""A Ray cluster as an executor of Python's own kind, for work that needs no answer in time: `--ray ADDRESS` of `modot train`."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any


class RayExecutor(Executor):
    """Each call is a task on one CPU of a Ray cluster, tried again when its machine is lost.

    Functions are found by their names on the machines of the cluster, which need this package in the same version.
    """

    def __init__(self, address: str) -> None:
        """address: host:port of a cluster, "auto" for the one of this machine, "local" to start one here.

        Raises ModuleNotFoundError without Ray and ConnectionError when there is no cluster.
        """
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError("--ray needs the package ray: pip install modot_ros[serve]") from error
        self._ray = ray
        own: dict[str, Any] = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"} if address == "local" else {}
        ray.init(address=address, log_to_driver=False, logging_level="warning", **own)

    def submit(self, action: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        return self._ray.remote(num_cpus=1, max_retries=3)(action).remote(*arguments, **named).future()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leaves the cluster, or stops it if it was started here; tasks that still run are given up."""
        self._ray.shutdown()


@contextmanager
def cluster(address: str | None) -> Iterator[Executor | None]:
    """The executor of a cluster while the block runs; None without an address."""
    if not address:
        yield None
        return
    with RayExecutor(address) as executor:
        yield executor
