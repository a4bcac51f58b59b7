# SPDX-License-Identifier: Apache-2.0
"""Sizes of what the boundary decoder gives."""
import torch

from modot_ros.model.dnmmsi.boundary_decoder import BoundaryDecoder, Shuffled


def test_outputs_cover_the_picture_and_features_are_cropped_to_the_next_level():
    decoder = BoundaryDecoder((32, 16, 8, 8, 4)).eval()
    sizes = ((4, 6), (8, 11), (16, 21), (31, 42), (61, 83))                 # each at most twice the one before
    found = decoder([torch.rand(1, channels, *size) for channels, size in zip((32, 16, 8, 8, 4), sizes)])
    assert [tuple(x.shape) for x in found] == [(1, 1, 64, 96), (1, 1, 64, 88), (1, 1, 64, 84), (1, 1, 62, 84), (1, 1, 61, 83)]


def test_channels_become_pixels():
    assert Shuffled(8, 3)(torch.rand(2, 8, 5, 7)).shape == (2, 3, 10, 14)
