# SPDX-License-Identifier: Apache-2.0
"""Procedural rooms with exact truth: a seeded scene, cameras in it, and views with depth, boundaries and orders."""
from modot_ros.learn.synthetic.camera import Camera, fly_through, random_camera
from modot_ros.learn.synthetic.rooms.scene import Scene, random_scene
from modot_ros.learn.synthetic.view import View, render

__all__ = ["Camera", "Scene", "View", "fly_through", "random_camera", "random_scene", "render"]
