# SPDX-License-Identifier: Apache-2.0
"""The lifecycle node from camera to depth, boundaries, order graph and clouds: `node.ModotNode`."""
