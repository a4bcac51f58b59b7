# SPDX-License-Identifier: Apache-2.0
"""Predictions to look at and to correct, in a browser."""
