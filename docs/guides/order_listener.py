# SPDX-License-Identifier: Apache-2.0
"""Slows down where something near hides something else: a planner's use of the order graph."""
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from std_msgs.msg import Float32

from modot_ros.msg import OrderGraph


def speed_limit(graph: OrderGraph, near_m: float = 1.5, slow: float = 0.3, fast: float = 1.0) -> float:
    """Metres per second: slow where an instance nearer than `near_m` surely hides a part of another one."""
    depth_m = {instance.id: instance.depth_near_m for instance in graph.instances}
    edges = [order for order in graph.occlusions
             if order.confidence > 0.8 and depth_m[order.occluder] < near_m and order.depth_gap_m > 0.5]
    return slow if edges else fast


class OrderListener(Node):
    def __init__(self) -> None:
        super().__init__("order_listener")
        self.publisher = self.create_publisher(Float32, "speed_limit", 1)
        self.create_subscription(OrderGraph, "/modot_node/order_graph", self.on_graph, 1)

    def on_graph(self, graph: OrderGraph) -> None:
        self.publisher.publish(Float32(data=speed_limit(graph)))


if __name__ == "__main__":
    rclpy.init()
    try:
        rclpy.spin(OrderListener())
    except (KeyboardInterrupt, ExternalShutdownException):      # an interrupt ends it
        pass
