# SPDX-License-Identifier: Apache-2.0
"""ROS 2: the node, the sources of pictures, and what connects messages with arrays."""
