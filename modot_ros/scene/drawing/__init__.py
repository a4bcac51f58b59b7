# SPDX-License-Identifier: Apache-2.0
"""Predictions as pictures and files."""
