# SPDX-License-Identifier: Apache-2.0
"""The demo: a camera, the node and a monitor with a live table as three processes."""
