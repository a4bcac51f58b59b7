# SPDX-License-Identifier: Apache-2.0
"""Readers of published data sets of depth and boundaries, one a file."""
