# SPDX-License-Identifier: Apache-2.0
"""The published MoDOT and its second stage (WACV 2026), and the authors' checkpoint files."""
