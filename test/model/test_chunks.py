# SPDX-License-Identifier: Apache-2.0
"""Chunks: everything once and in order, smaller ones when memory is short."""
import numpy as np
import pytest
import torch

from modot_ros.model.chunks import in_chunks, is_out_of_memory


@pytest.mark.parametrize("at_once", [1, 3, 7, 100])
def test_every_item_is_run_once_and_in_order(at_once):
    sizes = []

    def run(items):
        sizes.append(len(items))
        return torch.from_numpy(items * 2)
    np.testing.assert_array_equal(in_chunks(run, np.arange(7), at_once), 2 * np.arange(7))
    assert sum(sizes) == 7 and max(sizes) <= at_once


def test_chunks_shrink_until_they_fit():
    tried = []

    def run(items):
        tried.append(len(items))
        if len(items) > 2:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")
        return torch.from_numpy(items)
    np.testing.assert_array_equal(in_chunks(run, np.arange(9), 9), np.arange(9))
    assert tried == [9, 5, 3, 2, 2, 2, 2, 1]


@pytest.mark.parametrize("at_once, error", [(1, torch.cuda.OutOfMemoryError("CUDA out of memory")),
                                            (4, RuntimeError("shapes do not fit"))])
def test_what_smaller_chunks_cannot_help_is_raised(at_once, error):
    def run(items):
        raise error
    with pytest.raises(type(error), match=str(error)):
        in_chunks(run, np.arange(5), at_once)


def test_short_memory_is_told_from_other_errors():
    assert is_out_of_memory(torch.cuda.OutOfMemoryError("CUDA out of memory"))
    assert not is_out_of_memory(RuntimeError("out of range"))
