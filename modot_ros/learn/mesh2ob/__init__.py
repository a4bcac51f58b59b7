# SPDX-License-Identifier: Apache-2.0
"""Mesh2OB: triangle meshes and camera poses -> pictures with exact occlusion boundaries and orders.

Follows the idea of the tool of that name (Xu and Wang, OB-FUTURE), with the strict definition of synthetic/truth.py by
default and that tool's conventions (published.py) on request. Needs trimesh and embreex: `pip install .[mesh]`.
"""
