# SPDX-License-Identifier: Apache-2.0
"""Parts of the small networks, each alone."""
import math

import torch

from modot_ros.model.layers.coupled import GlobalBlock, ImagePath, PyramidPooling, waves


@torch.inference_mode()
def test_every_place_of_a_global_block_hears_from_every_other_and_knows_where_it_is():
    torch.manual_seed(0)
    block = GlobalBlock(64)
    torch.nn.init.normal_(block.join.weight)
    x = torch.randn(1, 64, 3, 5)
    corner = x.clone()
    corner[..., 0, 0] = -corner[..., 0, 0]
    assert (block(corner) != block(x)).any(dim=1).all()
    assert block(torch.zeros_like(x)).flatten(2).unique(dim=2).shape[2] == 15       # alike all over, but for the place


@torch.inference_mode()
def test_places_are_told_in_waves_that_serve_training_too():
    with torch.inference_mode():
        found = waves(3, 5, torch.device("cpu"), torch.float32)
    assert found.shape == (15, 12) and not found.is_inference()
    angle = math.pi * 0.5 * torch.tensor([-2 / 3, -4 / 5])              # of the first row and column, at half a period
    torch.testing.assert_close(found[0, [0, 1, 6, 7]], torch.cat([angle.sin(), angle.cos()]))


@torch.inference_mode()
def test_pyramid_pooling_sees_the_whole_picture():
    torch.manual_seed(0)
    module, x = PyramidPooling(8, 8).eval(), torch.randn(1, 8, 12, 12)
    corner = x.clone()
    corner[..., 0, 0] += 100.0
    assert (module(corner) != module(x))[..., -1, -1].any()      # eleven cells away, three times a 3x3's reach


@torch.inference_mode()
def test_the_image_path_keeps_every_pixel_at_half_size():
    torch.manual_seed(0)
    module, x = ImagePath(16).eval(), torch.randn(1, 3, 8, 8)
    assert module(x).shape == (1, 16, 4, 4)
    for pixel in ((0, 0), (3, 4), (7, 7)):
        other = x.clone()
        other[0, 1, pixel[0], pixel[1]] += 1.0
        assert not torch.allclose(module(other), module(x))
