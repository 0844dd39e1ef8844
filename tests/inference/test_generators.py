"""Edits of faces unlike those trained on are made as strong as the others."""

import numpy as np
import pytest
import torch
from drawing import opening_mouth

from sargan_hf import SARGAN
from sargan_hf.images.warp import warp_field
from sargan_hf.inference import GeneratorOutput, match_strength, rms_motion
from sargan_hf.inference.protocol import typical_motion_of
from sargan_hf.inference.strength import MAX_GAIN
from sargan_hf.inference.torch_backend import TorchGenerator

RNG = np.random.default_rng(0)


def edit(reach: list[float], conditions: list[list[float]]) -> GeneratorOutput:
    """One edit for each length of its motion, which is the same everywhere, as its residual is."""
    direction = np.array([0.6, -0.8], np.float32)[:, None, None]
    motion = np.stack([np.broadcast_to(length * direction, (2, 32, 32)) for length in reach]).astype(np.float32)
    residual = np.broadcast_to(RNG.uniform(-0.5, 0.5, (len(reach), 3, 1, 1)), (len(reach), 3, 32, 32))
    return GeneratorOutput(residual.astype(np.float32), None, motion, np.array(conditions, np.float32))


def test_weak_edits_grow_and_strong_ones_stay():
    weak, strong, hardly = 0.08, 0.12, 0.01
    given = edit([weak, strong, hardly], [[0, 1]] * 3)
    made = match_strength(given, [0.5, 0.1])
    for index, factor in enumerate((0.1 / weak, 1.0, MAX_GAIN)):
        np.testing.assert_allclose(made.motion[index], factor * given.motion[index], rtol=1e-5)
        np.testing.assert_allclose(made.residual[index], factor * given.residual[index], rtol=1e-5)
    assert made.motion.dtype == made.residual.dtype == np.float32


def test_a_mouth_that_opens_further_stays_dark_inside():
    """The lips part at row 32; between them the network paints the seam, fetched from row 32, dark. Lips are light."""
    side = 64
    pixels, inside = opening_mouth(side, half=6)
    motion = pixels.transpose(2, 0, 1)[None] * (2 / side)
    residual = np.zeros((1, 3, side, side), np.float32)
    residual[0, :, inside] = -0.9
    given = GeneratorOutput(residual, None, motion, np.ones((1, 1), np.float32))
    made = match_strength(given, [1.3 * float(rms_motion(motion)[0])])

    def shown(change: GeneratorOutput) -> np.ndarray:
        crop = np.full((side, side, 3), 0.6, np.float32)
        flow = np.ascontiguousarray(change.motion[0].transpose(1, 2, 0)) * side / 2
        return (warp_field(crop, flow) + change.residual[0].transpose(1, 2, 0)).mean(axis=(1, 2))

    opened, further = (np.flatnonzero(shown(change) < 0) for change in (given, made))
    assert len(further) > len(opened), "the mouth is open further"
    assert (np.diff(further) == 1).all(), "and dark all through"


def test_strong_edits_are_the_same_bits():
    given = edit([0.2], [[1.0]])
    made = match_strength(given, [0.1])
    np.testing.assert_array_equal(made.motion, given.motion)
    np.testing.assert_array_equal(made.residual, given.residual)


def test_each_expression_has_its_own_measure_and_a_blend_the_mean():
    given = edit([0.1, 0.1, 0.1], [[1, 0], [0, 1], [0.5, 0.5]])
    made = match_strength(given, [0.1, 0.12])
    factors = [np.abs(m).sum() / np.abs(g).sum() for m, g in zip(made.motion, given.motion, strict=True)]
    np.testing.assert_allclose(factors, [1.0, 1.2, 1.1], rtol=1e-4)


def test_nothing_moves_where_nothing_did():
    motion, condition = np.zeros((1, 2, 32, 32), np.float32), np.ones((1, 1), np.float32)
    still = GeneratorOutput(np.zeros((1, 3, 32, 32), np.float32), None, motion, condition)
    made = match_strength(still, [0.1])
    assert not made.motion.any()
    assert not made.residual.any()


@pytest.mark.parametrize("typical", [None, [0.1] * 7])
def test_models_without_motion_are_left_alone(typical):
    residual = RNG.uniform(-1, 1, (2, 3, 32, 32)).astype(np.float32)
    given = GeneratorOutput(residual, None, None, np.eye(7, dtype=np.float32)[:2])
    assert match_strength(given, typical) is given


def test_the_config_carries_it(tmp_path):
    torch.manual_seed(0)
    model = SARGAN(base_channels=8, attention_channels=8, sample_size=64, motion=True, typical_motion=[0.5] * 7).eval()
    model.save_pretrained(tmp_path)
    loaded = SARGAN.from_pretrained(tmp_path)
    crops, condition = RNG.uniform(-1, 1, (1, 3, 64, 64)).astype(np.float32), np.eye(7, dtype=np.float32)[:1]
    with torch.no_grad():
        plain = loaded(torch.from_numpy(crops), torch.from_numpy(condition))
    own = GeneratorOutput(plain.residual.numpy(), None, plain.motion.numpy(), condition)
    generator = TorchGenerator(loaded)
    np.testing.assert_allclose(generator(crops, condition).motion, own.motion, atol=1e-4)
    matched = match_strength(generator(crops, condition), typical_motion_of(generator))
    np.testing.assert_allclose(matched.motion, match_strength(own, [0.5] * 7).motion, atol=1e-4)
    assert np.abs(matched.motion - own.motion).max() > 0.01


def test_one_number_for_each_expression_is_wanted():
    with pytest.raises(ValueError, match="typical_motion must have 7 numbers"):
        SARGAN(base_channels=8, motion=True, typical_motion=[0.1, 0.2])


@pytest.mark.parametrize("kernels", ["of a CPU", "of a batch"])
def test_what_a_crop_becomes_does_not_depend_on_the_others(kernels):
    """On other devices a batch takes other kernels, which show in the last bits; here a model that mixes its batch."""
    torch.manual_seed(0)
    model = SARGAN(base_channels=8, attention_channels=8, sample_size=64, motion=True, typical_motion=[0.5] * 7).eval()
    generator = TorchGenerator(model)
    if kernels == "of a batch":
        plain = model.forward
        generator.model = model
        model.forward = lambda pixels, expression: plain(pixels + pixels.mean(dim=0), expression)
    crops = RNG.uniform(-1, 1, (3, 3, 64, 64)).astype(np.float32)
    conditions = np.eye(7, dtype=np.float32)[:3] * 0.6 + np.eye(7, dtype=np.float32)[3:6] * 0.4
    together = generator(crops, conditions)
    for index in range(3):
        alone = generator(crops[index : index + 1], conditions[index : index + 1])
        for field, one in zip(alone, together.one(index), strict=True):
            np.testing.assert_array_equal(field, one)
