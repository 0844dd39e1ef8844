"""A wide generator that starts from a trained narrow one."""

import pytest
import torch

from sargan_hf import SARGAN
from sargan_hf.errors import ConfigurationError
from sargan_hf.training.widening import widen


@pytest.fixture
def faces():
    random = torch.Generator().manual_seed(0)
    return torch.rand(2, 3, 64, 64, generator=random) * 2 - 1, torch.eye(7)[:2]


@pytest.mark.parametrize(
    "settings", [{"motion": True}, {"num_blocks": 2}, {"attention": False}, {"ultimate_skip": False}]
)
@pytest.mark.parametrize("times", [2, 3])
def test_a_widened_generator_gives_the_same_output(settings, times, faces):
    torch.manual_seed(0)
    narrow = SARGAN(base_channels=8, **settings)
    wide = widen(narrow, 8 * times)
    assert wide.config.base_channels == 8 * times
    assert {name: wide.config[name] for name in settings} == settings
    torch.testing.assert_close(wide(*faces).sample, narrow(*faces).sample, atol=1e-4, rtol=0)


def test_copies_learn_different_things(faces):
    wide = widen(SARGAN(base_channels=8, motion=True), 16)
    wide(*faces).sample.square().mean().backward()
    gradient = wide.conv_in.weight.grad
    assert (gradient[:8] - gradient[8:]).abs().max() > 0.01 * gradient.abs().max()


def test_only_multiples_of_the_width():
    with pytest.raises(ConfigurationError, match="got 12"):
        widen(SARGAN(base_channels=8), 12)
