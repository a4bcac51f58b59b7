# SPDX-License-Identifier: Apache-2.0
"""Scores of depth and boundaries: arrays in, numbers out.

    depth               depth_metrics: Eigen's scores and others, plain or after alignment
    pixels              pixel_metrics: boundary pixels without tolerance, as MoDOT is scored
    published           published_scores: both with the limits and masks of MoDOT's evaluation
    boundary_benchmark  BoundaryBenchmark: ODS, OIS and AP as DOOBNet's and IOBE's scripts or as the BSDS code, made of
                        suppression.suppress, thinning.thinned and matching.largest_matching
    depth_boundary      depth_boundary_error of iBims-1, scale_invariant_boundary_f of Depth Pro
    canny               depth_edges: boundaries of a network that has none
    depth_steps         step_boundaries: boundaries that exact depth shows
    class_scores        confusion, class_scores: semantic classes, 20 or merged into 13 or 6; ClassByRow: without a network
"""
