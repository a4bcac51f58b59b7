# SPDX-License-Identifier: Apache-2.0
"""The tables of InstaOrder's supplement (Lee and Park, CVPR 2022), and networks that only the repositories have numbers of: in
percent, means over pictures, with true masks but for InstaFormer, which finds its own."""
from __future__ import annotations

from modot_ros.learn.evaluation.quoted.table import quoted

SOURCE = "InstaOrder, CVPR 2022"
_ORDERS = "occlusion_recall occlusion_precision occlusion_f1 whdr_distinct whdr_overlap whdr_all"

TABLES = (
    quoted(SOURCE, "Table A1: with and without bidirectional orders", "instaorder", _ORDERS, """
PCNet-M, no bidirectional orders | 62.23 57.74 52.28 - - -
OrderNet, no bidirectional orders | 88.68 62.90 66.23 - - -
InstaOrderNet_o, no bidirectional orders | 89.23 67.08 69.34 - - -
InstaDepthNet_od, no bidirectional orders | 79.76 89.39 78.13 7.09 23.46 12.79
PCNet-M | 59.19 76.42 63.02 - - -
OrderNet, 4 classes | 84.93 78.21 77.51 - - -
InstaOrderNet_o | 89.39 79.83 80.65 - - -
InstaDepthNet_od | 84.89 91.34 85.01 7.00 23.29 12.72
""", ("F1 is a mean over pictures (a picture in which nothing is to be found and nothing is found counts as 100): it is not the "
      "harmonic mean of the recall and precision beside it, as equation A3 has it.",
      "Recall of PCNet-M falls from 62.23 to 59.19 with bidirectional orders; what is better is precision.",
      "Without bidirectional orders another truth is scored: the two halves of the table do not compare row by row.",
      "PCNet-M was scored with masks multiplied by their category, which it was not trained on.",
      "The text has 58,000 steps for InstaOrderNet; the released configuration has 86,000.")),
    quoted(SOURCE, "Table A2: losses of InstaDepthNet_d", "", "instaorder.whdr_distinct instaorder.whdr_overlap "
           "instaorder.whdr_all diw.correct diw.wrong diw.whdr", """
InstaDepthNet_d, no disparity loss | 7.24 23.99 13.17 65,270 9,171 12.32
InstaDepthNet_d, no smoothness loss | 7.14 23.64 13.00 65,277 9,164 12.30
InstaDepthNet_d | 7.25 23.34 12.94 65,317 9,124 12.26
""", ("The disparity loss of the released code has no gradient, so that the differences between these rows cannot come from it.",
      "Distinct pairs are best without smoothness (7.14), so that the full loss is not the best of all columns.",
      "The supplement names scores of disparity on KITTI (A5 to A8) and prints none.")),
    quoted("InstaOrder's repository", "networks without a row in the supplement", "instaorder", _ORDERS, """
InstaOrderNet_d | - - - 12.95 25.96 17.51
InstaOrderNet_od | 82.37 88.67 81.86 11.51 25.22 15.99
InstaFormer_o Swin-L, no masks given | 89.82 78.10 81.89 - - -
InstaFormer_od Swin-L, no masks given | 89.57 78.07 81.37 7.90 24.68 13.30
"""),
)
