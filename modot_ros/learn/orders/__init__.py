# SPDX-License-Identifier: Apache-2.0
"""Learning and scoring pairwise orders as InstaOrder does (Lee and Park, CVPR 2022): who occludes whom, who is nearer.

Matrices are int64 [N, N] over the instances of a picture. Occlusion: 1 = row over column, 0 = not, -1 = not annotated.
Depth: 1 = row closer, 0 = row farther, 2 = equal, -1 = not annotated.
"""
