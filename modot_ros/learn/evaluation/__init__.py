# SPDX-License-Identifier: Apache-2.0
"""Evaluation: a model and those it has to beat, on pictures with truth, as tables, curves and the worst pictures."""
