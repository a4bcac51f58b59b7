# SPDX-License-Identifier: Apache-2.0
"""The table of "Beneath The Surface" (Yigit, 2024), where segmentation guides depth by attention on NYU Depth v2, and the scores
of depth that its text has."""
from __future__ import annotations

from modot_ros.learn.evaluation.quoted.table import quoted

SOURCE = "Yigit, 2024"
_SPLIT = "The split is given as 80, 10 and 10 percent, two of them for testing; drawn from 1,449 frames, it leaks scenes."

TABLES = (
    quoted(SOURCE, "Table 1: segmentation of NYU Depth v2, percent", "nyud_mt", "pixel_accuracy", """
FCN | 60.0
Context | 70.0
RefineNet | 72.8
PAD-Net | 75.2
PAP-Net | 76.2
guided attention after MTI-Net | 62.17
""", ("FCN is dated 2012, before it was published. MTI-Net is attributed to Kendall; it is Vandenhende's (ECCV 2020).",
      "62.17 is called competitive and is below four of the five others; classes are 40 in one section and 256 in two.", _SPLIT)),
    quoted(SOURCE, "section 7.1: depth in [0, 1]", "", "mae rmse delta1 delta2 delta3", """
guided attention after MTI-Net | 0.0323 0.0416 0.4127 0.6683 0.8077
""", ("d<1.25^k is meant, where the text says within 1, 2 and 3 times.",
      "The unit of depth is not said. A constant at the median has MAE, RMSE and d<1.25 of this size.", _SPLIT)),
)
