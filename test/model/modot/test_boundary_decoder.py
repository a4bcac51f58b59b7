# SPDX-License-Identifier: Apache-2.0
"""The boundary decoder's large maps, made in their places, against a concatenation."""
import torch

from modot_ros.model.fold import fold_batch_norms
from modot_ros.model.modot import boundary_decoder
from modot_ros.model.modot.boundary_decoder import BoundaryDecoder


@torch.inference_mode()
def test_large_maps_are_planar_and_the_same(monkeypatch):
    torch.manual_seed(0)
    decoder = fold_batch_norms(BoundaryDecoder((16, 16, 8, 16, 8)).eval()).to(memory_format=torch.channels_last)
    sizes = ((2, 3), (4, 6), (8, 12), (8, 12), (30, 45))                   # the last step's result is cropped
    maps = [torch.randn(2, c, *size).to(memory_format=torch.channels_last) for c, size in zip((16, 16, 8, 16, 8), sizes)]
    joined = []
    decoder.decoder_fuses[4].register_forward_pre_hook(lambda _, inputs: joined.append(inputs[0]))
    expected = decoder(maps, auxiliaries=True)
    monkeypatch.setattr(boundary_decoder, "MOST_PIXELS_BACK", 1000)
    torch.testing.assert_close(decoder(maps, auxiliaries=True), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(joined[1], joined[0], atol=1e-6, rtol=1e-6)
    assert joined[1].is_contiguous() and not joined[0].is_contiguous()
