# SPDX-License-Identifier: Apache-2.0
"""Training: synthetic rooms with exact truth, data sets, losses, metrics, evaluation."""
