# SPDX-License-Identifier: Apache-2.0
"""The order networks of InstaOrder (CVPR 2022) with MiDaS and PCNet-M, and the authors' checkpoint files."""
