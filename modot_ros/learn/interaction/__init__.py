# SPDX-License-Identifier: Apache-2.0
"""A person who corrects boundaries, simulated as DNMMSI (Xu and Wang, BMVC 2025) was trained and tested, and its loss.

segments    what is missing and what is false, as lines
scribbles   strokes along such lines, as unsteady as a hand's
editor      which of them are drawn: at the first look, at the longest errors of an output, in rounds
losses      of the six outputs
"""
