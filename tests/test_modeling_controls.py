"""The facial controls of a generator: what moves beside its expression, or by itself."""

import pytest
import torch
from test_modeling import batch, small

from sargan_hf import SARGAN
from sargan_hf.inference.cpu_generator import FastGenerator
from sargan_hf.modeling_layers import ControlModulation

NAMES = ("jaw_open", "eye_wide_left", "eye_wide_right")


def controlled(**config):
    """A model whose controls move something, as they do after training."""
    model = small(motion=True, controls=NAMES, **config)
    with torch.no_grad():
        for modulation in model.modulations.values():
            modulation.weight.normal_(std=0.03)
        model.control_field.weight.normal_(std=0.01)
    return model


def test_controls_of_zero_change_nothing_bit_for_bit():
    model, (pictures, expression) = controlled(), batch()
    plain = model(pictures, expression).sample
    assert torch.equal(model(pictures, expression, controls=torch.zeros(2, 3)).sample, plain)
    assert not torch.allclose(model(pictures, expression, controls=torch.ones(2, 3)).sample, plain)


def test_a_control_counts_apart_above_and_below_zero():
    model, (pictures, expression) = controlled(), batch()
    with torch.no_grad():
        for modulation in model.modulations.values():
            modulation.weight[..., len(NAMES) :] = 0
        model.control_field.weight[len(NAMES) :] = 0
    plain = model(pictures, expression).sample
    assert torch.equal(model(pictures, expression, controls=-torch.ones(2, 3)).sample, plain)
    assert not torch.allclose(model(pictures, expression, controls=torch.ones(2, 3)).sample, plain)


def test_the_field_of_a_control_moves_what_it_names_at_any_size():
    model = small(motion=True, controls=NAMES)
    with torch.no_grad():
        model.control_field.weight[0, 0, 16:] = 0.05  # jaw_open moves the lower half sideways
        for side in (32, 64, 128):
            pictures = torch.zeros(1, 3, side, side)
            asked = [model(pictures, torch.eye(7)[:1], controls=torch.tensor([[value, 0, 0]])) for value in (0.0, 1.0)]
            moved = (asked[1].motion - asked[0].motion)[0]
            assert float(moved[0, side // 2 + side // 16 :].min()) > 10 * float(
                moved[0, : side // 2 - side // 16].abs().max()
            )
            assert torch.equal(moved[1], torch.zeros_like(moved[1]))


def test_a_control_may_move_one_side_more_than_the_other():
    layer = ControlModulation(1, 4)
    with torch.no_grad():
        layer.weight[2, :, 0] = 1
    shifted = layer(torch.zeros(1, 4, 8, 8), torch.ones(1, 1))
    assert torch.equal(shifted[..., 0], torch.full((1, 4, 8), -0.875 * layer.gain))
    assert torch.equal(shifted[..., 7], torch.full((1, 4, 8), 0.875 * layer.gain))


def test_new_controls_start_as_the_model_was():
    model, (pictures, expression) = small(motion=True, controls=NAMES), batch()
    plain = model(pictures, expression).sample
    assert torch.equal(model(pictures, expression, controls=torch.ones(2, 3)).sample, plain)


@pytest.mark.parametrize("config", [{"controls": NAMES}, {}])
def test_controls_of_another_length_are_refused(config):
    pictures, expression = batch()
    with pytest.raises(ValueError, match=r"controls must be \[2, [03]\]"):
        small(**config)(pictures, expression, controls=torch.zeros(2, 4))


def test_a_generator_with_controls_saves_loads_and_runs_fast(tmp_path):
    model, (pictures, expression) = controlled(occlusion=True), batch()
    model.save_pretrained(tmp_path)
    loaded = SARGAN.from_pretrained(tmp_path)
    assert tuple(loaded.config.controls) == NAMES
    controls = torch.tensor([[0.5, -1.0, 0.0], [0.0, 1.0, 1.0]])
    expected = model(pictures, expression, controls=controls)
    assert torch.equal(loaded(pictures, expression, controls=controls).sample, expected.sample)
    fast = FastGenerator(model)(pictures, expression, controls=controls)
    for name in ("sample", "residual", "motion", "occlusion", "painted"):
        torch.testing.assert_close(fast[name], expected[name], atol=3e-4, rtol=0)
