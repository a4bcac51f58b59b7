# SPDX-License-Identifier: Apache-2.0
"""Scores of depth, boundaries and orders: arrays in, numbers out."""
