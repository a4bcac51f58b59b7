# SPDX-License-Identifier: Apache-2.0
"""The order graph: who occludes whom and who is nearer, from depth, boundaries and labels."""
