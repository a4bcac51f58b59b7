# SPDX-License-Identifier: Apache-2.0
"""Nodes that look on: a live page in the browser."""
