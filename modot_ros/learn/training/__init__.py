# SPDX-License-Identifier: Apache-2.0
"""Training of depth and boundaries: views, batches, losses, the loop, and what is written on the way."""
