# SPDX-License-Identifier: Apache-2.0
"""DNMMSI (BMVC 2025): occlusion boundaries that a person corrects with strokes."""
