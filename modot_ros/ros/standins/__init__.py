# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for packages of a ROS distribution that ROS from wheels lacks; reached through modot_ros.ros.compat."""
