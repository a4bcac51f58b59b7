# SPDX-License-Identifier: Apache-2.0
"""A pool of machines that run the network for many robots: what goes over the wire, the robot's side, and the pool's."""
