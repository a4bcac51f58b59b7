# SPDX-License-Identifier: Apache-2.0
"""What a robot needs of a depth image: floor and obstacles, a scan, the scale of depth, frontiers that last."""
