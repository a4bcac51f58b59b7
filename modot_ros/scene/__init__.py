# SPDX-License-Identifier: Apache-2.0
"""Arrays in, arrays out: boundaries, instances, orders, geometry, drawing. Knows neither torch nor ROS."""
