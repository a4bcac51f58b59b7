# SPDX-License-Identifier: Apache-2.0
"""The pool as an application of Ray Serve: replicas of a network that look at batches, and a gateway for robots.

    serve.run(application({"model": "modot_nano", "replicas": 2}))

`application` is also what a YAML of `serve deploy` imports, `modot_ros.engine.pool.service:application`. Serve's own gRPC proxy
listens on all interfaces and takes messages of 2 GB, so the gateway is a deployment with a server of its own, on loopback
unless told otherwise. Ray has no authentication: see docs/guides/fleet.md.
"""
from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import numpy as np  # noqa: E402
import ray  # noqa: E402
from ray import serve  # noqa: E402

from modot_ros.engine import make_engine  # noqa: E402
from modot_ros.engine.engine import Engine, Wanted  # noqa: E402
from modot_ros.engine.pool import wire  # noqa: E402
from modot_ros.engine.pool.batches import Batches  # noqa: E402
from modot_ros.engine.pool.gateway import Gateway  # noqa: E402


@dataclass(frozen=True)
class Settings:
    """What `application` takes. Raises ValueError for what cannot work."""

    model: str = "modot_nano"
    weights: str = ""                                   # file on every machine; empty = the package's own
    device: str = "auto"
    precision: str = "fp32"
    replicas: int = 1
    most_replicas: int = 0                              # above `replicas`: so many at load (autoscaling)
    cpus: float = 1.0                                   # of each replica, fractions allowed
    gpus: float = 0.0
    host: str = "127.0.0.1"                             # the gateway's; 0.0.0.0 = all interfaces
    port: int = 9300
    batch: int = 8                                      # most pictures at once
    batch_wait_ms: float = 5.0                          # how long an idle network waits for more of them

    def __post_init__(self) -> None:
        for name, low in (("replicas", 1), ("batch", 1), ("most_replicas", 0), ("gpus", 0), ("batch_wait_ms", 0), ("port", 0)):
            if getattr(self, name) < low:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be {low} or more")

    @classmethod
    def of(cls, values: dict[str, Any]) -> Settings:
        """ValueError for an unknown name."""
        known = {item.name for item in fields(cls)}
        if set(values) - known:
            raise ValueError(f"{', '.join(sorted(set(values) - known))} unknown: choose from {', '.join(sorted(known))}")
        return cls(**values)


@serve.deployment
class Network:
    """A replica: an engine, and batches for it. `make` gives the engine and its hash, where the replica runs."""

    def __init__(self, make: Callable[[], tuple[Engine, str]], batch: int, batch_wait_s: float) -> None:
        self.engine, self.network = make()
        self.batches = Batches(self._look, batch, batch_wait_s)

    def describe(self) -> bytes:
        return wire.description(self.network, self.engine.facts).SerializeToString()

    def pid(self) -> int:
        return os.getpid()

    async def look(self, rgb: np.ndarray, wanted: Wanted, budget_s: float) -> bytes | None:
        """Maps as a message; None when its time was up before the network was free."""
        return await self.batches((rgb, wanted, time.monotonic() + budget_s))

    def _look(self, asked: list[tuple[np.ndarray, Wanted, float]]) -> list[bytes | None]:
        now_s = time.monotonic()
        fresh = [k for k, (*_, end_s) in enumerate(asked) if end_s > now_s]
        found: list[bytes | None] = [None] * len(asked)
        if fresh:
            wanted = map(any, zip(*(asked[k][1] for k in fresh)))
            for k, one in zip(fresh, self.engine.maps([asked[k][0] for k in fresh], *wanted)):
                found[k] = wire.maps_message(asked[k][1].of(one)).SerializeToString()
        return found


@serve.deployment(num_replicas=1, ray_actor_options={"num_cpus": 0.1}, max_ongoing_requests=100)
class GatewayDeployment:
    """The gateway, in a process of its own."""

    def __init__(self, network: Any, host: str, port: int, most: int) -> None:
        self.network, self.host, self.port, self.most = network, host, port, most
        self.gateway: Gateway | None = None
        self.taken = 0

    async def listen(self) -> int:
        """The port, once the network has described itself."""
        if self.gateway is None:
            description = wire.Description.FromString(await self.network.describe.remote())
            gateway = Gateway(description, self._look, self.most)
            self.taken, self.gateway = await gateway.start(self.host, self.port), gateway
        return self.taken

    async def check_health(self) -> None:
        """Also what starts it, after it was deployed or has died."""
        await self.listen()

    def inside(self) -> int:
        """Pictures that wait or are looked at."""
        return 0 if self.gateway is None else self.gateway.inside

    async def _look(self, rgb: np.ndarray, wanted: Wanted, budget_s: float) -> Any:
        found = await self.network.look.remote(rgb, wanted, budget_s)
        return None if found is None else wire.MapsMessage.FromString(found)


def application(values: dict[str, Any]) -> Any:
    """The application of these Settings."""
    return application_of(values)


def application_of(values: dict[str, Any], make: Callable[[], tuple[Engine, str]] | None = None) -> Any:
    """The same; `make` puts another engine in the network's place."""
    settings = Settings.of(values)

    def own() -> tuple[Engine, str]:
        weights = settings.weights or None
        engine = make_engine("local", settings.model, weights, settings.device, settings.precision)
        return engine, wire.network_hash(settings.model, weights)

    scaling: dict[str, Any] = {"num_replicas": settings.replicas}
    if settings.most_replicas > settings.replicas:
        scaling = {"autoscaling_config": {"min_replicas": settings.replicas, "max_replicas": settings.most_replicas,
                                          "target_ongoing_requests": settings.batch}}
    network = Network.options(**scaling, max_ongoing_requests=2 * settings.batch, health_check_period_s=1, ray_actor_options={
        "num_cpus": settings.cpus, "num_gpus": settings.gpus}).bind(make or own, settings.batch, settings.batch_wait_ms / 1e3)
    most = 2 * settings.batch * max(settings.replicas, settings.most_replicas)
    return GatewayDeployment.options(health_check_period_s=1).bind(network, settings.host, settings.port, most)


def start(values: dict[str, Any], make: Callable[[], tuple[Engine, str]] | None = None, address: str | None = None) -> int:
    """Run the application on a cluster, or on one of its own that lives as long as this process; the gateway's port.

    address: of a Ray cluster; None starts one on loopback, without dashboard.
    """
    if not ray.is_initialized():
        local: dict[str, Any] = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"} if address is None else {}
        ray.init(address=address, log_to_driver=False, logging_level="warning", **local)
    serve.start(http_options={"location": "NoServer"})
    return serve.run(application_of(values, make), name="modot", route_prefix=None).listen.remote().result(timeout_s=120)


def stop() -> None:
    """The application and, when `start` has started it, the cluster."""
    serve.shutdown()
    ray.shutdown()
