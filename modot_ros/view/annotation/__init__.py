# SPDX-License-Identifier: Apache-2.0
"""A page on which a person corrects boundaries with strokes (`modot annotate`)."""
