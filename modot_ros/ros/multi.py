# SPDX-License-Identifier: Apache-2.0
"""`modot_multi`: several cameras in one process, a modot_node in the namespace of each, one network for all.

    ros2 run modot_ros modot_multi --ros-args -p cameras:="[front, left, rear]"

Nodes with the same model, weights, device, precision and engine share it: what they ask for while it is busy is its next
batch. All else is each node's own: topics, parameters (`/front/modot_node` in a parameter file), lifecycle, diagnostics.
"""
from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

import rclpy
from rclpy.exceptions import InvalidNamespaceException, InvalidParameterTypeException, InvalidParameterValueException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.validate_namespace import validate_namespace

from modot_ros.machine import keep_freed_memory
from modot_ros.ros.node.node import ModotNode, make_predictor
from modot_ros.ros.node.parameters import Parameters


class SharedEngines:
    """A predictor factory for several nodes: predictors of the same network share its engine as long as one lives."""

    def __init__(self) -> None:
        self._engines: WeakValueDictionary[tuple[Any, ...], Any] = WeakValueDictionary()

    def __call__(self, parameters: Parameters) -> Any:
        from modot_ros.engine import SharedEngine, make_engine  # torch takes seconds

        key = (parameters.engine, parameters.model, parameters.weights, parameters.device, parameters.precision,
               parameters.engine_addresses, parameters.engine_budget_s)
        engine = self._engines.get(key)
        if engine is None:
            engine = make_engine(parameters.engine, parameters.model, parameters.weights or None, parameters.device,
                                 parameters.precision, parameters.addresses(), parameters.engine_budget_s)
            if parameters.engine != "ray":              # a pool makes the batches itself
                engine = SharedEngine(engine)
            self._engines[key] = engine
        return make_predictor(parameters, engine)


def camera_names(container: Node) -> list[str]:
    """The parameter `cameras`; ValueError for none, for names that are no namespaces, and for one that comes twice."""
    container.declare_parameter("cameras", Parameter.Type.STRING_ARRAY)
    names = container.get_parameter_or("cameras", Parameter("cameras", value=[])).value or []
    if not names:
        raise ValueError("cameras is empty: name the namespaces of the cameras, as [front, left, rear]")
    for name in names:
        try:
            validate_namespace(f"/{name.strip('/')}")
            if not name.strip("/"):
                raise InvalidNamespaceException(name, "it is empty", 0)
        except InvalidNamespaceException as error:
            raise ValueError(f"cameras has {name!r}, which is no namespace: letters, digits, _ and /") from error
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"cameras has {', '.join(twice)} twice")
    return [name.strip("/") for name in names]


def camera_nodes(names: list[str], factory: Callable[[Parameters], Any] | None = None, **options: Any) -> list[ModotNode]:
    """A modot_node in the namespace of each camera, unconfigured. `options` go to each."""
    factory = factory or SharedEngines()
    return [ModotNode(factory, namespace=f"/{name}", **options) for name in names]


def started(node: ModotNode) -> bool:
    """Whether it is active, or was to be left unconfigured."""
    return not node.parameters.autostart or (node.trigger_configure() == TransitionCallbackReturn.SUCCESS
                                             and node.trigger_activate() == TransitionCallbackReturn.SUCCESS)


def main(args: list[str] | None = None) -> int:
    keep_freed_memory()
    nodes: list[ModotNode] = []
    try:
        rclpy.init(args=args)
        container = Node("modot_multi")
        nodes = camera_nodes(camera_names(container))
        if any(not started(node) and node.parameters.exit_on_failure for node in nodes):
            return 1
        executor = SingleThreadedExecutor()
        for node in (container, *nodes):
            executor.add_node(node)
        executor.spin()
    except (ValueError, InvalidParameterTypeException, InvalidParameterValueException) as error:
        print(f"modot_multi: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except Exception:
        if rclpy.ok():                                  # otherwise a signal came while the nodes were made
            raise
    finally:
        for node in nodes:
            node.destroy_node()
        rclpy.try_shutdown()
    return max((node.exit_code for node in nodes), default=0)


if __name__ == "__main__":
    sys.exit(main())
