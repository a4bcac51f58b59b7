# SPDX-License-Identifier: Apache-2.0
"""Sets of pictures whose occlusion boundaries were drawn or worked out by others than MoDOT's authors."""
