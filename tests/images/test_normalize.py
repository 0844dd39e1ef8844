"""Pixels become tensors and come back."""

import numpy as np
import pytest
import torch

from sargan_hf.images.normalize import channels_first, channels_last, denormalize, normalize, to_pixels, to_tensor

LEVELS = np.arange(256, dtype=np.uint8).reshape(16, 16)
PIXELS = np.dstack([LEVELS, LEVELS.T, 255 - LEVELS])


def test_every_level_survives_the_way_there_and_back():
    assert np.array_equal(to_pixels(to_tensor(PIXELS)), PIXELS)
    assert np.array_equal(denormalize(normalize(PIXELS)), PIXELS)


def test_a_tensor_is_what_torch_makes_of_the_pixels():
    tensor = to_tensor(np.stack([PIXELS, PIXELS]))
    expected = torch.from_numpy(PIXELS).permute(2, 0, 1).float() / 127.5 - 1
    assert tensor.dtype == np.float32
    assert tensor.shape == (2, 3, 16, 16)
    assert tensor.flags.c_contiguous
    assert np.array_equal(tensor[1], expected.numpy())


@pytest.mark.parametrize(("value", "level"), [(-1.0, 0), (1.0, 255), (-7.0, 0), (7.0, 255), (0.0, 128), (-0.003, 127)])
def test_values_are_rounded_and_kept_in_range(value, level):
    assert denormalize(np.float32([value])) == level


def test_layouts_are_views_of_each_other():
    fields = np.zeros((2, 5, 4, 3), np.float32)
    channels_first(fields)[1, 2, 4, 3] = 1
    assert fields[1, 4, 3, 2] == 1
    assert np.shares_memory(channels_last(channels_first(fields)), fields)
