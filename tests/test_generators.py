"""Edits of faces unlike those trained on are made as strong as the others."""

import numpy as np
import pytest
import torch

from sargan_hf import SARGAN
from sargan_hf.generators import GeneratorEdit, evened
from sargan_hf.generators.base import MOST_EVENING
from sargan_hf.generators.torch_generator import TorchGenerator

RNG = np.random.default_rng(0)


def edit(reach: list[float]) -> GeneratorEdit:
    """One edit for each root mean square length of its motion."""
    motion = RNG.normal(size=(len(reach), 2, 32, 32)).astype(np.float32)
    length = np.sqrt(np.square(motion).sum(axis=1).mean(axis=(1, 2)))
    motion *= (np.array(reach) / length).astype(np.float32)[:, None, None, None]
    return GeneratorEdit(RNG.uniform(-0.5, 0.5, (len(reach), 3, 32, 32)).astype(np.float32), None, motion)


def test_weak_edits_grow_and_strong_ones_stay():
    weak, strong, hardly = 0.08, 0.12, 0.01
    given = edit([weak, strong, hardly])
    conditions = np.array([[0, 1], [0, 1], [0, 1]], np.float32)
    made = evened(given, conditions, [0.5, 0.1])
    for index, factor in enumerate((0.1 / weak, 1.0, MOST_EVENING)):
        np.testing.assert_allclose(made.motion[index], factor * given.motion[index], rtol=1e-5)
        np.testing.assert_allclose(made.residual[index], factor * given.residual[index], rtol=1e-5)
    assert made.motion.dtype == made.residual.dtype == np.float32


def test_strong_edits_are_the_same_bits():
    given = edit([0.2])
    made = evened(given, np.array([[1.0]], np.float32), [0.1])
    np.testing.assert_array_equal(made.motion, given.motion)
    np.testing.assert_array_equal(made.residual, given.residual)


def test_each_expression_has_its_own_measure_and_a_blend_the_mean():
    given = edit([0.1, 0.1, 0.1])
    made = evened(given, np.array([[1, 0], [0, 1], [0.5, 0.5]], np.float32), [0.1, 0.12])
    factors = [np.abs(m).sum() / np.abs(g).sum() for m, g in zip(made.motion, given.motion, strict=True)]
    np.testing.assert_allclose(factors, [1.0, 1.2, 1.1], rtol=1e-4)


def test_nothing_moves_where_nothing_did():
    still = GeneratorEdit(np.zeros((1, 3, 32, 32), np.float32), None, np.zeros((1, 2, 32, 32), np.float32))
    made = evened(still, np.array([[1.0]], np.float32), [0.1])
    assert not made.motion.any()
    assert not made.residual.any()


@pytest.mark.parametrize("typical", [None, [0.1] * 7])
def test_models_without_motion_are_left_alone(typical):
    residual = RNG.uniform(-1, 1, (2, 3, 32, 32)).astype(np.float32)
    given = GeneratorEdit(residual, None, None)
    assert evened(given, np.eye(7, dtype=np.float32)[:2], typical) is given


def test_the_config_carries_it(tmp_path):
    torch.manual_seed(0)
    model = SARGAN(base_channels=8, attention_channels=8, sample_size=64, motion=True, typical_motion=[0.5] * 7).eval()
    model.save_pretrained(tmp_path)
    loaded = SARGAN.from_pretrained(tmp_path)
    crops, condition = RNG.uniform(-1, 1, (1, 3, 64, 64)).astype(np.float32), np.eye(7, dtype=np.float32)[:1]
    plain = loaded(torch.from_numpy(crops), torch.from_numpy(condition))
    grown = TorchGenerator(loaded)(crops, condition)
    np.testing.assert_allclose(grown.motion, MOST_EVENING * plain.motion.detach().numpy(), atol=1e-5)


def test_one_number_for_each_expression_is_wanted():
    with pytest.raises(ValueError, match="typical_motion must have 7 numbers"):
        SARGAN(base_channels=8, motion=True, typical_motion=[0.1, 0.2])
