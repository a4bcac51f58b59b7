# SPDX-License-Identifier: Apache-2.0
"""Readers of published data sets of instance orders, one a file."""
